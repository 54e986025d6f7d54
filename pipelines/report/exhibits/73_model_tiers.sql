-- What each tier of models takes of the running month, and the budget that the measured demand would need.
select if(scope = 'org', null, scope_id) as team_id, tier, token_ratio, cost_ratio, usd_per_mtok, budget_usd
from plan.model_tier_budget
where month = (select max(month) from plan.cap_utilization)
qualify row_number() over (partition by scope, scope_id order by cost_ratio desc nulls last, tokens desc) = 1;

select
    if(scope = 'org', null, scope_id) as team_id, tier, array_to_string(models, ', ') as models_note,
    tokens as used_tokens, token_ratio, cost_usd, cost_ratio, usd_per_mtok, budget_tokens, budget_usd,
    all_on_this_tier_usd
from plan.model_tier_budget
where month = (select max(month) from plan.cap_utilization)
order by team_id nulls first, cost_usd desc, tier;
