-- What kinds of work used in the running month, dearest first.
select if(scope = 'org', null, scope_id) as team_id, member, token_ratio, cost_ratio
from plan.usage_patterns
where dimension = 'task_type' and rank_by_cost = 1 and month = (select max(month) from plan.cap_utilization);

select
    if(patterns.scope = 'org', null, patterns.scope_id) as team_id, coalesce(member, '(no type)') as kind,
    patterns.cost_usd, cost_ratio, patterns.total_tokens, token_ratio, requests, sizes.tasks,
    tokens_per_task_p50 as p50_tokens, tokens_per_task_p90 as p90_tokens, usd_per_task as task_usd
from plan.usage_patterns as patterns
left join plan.task_size_monthly as sizes
    on patterns.month = sizes.month and patterns.scope = sizes.scope and patterns.scope_id = sizes.scope_id
        and member = task_type
where dimension = 'task_type' and patterns.month = (select max(month) from plan.cap_utilization)
order by team_id nulls first, patterns.cost_usd desc, kind;
