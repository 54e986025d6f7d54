-- Weeks far above the median of the eight weeks before: relatively, absolutely, and against how far weeks usually lie
-- from their median. Who and what drove one is what rose the most above its own mean of the weeks before.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

scope_weekly as (

    select scope, scope_id, date_trunc('week', usage_date)::date as week, sum(tokens) as tokens, sum(usd) as usd
    from {{ ref('scope_daily') }}
    where scope in ('team', 'org')
    group by 1, 2, 3

),

firsts as (

    select scope, scope_id, min(usage_date) as first_date
    from {{ ref('scope_daily') }}
    where scope in ('team', 'org') and tokens > 0
    group by scope, scope_id

),

weeks as (

    select
        date_trunc('week', calendar_date)::date as week,
        count(*) filter (where is_working_day) as working_days,
        max(calendar_date) filter (where is_last_working_day) as month_end_date
    from (
        select
            *,
            is_working_day
            and calendar_date = max(calendar_date) filter (where is_working_day) over (partition by month)
                as is_last_working_day
        from {{ ref('dim_calendar') }}
    ) as days
    group by 1

),

-- Whole weeks only. One without use is a measured zero.
weekly as (

    select
        firsts.scope,
        firsts.scope_id,
        weeks.week,
        weeks.working_days,
        weeks.month_end_date,
        coalesce(scope_weekly.tokens, 0)::bigint as tokens,
        coalesce(scope_weekly.usd, 0) as usd
    from firsts
    cross join run
    inner join weeks on weeks.week >= firsts.first_date and weeks.week + 6 <= run.as_of_date
    left join scope_weekly
        on firsts.scope = scope_weekly.scope
        and firsts.scope_id = scope_weekly.scope_id
        and weeks.week = scope_weekly.week

),

compared as (

    select
        *,
        (count(*) over weeks_before)::integer as weeks,
        median(tokens) over weeks_before as usual_tokens,
        mad(tokens) over weeks_before as deviation_tokens,
        median(usd) over weeks_before as usual_usd,
        {{ assumption('deadline_min_ratio') }} as min_ratio,
        {{ assumption('deadline_min_tokens') }} as min_tokens,
        {{ assumption('spike_min_deviations') }} as min_deviations
    from weekly
    window weeks_before as (
        partition by scope, scope_id order by week rows between 8 preceding and 1 preceding
    )

),

deadlines as (

    select *, tokens - usual_tokens as above_tokens
    from compared
    where
        weeks >= 4
        and tokens >= usual_tokens * min_ratio
        and tokens - usual_tokens >= min_tokens
        and tokens - usual_tokens >= 1.4826 * deviation_tokens * min_deviations

),

usage_daily as (

    select usage_date, developer_id, team_id, task_type, total_tokens
    from {{ ref('fct_usage_daily') }}

    union all

    select usage_date, developer_id, team_id, null as task_type, unobserved_tokens
    from {{ ref('unobserved_daily') }}

),

parts as (

    {% for what, name in [('developer', 'developer_id'), ('task_type', 'task_type')] -%}
    select
        date_trunc('week', usage_date)::date as week,
        team_id,
        '{{ what }}' as what,
        {{ name }} as name,
        sum(total_tokens) as tokens
    from usage_daily
    where {{ name }} is not null
    group by 1, 2, 3, 4
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

),

parts_scoped as (

    select week, 'team' as scope, team_id as scope_id, what, name, tokens
    from parts

    union all

    select week, 'org' as scope, 'org' as scope_id, what, name, sum(tokens)
    from parts
    group by week, what, name

),

rises as (

    select
        deadlines.week,
        deadlines.scope,
        deadlines.scope_id,
        parts_scoped.what,
        parts_scoped.name,
        coalesce(sum(parts_scoped.tokens) filter (where parts_scoped.week = deadlines.week), 0)
        - coalesce(sum(parts_scoped.tokens) filter (where parts_scoped.week < deadlines.week), 0) / deadlines.weeks
            as above_tokens
    from deadlines
    inner join parts_scoped
        on deadlines.scope = parts_scoped.scope
        and deadlines.scope_id = parts_scoped.scope_id
        and parts_scoped.week between deadlines.week - deadlines.weeks * 7 and deadlines.week
    group by deadlines.week, deadlines.scope, deadlines.scope_id, deadlines.weeks, parts_scoped.what, parts_scoped.name

),

drivers as (

    select
        week,
        scope,
        scope_id,
        count(*) filter (where what = 'developer' and above_tokens > 0) as developers_above,
        max_by(name, (above_tokens, name)) filter (where what = 'developer') as top_developer_id,
        max(above_tokens) filter (where what = 'developer') as top_developer_above_tokens,
        max_by(name, (above_tokens, name)) filter (where what = 'task_type') as top_task_type,
        max(above_tokens) filter (where what = 'task_type') as top_task_type_above_tokens
    from rises
    group by week, scope, scope_id

)

select
    deadlines.week,
    deadlines.scope,
    deadlines.scope_id,
    deadlines.tokens,
    deadlines.usual_tokens,
    deadlines.above_tokens,
    deadlines.tokens / nullif(deadlines.usual_tokens, 0) as times_usual_ratio,
    round(deadlines.above_tokens / nullif(1.4826 * deadlines.deviation_tokens, 0), 3) as deviations,
    deadlines.weeks,
    deadlines.working_days,
    deadlines.usd as cost_usd,
    deadlines.usual_usd,
    deadlines.usd - deadlines.usual_usd as above_usd,
    deadlines.min_ratio,
    deadlines.min_tokens,
    deadlines.min_deviations,
    deadlines.month_end_date is not null as ends_month,
    coalesce(month(deadlines.month_end_date) % 3 = 0, false) as ends_quarter,
    drivers.developers_above,
    drivers.top_developer_id,
    drivers.top_developer_above_tokens,
    drivers.top_task_type,
    drivers.top_task_type_above_tokens
from deadlines
left join drivers using (week, scope, scope_id)
