-- A task of a month is what was used for it in that month, in that scope; its type is the one with most of its tokens.

with

tasks as (

    select
        date_trunc('month', daily.usage_date)::date as month,
        daily.team_id,
        daily.task_id,
        sum(daily.total_tokens) as tokens,
        sum(daily.cost_usd) as cost_usd
    from {{ ref('fct_usage_daily') }} as daily
    group by 1, 2, 3

),

scoped as (

    select month, 'team' as scope, team_id as scope_id, task_id, tokens, cost_usd
    from tasks
    where team_id != 'unattributed'

    union all

    select month, 'org' as scope, 'org' as scope_id, task_id, sum(tokens), sum(cost_usd)
    from tasks
    group by month, task_id

),

without_task as (

    select
        month,
        scope,
        scope_id,
        coalesce(sum(tokens) filter (where task_id is null), 0) / nullif(sum(tokens), 0) as without_task_ratio
    from scoped
    group by month, scope, scope_id

),

typed as (

    select
        scoped.month, scoped.scope, scoped.scope_id, scoped.task_id, scoped.tokens, scoped.cost_usd,
        unnest(['all types', task_usage.task_type]) as task_type
    from scoped
    inner join {{ ref('task_usage') }} as task_usage using (task_id)
    where scoped.tokens > 0

),

ranked as (

    select
        *,
        row_number() over (
            partition by month, scope, scope_id, task_type order by cost_usd desc, tokens desc, task_id
        ) as cost_rank,
        count(*) over (partition by month, scope, scope_id, task_type) as tasks
    from typed

),

dearest as (

    select *, cost_rank <= ceil(tasks * {{ assumption('dearest_tasks_ratio') }}) as is_dearest
    from ranked

)

select
    dearest.month,
    dearest.scope,
    dearest.scope_id,
    dearest.task_type,
    count(*) as tasks,
    sum(dearest.tokens) as total_tokens,
    sum(dearest.cost_usd) as cost_usd,
    sum(dearest.tokens) / count(*) as tokens_per_task,
    round(quantile_cont(dearest.tokens, 0.5), 3) as tokens_per_task_p50,
    round(quantile_cont(dearest.tokens, 0.9), 3) as tokens_per_task_p90,
    round(quantile_cont(dearest.tokens, 0.99), 3) as tokens_per_task_p99,
    sum(dearest.cost_usd) / count(*) as usd_per_task,
    {{ assumption('dearest_tasks_ratio') }} as dearest_tasks_ratio,
    count(*) filter (where dearest.is_dearest) as dearest_tasks,
    sum(dearest.tokens) filter (where dearest.is_dearest) / sum(dearest.tokens) as dearest_token_ratio,
    sum(dearest.cost_usd) filter (where dearest.is_dearest) / nullif(sum(dearest.cost_usd), 0) as dearest_cost_ratio,
    max_by(dearest.task_id, (dearest.tokens, dearest.task_id)) as largest_task_id,
    max(dearest.tokens) as largest_task_tokens,
    any_value(without_task.without_task_ratio) as without_task_ratio
from dearest
inner join without_task using (month, scope, scope_id)
group by dearest.month, dearest.scope, dearest.scope_id, dearest.task_type
