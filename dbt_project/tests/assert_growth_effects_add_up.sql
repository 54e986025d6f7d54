-- The effects add up to the change of the cost, and the factors of a month to the cost of its humans.

{{ config(meta={'dagster': {'ref': {'name': 'growth_effects'}}}) }}

with

summed as (

    select
        month,
        scope,
        scope_id,
        change_usd,
        developers_effect_usd + tasks_effect_usd + tokens_per_task_effect_usd + working_days_effect_usd
        + model_mix_effect_usd + model_price_effect_usd + others_effect_usd as effects_usd,
        human_cost_usd,
        developers * tasks_per_developer_day * working_days * tokens_per_task * usd_per_mtok / 1000000 as factors_usd
    from {{ ref('growth_effects') }}

),

measured as (

    select date_trunc('month', usage_date)::date as month, team_id as scope_id, sum(cost_usd) as cost_usd
    from {{ ref('fct_usage_daily') }}
    where role = 'human'
    group by 1, 2

    union all

    select date_trunc('month', usage_date)::date as month, 'org' as scope_id, sum(cost_usd) as cost_usd
    from {{ ref('fct_usage_daily') }}
    where role = 'human'
    group by 1

)

select summed.*, measured.cost_usd
from summed
left join measured using (month, scope_id)
where
    abs(change_usd - effects_usd) > 0.00001
    or abs(human_cost_usd - factors_usd) > 0.00001 * human_cost_usd
    or abs(human_cost_usd - coalesce(measured.cost_usd, 0)) > 0.00001 * human_cost_usd
