with

sessions as (

    select
        task_id,
        count(distinct session_id) as sessions
    from {{ ref('int_sessions_daily') }}
    where usage_date <= (select as_of_date from {{ source('raw', 'paceline__run') }})
    group by task_id

),

types as (

    select
        task_id,
        max_by(task_type, (tokens, task_type)) as task_type
    from (
        select task_id, task_type, sum(total_tokens) as tokens
        from {{ ref('fct_usage_daily') }}
        where task_type is not null
        group by task_id, task_type
    ) as type_totals
    group by task_id

),

totals as (

    select
        task_id,
        min(task_source) as task_source,
        min(first_used_at) as first_used_at,
        max(last_used_at) as last_used_at,
        count(distinct developer_id) filter (where role = 'human' and total_tokens > 0) as developers,
        {{ usage_measures() }}
    from {{ ref('fct_usage_daily') }}
    where task_id is not null
    group by task_id

)

select
    totals.task_id,
    types.task_type,
    totals.* exclude (task_id),
    coalesce(sessions.sessions, 0) as sessions
from totals
left join types using (task_id)
left join sessions using (task_id)
