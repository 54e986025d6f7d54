-- What the tiers of models take of a month of humans, for it is their demand that is planned, and what that demand
-- would cost with this mix or on one tier alone.

with

scoped as (

    select
        date_trunc('month', usage_date)::date as month, 'team' as scope, team_id as scope_id,
        provider, model, total_tokens, cost_usd
    from {{ ref('fct_usage_daily') }}
    where role = 'human' and team_id != 'unattributed'

    union all

    select
        date_trunc('month', usage_date)::date as month, 'org' as scope, 'org' as scope_id,
        provider, model, total_tokens, cost_usd
    from {{ ref('fct_usage_daily') }}
    where role = 'human'

),

tiers as (

    select
        scoped.month,
        scoped.scope,
        scoped.scope_id,
        models.tier,
        list(distinct scoped.model order by scoped.model) as models,
        sum(scoped.total_tokens) as tokens,
        sum(scoped.cost_usd) as cost_usd
    from scoped
    inner join {{ ref('dim_models') }} as models using (provider, model)
    where scoped.total_tokens > 0
    group by scoped.month, scoped.scope, scoped.scope_id, models.tier

)

select
    tiers.month,
    tiers.scope,
    tiers.scope_id,
    tiers.tier,
    tiers.models,
    tiers.tokens,
    tiers.tokens / sum(tiers.tokens) over scope_month as token_ratio,
    tiers.cost_usd,
    tiers.cost_usd / nullif(sum(tiers.cost_usd) over scope_month, 0) as cost_ratio,
    tiers.cost_usd * 1000000 / tiers.tokens as usd_per_mtok,
    demand.demand_tokens,
    round(demand.demand_tokens * token_ratio)::bigint as budget_tokens,
    demand.demand_tokens * token_ratio * tiers.cost_usd / tiers.tokens as budget_usd,
    demand.demand_tokens * tiers.cost_usd / tiers.tokens as all_on_this_tier_usd,
    demand.planned_tokens,
    demand.planned_tokens * token_ratio * tiers.cost_usd / tiers.tokens as planned_budget_usd
from tiers
left join {{ ref('demand') }} as demand using (month, scope, scope_id)
window scope_month as (partition by tiers.month, tiers.scope, tiers.scope_id)
