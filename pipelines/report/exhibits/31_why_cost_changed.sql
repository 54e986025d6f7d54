-- What the last complete month cost more or less than the one before, by cause. The effects add up to the change.
select if(scope = 'org', null, scope_id) as team_id, month, cost_usd, change_usd, change_ratio
from plan.growth_effects
qualify row_number() over (partition by scope, scope_id order by month desc) = 1;

with last_month as (
    from plan.growth_effects
    qualify row_number() over (partition by scope, scope_id order by month desc) = 1
),
effects as (
    unpivot last_month
    on
        developers_effect_usd as 'number of developers', tasks_effect_usd as 'tasks per developer and day',
        tokens_per_task_effect_usd as 'size of tasks', working_days_effect_usd as 'working days',
        model_mix_effect_usd as 'choice of models', model_price_effect_usd as 'price of the same models',
        others_effect_usd as 'services and unknown users'
    into name cause value effect_usd
)
select if(scope = 'org', null, scope_id) as team_id, month, cause, effect_usd, cost_before_usd, cost_usd, change_usd
from effects
order by team_id nulls first, abs(effect_usd) desc;
