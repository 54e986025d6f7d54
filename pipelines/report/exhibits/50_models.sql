-- Which models the running month's tokens and cost went to.
select
    if(scope = 'org', null, scope_id) as team_id, member, token_ratio, cost_ratio
from plan.usage_patterns
where dimension = 'model' and rank_by_cost = 1 and month = (select max(month) from plan.cap_utilization);

select
    if(scope = 'org', null, scope_id) as team_id, member as name, tier, total_tokens, token_ratio, cost_usd,
    cost_ratio, requests, input_usd_per_mtok, cache_read_usd_per_mtok, output_usd_per_mtok, is_unpriced
from plan.usage_patterns
left join core.dim_models on member = provider || '/' || model
where dimension = 'model' and month = (select max(month) from plan.cap_utilization)
order by team_id nulls first, cost_usd desc, total_tokens desc, name;
