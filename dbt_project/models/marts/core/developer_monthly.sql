-- A developer who changed teams stands under the last team of the month; team_monthly splits by day.

with

usage_monthly as (

    select
        date_trunc('month', usage_date)::date as month,
        developer_id,
        max_by(team_id, usage_date) as team_id,
        max_by(role, usage_date) as role,
        count(distinct task_id) as tasks,
        count(distinct usage_date) filter (where total_tokens > 0) as active_days,
        {{ usage_measures() }}
    from {{ ref('fct_usage_daily') }}
    group by 1, 2

),

sessions_monthly as (

    select
        date_trunc('month', sessions.usage_date)::date as month,
        people.developer_id,
        count(distinct sessions.session_id) as sessions
    from {{ ref('int_sessions_daily') }} as sessions
    inner join {{ ref('int_identities_resolved') }} as people using (identity_key, usage_date)
    where sessions.usage_date <= (select as_of_date from {{ source('raw', 'paceline__run') }})
    group by 1, 2

)

select
    usage_monthly.* exclude (active_days),
    coalesce(sessions_monthly.sessions, 0) as sessions,
    active_days,
    total_tokens / nullif(active_days, 0) as tokens_per_active_day,
    case
        when role != 'human' or coalesce(active_days, 0) = 0 then null
        when tokens_per_active_day < {{ assumption('segment_active_tokens') }} then 'light'
        when tokens_per_active_day < {{ assumption('segment_heavy_tokens') }} then 'active'
        when tokens_per_active_day < {{ assumption('segment_power_tokens') }} then 'heavy'
        else 'power'
    end as segment
from usage_monthly
left join sessions_monthly using (month, developer_id)
