-- What a plan is told with beside its caps: the course of the month that runs, and of the one before it, for in the
-- first days of a planned month that one is what there is to tell.

with

run as (

    select as_of_date, date_trunc('month', as_of_date)::date as month
    from {{ source('raw', 'paceline__run') }}

),

caps as (select * from {{ ref('cap_utilization') }} where scope in ('team', 'org')),

reviewed as (

    select caps.month, caps.scope, caps.scope_id
    from caps
    inner join run on caps.month between run.month - interval 1 month and run.month

),

expected_path as (

    select *
    from {{ ref('month_end_path') }}
    where scope in ('team', 'org')

),

days as (

    select
        run.month,
        path.scope,
        path.scope_id,
        path.usage_date,
        case when path.is_past then path.projected_tokens end as used_tokens,
        path.projected_tokens,
        path.projected_p10_tokens,
        path.projected_p90_tokens
    from expected_path as path
    cross join run

    union all

    select
        reviewed.month,
        reviewed.scope,
        reviewed.scope_id,
        calendar.calendar_date as usage_date,
        (coalesce(sum(daily.tokens) over month_to_date, 0))::bigint as used_tokens,
        used_tokens as projected_tokens,
        used_tokens as projected_p10_tokens,
        used_tokens as projected_p90_tokens
    from reviewed
    inner join run on reviewed.month < run.month
    inner join {{ ref('dim_calendar') }} as calendar on reviewed.month = calendar.month
    left join {{ ref('scope_daily') }} as daily
        on reviewed.scope = daily.scope
        and reviewed.scope_id = daily.scope_id
        and calendar.calendar_date = daily.usage_date
    window month_to_date as (partition by reviewed.scope, reviewed.scope_id order by calendar.calendar_date)

),

paths as (

    select
        month,
        scope,
        scope_id,
        max(projected_p10_tokens) as projected_p10_tokens,
        max(projected_p90_tokens) as projected_p90_tokens,
        list(
            struct_pack(
                usage_date := usage_date,
                used_tokens := used_tokens,
                projected_tokens := projected_tokens,
                projected_p10_tokens := projected_p10_tokens,
                projected_p90_tokens := projected_p90_tokens
            )
            order by usage_date
        ) as daily_path
    from days
    group by month, scope, scope_id

),

totals as (

    select
        reviewed.month,
        reviewed.scope,
        reviewed.scope_id,
        list(
            struct_pack(
                month := caps.month,
                used_tokens := caps.used_tokens,
                projected_tokens := caps.projected_tokens,
                cap_tokens := caps.cap_tokens,
                -- The as-of month is measured in part too, and says so by itself: more is projected than used.
                is_measured_whole := coalesce(trends.is_complete, false) or caps.month = run.month
            )
            order by caps.month
        ) as monthly_totals,
        count(*) filter (where trends.is_complete) as complete_months
    from reviewed
    cross join run
    inner join caps
        on reviewed.scope = caps.scope
        and reviewed.scope_id = caps.scope_id
        and caps.month between reviewed.month - interval 11 month and reviewed.month
    left join {{ ref('growth_trends') }} as trends
        on caps.scope = trends.scope
        and caps.scope_id = trends.scope_id
        and caps.month = trends.month
    group by reviewed.month, reviewed.scope, reviewed.scope_id

),

usage_monthly as (

    select
        date_trunc('month', usage.usage_date)::date as month,
        usage.team_id,
        usage.task_type,
        usage.provider,
        usage.model,
        sum(usage.total_tokens) as tokens,
        sum(usage.cost_usd) as cost_usd
    from {{ ref('fct_usage_daily') }} as usage
    inner join run on usage.usage_date >= run.month - interval 1 month
    group by 1, 2, 3, 4, 5

),

scoped as (

    select 'team' as scope, team_id as scope_id, * from usage_monthly

    union all

    select 'org' as scope, 'org' as scope_id, * from usage_monthly

),

models as (

    select
        month,
        scope,
        scope_id,
        model,
        sum(tokens) as tokens,
        sum(cost_usd) as cost_usd,
        sum(tokens) / sum(sum(tokens)) over scope_month as token_ratio,
        sum(cost_usd) / nullif(sum(sum(cost_usd)) over scope_month, 0) as cost_ratio
    from scoped
    group by month, scope, scope_id, model
    having sum(tokens) > 0
    window scope_month as (partition by month, scope, scope_id)

),

