-- Why a month cost more or less than the one before: cost of humans = developers x tasks of each and working day x
-- working days x tokens per task x usd per token. A factor's effect is the logarithmic mean of both costs times the
-- logarithm of its growth (LMDI-I), so that the effects add up to the change and leave nothing over. What a token costs
-- is split once more: a model's own price changed, weighted by the mean of its shares before and after, or the mix did.

with

-- Months that are whole, so that plan.demand measured exactly them.
demand as (

    select
        demand.*,
        growth_trends.cost_usd,
        round(demand.baseline_tokens * demand.usd_per_mtok / 1000000, 9) as human_cost_usd,
        round(demand.baseline_tokens / demand.tokens_per_active_day) as active_days,
        round(demand.baseline_tokens / demand.tokens_per_task) as tasks
    from {{ ref('demand') }} as demand
    inner join {{ ref('growth_trends') }} as growth_trends using (month, scope, scope_id)
    where growth_trends.is_complete and demand.baseline_tokens > 0 and demand.usd_per_mtok > 0

),

-- Where only one of both months has sessions, both are counted in active days.
pairs as (

    select
        this_month.month,
        this_month.scope,
        this_month.scope_id,
        case
            when this_month.task_unit = last_month.task_unit then this_month.task_unit else 'active day'
        end as task_unit,
        last_month.cost_usd as cost_before_usd,
        this_month.cost_usd,
        last_month.human_cost_usd as human_cost_before_usd,
        this_month.human_cost_usd,
        last_month.developers as developers_before,
        this_month.developers,
        case
            when this_month.task_unit = last_month.task_unit then last_month.tasks else last_month.active_days
        end as tasks_before,
        case
            when this_month.task_unit = last_month.task_unit then this_month.tasks else this_month.active_days
        end as tasks,
        last_month.working_days as working_days_before,
        this_month.working_days,
        last_month.baseline_tokens as tokens_before,
        this_month.baseline_tokens as tokens,
        last_month.usd_per_mtok as usd_per_mtok_before,
        this_month.usd_per_mtok
    from demand as this_month
    inner join demand as last_month
        on this_month.scope = last_month.scope
        and this_month.scope_id = last_month.scope_id
        and this_month.month = last_month.month + interval 1 month
    where this_month.working_days > 0 and last_month.working_days > 0

),

usage_monthly as (

    select
        date_trunc('month', usage_date)::date as month,
        team_id,
        provider,
        model,
        sum(total_tokens) as tokens,
        sum(cost_usd) as cost_usd
    from {{ ref('fct_usage_daily') }}
    where role = 'human'
    group by 1, 2, 3, 4

),

models as (

    select month, 'team' as scope, team_id as scope_id, provider, model, tokens, cost_usd
    from usage_monthly

    union all

    select month, 'org' as scope, 'org' as scope_id, provider, model, sum(tokens), sum(cost_usd)
    from usage_monthly
    group by month, provider, model

),

-- Models of both months: a model that is new or gone has no price to compare with and belongs to the mix.
prices as (

    select
        pairs.month,
        pairs.scope,
        pairs.scope_id,
        round(
            sum(
                (after.tokens / pairs.tokens + before.tokens / pairs.tokens_before) / 2
                * (after.cost_usd * 1000000 / after.tokens - before.cost_usd * 1000000 / before.tokens)
            ),
            9
        ) as same_models_usd_per_mtok
    from pairs
    inner join models as after using (month, scope, scope_id)
    inner join models as before
        on pairs.scope = before.scope
        and pairs.scope_id = before.scope_id
        and pairs.month - interval 1 month = before.month
        and after.provider = before.provider
        and after.model = before.model
    where after.tokens > 0 and before.tokens > 0
    group by pairs.month, pairs.scope, pairs.scope_id

),

factors as (

    select
        pairs.*,
        tasks_before / (developers_before * working_days_before) as tasks_per_developer_day_before,
        tasks / (developers * working_days) as tasks_per_developer_day,
        tokens_before / tasks_before as tokens_per_task_before,
        tokens / tasks as tokens_per_task,
        coalesce(prices.same_models_usd_per_mtok, 0) as same_models_usd_per_mtok,
        usd_per_mtok - usd_per_mtok_before - coalesce(prices.same_models_usd_per_mtok, 0) as model_mix_usd_per_mtok,
        -- The logarithmic mean, which is the number itself when both are the same.
        case
            when human_cost_usd = human_cost_before_usd then human_cost_usd
            else (human_cost_usd - human_cost_before_usd) / ln(human_cost_usd / human_cost_before_usd)
        end as mean_cost_usd,
        case
            when usd_per_mtok = usd_per_mtok_before then usd_per_mtok
            else (usd_per_mtok - usd_per_mtok_before) / ln(usd_per_mtok / usd_per_mtok_before)
        end as mean_usd_per_mtok
    from pairs
    left join prices using (month, scope, scope_id)

)

select
    month,
    scope,
    scope_id,
    cost_before_usd,
    cost_usd,
    cost_usd - cost_before_usd as change_usd,
    round(change_usd / nullif(cost_before_usd, 0), 6) as change_ratio,
    {% for effect, growth in [
        ('developers', 'ln(developers / developers_before)'),
        ('tasks', 'ln(tasks_per_developer_day / tasks_per_developer_day_before)'),
        ('tokens_per_task', 'ln(tokens_per_task / tokens_per_task_before)'),
        ('working_days', 'ln(working_days / working_days_before)'),
        ('model_mix', 'model_mix_usd_per_mtok / mean_usd_per_mtok'),
        ('model_price', 'same_models_usd_per_mtok / mean_usd_per_mtok'),
    ] -%}
    round(mean_cost_usd * {{ growth }}, 6) as {{ effect }}_effect_usd,
    round({{ effect }}_effect_usd / nullif(cost_before_usd, 0), 6) as {{ effect }}_effect_ratio,
    {% endfor -%}
    round((cost_usd - human_cost_usd) - (cost_before_usd - human_cost_before_usd), 6) as others_effect_usd,
    round(others_effect_usd / nullif(cost_before_usd, 0), 6) as others_effect_ratio,
    human_cost_before_usd,
    human_cost_usd,
    mean_cost_usd,
    task_unit,
    developers_before,
    developers,
    tasks_per_developer_day_before,
    tasks_per_developer_day,
    tokens_per_task_before,
    tokens_per_task,
    working_days_before,
    working_days,
    usd_per_mtok_before,
    usd_per_mtok,
    mean_usd_per_mtok,
    model_mix_usd_per_mtok,
    same_models_usd_per_mtok
from factors
