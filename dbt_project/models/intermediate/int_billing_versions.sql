-- At every moment at which a provider told something new about a day: which version of each of its reports held then.
-- A report of lower preference counts for the days of which the better one had told nothing by then, or that there is
-- nothing: a bill that lags behind says so of its last days.

with

reports as (

    select reports.*
    from (
        values
        ('anthropic__usage', 'anthropic', 'usage', 1),
        ('anthropic__usage_legacy', 'anthropic', 'usage', 2),
        ('anthropic__cost', 'anthropic', 'cost', 1),
        ('anthropic__cost_legacy', 'anthropic', 'cost', 2),
        ('openai__completions', 'openai', 'usage', 1),
        ('openai__embeddings', 'openai', 'usage', 1),
        ('openai__moderations', 'openai', 'usage', 1),
        ('openai__costs', 'openai', 'cost', 1),
        ('openrouter__activity', 'openrouter', 'usage', 1),
        ('cursor__usage_events', 'cursor', 'usage', 1),
        ('github_copilot__users_daily', 'github_copilot', 'usage', 1),
        ('github_copilot__ai_credits', 'github_copilot', 'cost', 1),
        ('deepseek__amount', 'deepseek', 'usage', 1),
        ('deepseek__cost', 'deepseek', 'cost', 1),
        ('aws__costs', 'aws', 'usage', 1),
        ('google__billing', 'google', 'usage', 1),
        ('google__tokens', 'google', 'usage', 2),
        ('azure__metrics', 'azure', 'usage', 1),
        ('azure__cost_export', 'azure', 'cost', 1),
        ('vllm__served', 'selfhosted-vllm', 'usage', 1)
    ) as reports (feed, provider, report, preference)

),

run as (select as_of_date, timezone from {{ source('raw', 'paceline__run') }}),

versions as (

    select feed, reports.provider, reports.report, reports.preference, versions.utc_date, versions.known_at
    from {{ source('raw', 'paceline__versions') }} as versions
    inner join reports using (feed)
    cross join run
    -- Days that are over when the as-of day is: of the others the gateway has seen a part only.
    where
        {{ company_date("cast(versions.utc_date as timestamp) + interval '23:59:59'", 'run.timezone') }}
        <= run.as_of_date

),

moments as (

    select
        provider,
        utc_date,
        known_at,
        lead(known_at) over (partition by provider, utc_date order by known_at) as superseded_at
    from (select distinct provider, utc_date, known_at from versions)

),

held as (

    select
        moments.provider,
        moments.utc_date,
        moments.known_at,
        moments.superseded_at,
        versions.feed,
        versions.report,
        versions.preference,
        max(versions.known_at) as version_known_at
    from moments
    inner join versions
        on moments.provider = versions.provider
        and moments.utc_date = versions.utc_date
        and moments.known_at >= versions.known_at
    group by
        moments.provider, moments.utc_date, moments.known_at, moments.superseded_at,
        versions.feed, versions.report, versions.preference

),

with_lines as (select distinct feed, utc_date, known_at, true as has_lines from {{ ref('int_billed_lines') }})

select held.* exclude (preference)
from held
left join with_lines
    on held.feed = with_lines.feed
    and held.utc_date = with_lines.utc_date
    and held.version_known_at = with_lines.known_at
qualify
    held.preference = coalesce(
        min(held.preference) filter (where with_lines.has_lines) over (
            partition by held.provider, held.utc_date, held.known_at, held.report
        ),
        min(held.preference) over (partition by held.provider, held.utc_date, held.known_at, held.report)
    )