placed as (

    -- A model that is used little and costs much has to be seen too.
    select
        *,
        row_number() over (
            partition by month, scope, scope_id
            order by greatest(token_ratio, coalesce(cost_ratio, 0)) desc, model
        ) <= 6 as is_named
    from models

),

mixes as (

    select
        month,
        scope,
        scope_id,
        list(
            struct_pack(
                model := model,
                models := models,
                tokens := tokens,
                token_ratio := token_ratio,
                cost_usd := cost_usd,
                cost_ratio := cost_ratio
            )
            order by model is null, tokens desc, model
        ) as model_mix
    from (
        select
            month,
            scope,
            scope_id,
            case when is_named then model end as model,
            count(*) as models,
            sum(tokens) as tokens,
            sum(cost_usd) as cost_usd,
            round(sum(token_ratio), 6) as token_ratio,
            round(sum(cost_ratio), 6) as cost_ratio
        from placed
        group by 1, 2, 3, 4
    ) as named
    group by month, scope, scope_id

),

-- A team's part of what a rule saves is by its part of the tokens that the rule is about.
rules as (

    select
        scoped.month,
        scoped.scope,
        scoped.scope_id,
        savings.task_type,
        savings.to_model,
        savings.share_ratio,
        savings.quality_risk,
        sum(savings.moved_tokens * scoped.tokens / savings.tokens) as moved_tokens,
        sum(savings.moved_cost_usd * scoped.tokens / savings.tokens) as moved_cost_usd,
        sum(savings.saved_usd * scoped.tokens / savings.tokens) as saved_usd
    from scoped
    inner join {{ ref('routing_savings') }} as savings
        on scoped.month = savings.month
        and scoped.task_type = savings.task_type
        and scoped.provider = savings.from_provider
        and scoped.model = savings.from_model
    group by 1, 2, 3, 4, 5, 6, 7

),

routing as (

    select
        month,
        scope,
        scope_id,
        round(sum(moved_cost_usd), 6) as routing_moved_cost_usd,
        round(sum(saved_usd), 6) as routing_saved_usd,
        list(
            struct_pack(
                task_type := task_type,
                to_model := to_model,
                share_ratio := share_ratio,
                moved_tokens := round(moved_tokens)::bigint,
                saved_usd := round(saved_usd, 6),
                quality_risk := quality_risk
            )
            order by saved_usd desc, task_type
        ) as routing_rules
    from rules
    where moved_tokens > 0
    group by month, scope, scope_id

),

own_gpus as (

    select
        month,
        scope,
        scope_id,
        max(gpu_demand_tokens) as gpu_demand_tokens,
        max(api_usd) as gpu_api_usd,
        min(break_even_tokens) as gpu_best_break_even_tokens,
        first(model order by break_even_tokens, model, gpu) filter (where break_even_tokens is not null)
            as gpu_best_model,
        first(gpu order by break_even_tokens, model, gpu) filter (where break_even_tokens is not null) as gpu_best_gpu,
        min(break_even_tokens) filter (where staff = 'with' and utilization = 'mid' and gpu_price = 'high')
            as gpu_prudent_break_even_tokens,
        max(staff_hours) as gpu_staff_hours
    from {{ ref('break_even') }}
    group by month, scope, scope_id

)

select
    reviewed.month,
    reviewed.scope,
    reviewed.scope_id,
    paths.projected_p10_tokens,
    paths.projected_p90_tokens,
    paths.daily_path,
    totals.monthly_totals,
    totals.complete_months,
    mixes.model_mix,
    cache.cache_read_ratio,
    cache.saved_usd as cache_saved_usd,
    cache.saved_of_bill_ratio as cache_saved_of_bill_ratio,
    cache.target_ratio as cache_target_ratio,
    cache.input_without_cache_usd - cache.input_at_target_usd as cache_target_saves_usd,
    routing.routing_moved_cost_usd,
    routing.routing_saved_usd,
    routing.routing_rules,
    own_gpus.gpu_demand_tokens,
    own_gpus.gpu_api_usd,
    own_gpus.gpu_best_break_even_tokens,
    own_gpus.gpu_best_model,
    own_gpus.gpu_best_gpu,
    own_gpus.gpu_prudent_break_even_tokens,
    own_gpus.gpu_staff_hours
from reviewed
left join paths using (month, scope, scope_id)
left join totals using (month, scope, scope_id)
left join mixes using (month, scope, scope_id)
left join {{ ref('cache_effect') }} as cache using (month, scope, scope_id)
left join routing using (month, scope, scope_id)
left join own_gpus using (month, scope, scope_id)
