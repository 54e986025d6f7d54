-- The overflow pool each team should keep for those who need more than their cap, and what it would have done.
select
    if(scope = 'org', null, scope_id) as team_id, developers, sum_of_caps_tokens, recommended_pool_tokens,
    current_pool_tokens, stopped_chance_ratio, pool_chance_ratio,
    (select sum(recommended_pool_tokens) from plan.overflow_pool where scope = 'team') as pools_tokens
from plan.overflow_pool;

select
    scope_id as team_id,
    coalesce(if(count(*) over (partition by name) > 1, name || ' (' || scope_id || ')', name), scope_id) as who,
    current_pool_tokens, recommended_pool_tokens, recommended_pool_usd, pool_of_caps_ratio, sum_of_caps_tokens,
    own_reserves_tokens, sharing_saves_tokens, backtest_months, blocked_without_pool_tokens, blocked_avoided_ratio,
    pool_used_ratio
from plan.overflow_pool
left join core.dim_teams on scope_id = team_id
where scope = 'team'
order by recommended_pool_tokens desc nulls last, who;
