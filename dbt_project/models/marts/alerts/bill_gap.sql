-- Bill and logs disagree and nothing explains it: on days of the as-of month that the provider has told completely, or
-- over the month before, which is closed.

with

run as (

    select
        as_of_date,
        date_trunc('month', as_of_date)::date as month,
        (date_trunc('month', as_of_date) - interval 1 month)::date as month_before
    from {{ source('raw', 'paceline__run') }}

),

-- A day that the provider has not told completely is timing, never unexplained.
days as (

    select
        reconciliation.provider,
        reconciliation.utc_date,
        date_trunc('month', reconciliation.utc_date)::date as month,
        sum(reconciliation.billed_tokens) as billed_tokens,
        sum(reconciliation.observed_tokens) as observed_tokens,
        sum(reconciliation.billed_usd) as billed_usd,
        sum(reconciliation.observed_usd) as observed_usd,
        coalesce(
            sum(reconciliation.remaining_tokens) filter (where reconciliation.cause like '%unexplained%'), 0
        ) as unexplained_tokens,
        abs(unexplained_tokens)
        / nullif(greatest(sum(reconciliation.billed_tokens), sum(reconciliation.observed_tokens)), 0) as apart_ratio,
        string_agg(distinct nullif(reconciliation.cause, 'none'), ', ') as causes
    from {{ ref('fct_reconciliation_daily') }} as reconciliation
    inner join run on reconciliation.utc_date between run.month_before and run.as_of_date
    group by reconciliation.provider, reconciliation.utc_date

),

-- Of the as-of month the days over the limit; where none is, those that are not yet well below it.
apart as (

    select days.*
    from days
    inner join run using (month)
    where
        days.apart_ratio >= {{ assumption('reconciliation_day_warn_ratio') }} * {{ assumption('warn_clear_ratio') }}
    qualify
        days.apart_ratio > {{ assumption('reconciliation_day_warn_ratio') }}
        or max(days.apart_ratio) over (partition by days.provider) <= {{ assumption('reconciliation_day_warn_ratio') }}

    union all

    select days.*
    from days
    inner join run on days.month = run.month_before
    where days.unexplained_tokens != 0

),

-- The days that made the gap.
worst as (

    select
        provider,
        month,
        count(*) as days,
        arg_max(utc_date, abs(unexplained_tokens)) as worst_date,
        list_sort(list_distinct(flatten(list(string_split(causes, ', '))))) as causes
    from apart
    group by provider, month

),

gaps as (

    select
        apart.provider,
        apart.month,
        false as is_closed,
        max(apart.apart_ratio) as apart_ratio,
        {{ assumption('reconciliation_day_warn_ratio') }}::double as limit_ratio,
        sum(apart.billed_tokens) as billed_tokens,
        sum(apart.observed_tokens) as observed_tokens,
        sum(apart.billed_usd) as billed_usd,
        sum(apart.observed_usd) as observed_usd,
        sum(apart.unexplained_tokens) as remaining_tokens
    from apart
    inner join run using (month)
    group by apart.provider, apart.month

    union all

    select
        monthly.provider,
        monthly.month,
        true as is_closed,
        monthly.apart_ratio,
        {{ assumption('reconciliation_month_error_ratio') }}::double as limit_ratio,
        monthly.billed_tokens,
        monthly.observed_tokens,
        monthly.billed_usd,
        monthly.observed_usd,
        monthly.remaining_tokens
    from {{ ref('reconciliation_monthly') }} as monthly
    inner join run on monthly.month = run.month_before
    where
        monthly.apart_ratio
        >= {{ assumption('reconciliation_month_error_ratio') }} * {{ assumption('warn_clear_ratio') }}

),

findings as (

    select
        'bill_gap' as kind,
        0 as level,
        'digest' as urgency,
        gaps.apart_ratio > gaps.limit_ratio as is_firing,
        strftime(gaps.month, '%Y-%m') as period,
        'pipeline' as scope,
        gaps.provider as scope_id,
        null::varchar as team_id,
        gaps.month,
        run.as_of_date,
        gaps.is_closed,
        gaps.apart_ratio,
        gaps.limit_ratio,
        gaps.billed_tokens,
        gaps.observed_tokens,
        gaps.billed_usd,
        gaps.observed_usd,
        gaps.remaining_tokens,
        coalesce(worst.days, 0) as days,
        worst.worst_date,
        array_to_string(worst.causes, ', ') as causes,
        freshness.data_through_at,
        freshness.data_age_days,
        format(
            'select * from core.fct_reconciliation_daily where provider = ''{}'' '
            || 'and utc_date between ''{}'' and ''{}'' order by abs(remaining_tokens) desc',
            replace(gaps.provider, '''', ''''''),
            gaps.month,
            last_day(gaps.month)
        ) as query
    from gaps
    left join worst using (provider, month)
    cross join run
    cross join {{ ref('data_freshness') }} as freshness

)

{{ addressed('findings') }}
