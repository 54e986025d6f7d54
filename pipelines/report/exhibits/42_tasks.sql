-- How much of all use the dearest tasks of the running month hold.
select
    if(scope = 'org', null, scope_id) as team_id, tasks, dearest_tasks, dearest_cost_ratio, largest_task_id,
    largest_task_tokens
from plan.task_size_monthly
where task_type = 'all types' and month = (select max(month) from plan.cap_utilization);

-- The ten largest by tokens and by cost.
select
    if(scope = 'org', null, scope_id) as team_id, task_id as task, task_type, patterns.cost_usd, cost_ratio,
    patterns.total_tokens, token_ratio, patterns.requests, developers,
    first_used_at::date as first_date, last_used_at::date as last_date
from plan.usage_patterns as patterns
inner join core.task_usage on member = task_id
where dimension = 'task' and month = (select max(month) from plan.cap_utilization)
    and least(rank_by_tokens, rank_by_cost) <= 10
order by team_id nulls first, patterns.cost_usd desc, task;
