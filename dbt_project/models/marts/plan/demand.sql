-- Demand is developers x tasks of each and working day x tokens per task x working days of the month. It is measured in
-- the month itself; in the month that is not over also in the four weeks before the as-of date. Humans only.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

usage_daily as (

    select usage_date, developer_id, team_id, total_tokens, input_tokens, cache_read_tokens, cost_usd
    from {{ ref('developer_daily') }}
    where role = 'human'

),

scoped as (

    select 'team' as scope, team_id as scope_id, *
    from usage_daily
    where team_id != 'unattributed'

    union all

    select 'org' as scope, 'org' as scope_id, *
    from usage_daily

),

sessions_daily as (

    select sessions.usage_date, sessions.session_id, people.team_id
    from {{ ref('int_sessions_daily') }} as sessions
    inner join {{ ref('int_identities_resolved') }} as people using (identity_key, usage_date)
    where people.role = 'human'

),

sessions_scoped as (

    select 'team' as scope, team_id as scope_id, usage_date, session_id
    from sessions_daily

    union all

    select 'org' as scope, 'org' as scope_id, usage_date, session_id
    from sessions_daily

),

windows as (

    select
        firsts.scope,
        firsts.scope_id,
        months.month,
        least(last_day(months.month), run.as_of_date) as until_date,
        greatest(firsts.first_date, least(months.month, until_date - 27)) as from_date
    from (
        select scope, scope_id, min(usage_date) as first_date
        from scoped
        where total_tokens > 0
        group by scope, scope_id
    ) as firsts
    cross join (select distinct month from {{ ref('dim_calendar') }}) as months
    cross join run
    where months.month between date_trunc('month', firsts.first_date) and date_trunc('month', run.as_of_date)

),

days as (

    select
        windows.scope,
        windows.scope_id,
        windows.month,
        count(*) filter (where calendar.month = windows.month and calendar.is_working_day) as working_days,
        count(*) filter (
            where calendar.calendar_date between windows.from_date and windows.until_date and calendar.is_working_day
        ) as baseline_working_days
    from windows
    inner join {{ ref('dim_calendar') }} as calendar
        on calendar.calendar_date between least(windows.from_date, windows.month) and last_day(windows.month)
    group by windows.scope, windows.scope_id, windows.month

),

measured as (

    select
        windows.scope,
        windows.scope_id,
        windows.month,
        count(distinct scoped.developer_id) filter (where scoped.total_tokens > 0) as developers,
        -- A developer has one row per day.
        count(*) filter (where scoped.total_tokens > 0) as active_days,
        sum(scoped.total_tokens) as baseline_tokens,
        sum(scoped.input_tokens) as input_tokens,
        sum(scoped.cache_read_tokens) as cache_read_tokens,
        sum(scoped.cost_usd) as baseline_usd
    from windows
    inner join scoped
        on windows.scope = scoped.scope
        and windows.scope_id = scoped.scope_id
        and scoped.usage_date between windows.from_date and windows.until_date
    group by windows.scope, windows.scope_id, windows.month

),

sessions as (

    select windows.scope, windows.scope_id, windows.month, count(distinct sessions_scoped.session_id) as sessions
    from windows
    inner join sessions_scoped
        on windows.scope = sessions_scoped.scope
        and windows.scope_id = sessions_scoped.scope_id
        and sessions_scoped.usage_date between windows.from_date and windows.until_date
    group by windows.scope, windows.scope_id, windows.month

),

factors as (

    select
        windows.month,
        windows.scope,
        windows.scope_id,
        windows.from_date as baseline_from_date,
        windows.until_date as baseline_until_date,
        windows.until_date - windows.from_date + 1 as baseline_days,
        days.working_days,
        measured.developers,
        case when sessions.sessions > 0 then 'session' else 'active day' end as task_unit,
        coalesce(nullif(sessions.sessions, 0), measured.active_days) as tasks,
        measured.baseline_tokens,
        measured.input_tokens / nullif(measured.baseline_tokens, 0) as input_ratio,
        measured.cache_read_tokens / nullif(measured.input_tokens, 0) as cache_read_ratio,
        measured.baseline_usd * 1000000 / nullif(measured.baseline_tokens, 0) as usd_per_mtok,
        measured.baseline_tokens / nullif(measured.active_days, 0) as tokens_per_active_day,
        tasks / nullif(measured.developers * days.baseline_working_days, 0) as tasks_per_developer_day,
        measured.baseline_tokens / nullif(tasks, 0) as tokens_per_task
    from windows
    inner join days using (scope, scope_id, month)
    inner join measured using (scope, scope_id, month)
    left join sessions using (scope, scope_id, month)
    -- A month in which every call failed has no demand.
    where baseline_days >= {{ assumption('baseline_min_days') }} and measured.active_days > 0

),

stated as (

    select
        scope,
        case when scope = 'org' then 'org' else scope_id end as scope_id,
        month,
        developers,
        tasks_per_day,
        tokens_per_task,
        round(
            developers * tasks_per_day * tokens_per_task
            * coalesce(working_days, {{ assumption('working_days') }})
        )::bigint as planned_tokens
    from {{ source('raw', 'org__scenarios') }}
    where scenario = 'plan'

)

select
    factors.month,
    factors.scope,
    factors.scope_id,
    factors.developers,
    factors.tasks_per_developer_day,
    factors.tokens_per_task,
    factors.task_unit,
    factors.working_days,
    round(
        factors.developers * factors.tasks_per_developer_day * factors.tokens_per_task * factors.working_days
    )::bigint as demand_tokens,
    factors.usd_per_mtok,
    demand_tokens * factors.usd_per_mtok / 1000000 as demand_usd,
    factors.input_ratio,
    factors.cache_read_ratio,
    factors.tokens_per_active_day,
    factors.baseline_tokens,
    factors.baseline_days,
    factors.baseline_from_date,
    factors.baseline_until_date,
    stated.developers as planned_developers,
    stated.tasks_per_day as planned_tasks_per_developer_day,
    stated.tokens_per_task as planned_tokens_per_task,
    stated.planned_tokens,
    stated.planned_tokens / nullif(demand_tokens, 0) as overestimate_ratio
from factors
asof left join stated
    on factors.scope = stated.scope
    and factors.scope_id = stated.scope_id
    and factors.month >= stated.month
