-- The last plan of each month to come, to be told once as a draft and once as it is final: to each team's channel and
-- to its lead, and to the organisation's channel. A view, so that it shows a plan as soon as plan.issued_plans does;
-- plans of months that are over are history.

{{ config(materialized='view') }}

with

teams as (select * from {{ ref('dim_teams') }}),

plans as (

    select
        issued.*,
        case when issued.scope = 'org' then 'The organisation'
            else coalesce(developers.name, teams.name, issued.scope_id) end as name
    from {{ ref('issued_plans') }} as issued
    left join {{ ref('dim_developers') }} as developers
        on issued.scope = 'developer' and issued.scope_id = developers.developer_id
    left join teams on issued.scope = 'team' and issued.scope_id = teams.team_id
    where issued.plan_month >= (
        select date_trunc('month', max(as_of_date)) from {{ ref('cap_utilization') }}
    )
    qualify issued.issued_at = max(issued.issued_at) over (partition by issued.plan_month)

),

proposed as (

    select
        *,
        struct_pack(
            scope := scope,
            scope_id := scope_id,
            name := name,
            recommended_cap_tokens := recommended_cap_tokens,
            recommended_cap_usd := recommended_cap_usd,
            current_cap_tokens := current_cap_tokens,
            current_cap_usd := current_cap_usd,
            change_ratio := change_ratio,
            is_at_floor := coalesce(floor_tokens > expected_tokens * (1 + buffer_ratio), false),
            reason := reason
        ) as proposal,
        abs(recommended_cap_tokens - coalesce(current_cap_tokens, 0)) as change_tokens
    from plans

),

-- Whom the plan of a team or of the organisation is about, those with the largest change first.
members as (

    select
        plan_month,
        case when scope = 'team' then 'org' else 'team' end as scope,
        case when scope = 'team' then 'org' else team_id end as scope_id,
        list(proposal order by change_tokens desc, scope_id) as members,
        count(*) as members_count,
        count(*) filter (where change_ratio > 0) as members_raised,
        count(*) filter (where change_ratio < 0) as members_lowered,
        count(*) filter (where change_ratio is null) as members_new
    from proposed
    where scope in ('developer', 'team')
    group by all

),

-- The organisation has no pool of its own, but those of its teams.
pools as (

    select
        team_pools.plan_month,
        scopes.scope,
        scopes.scope_id,
        sum(team_pools.recommended_pool_tokens)::bigint as recommended_pool_tokens,
        sum(team_pools.recommended_pool_usd)::decimal(18, 2) as recommended_pool_usd,
        round(
            sum(team_pools.recommended_pool_tokens)
            / nullif(
                sum(team_pools.sum_of_caps_tokens) filter (where team_pools.recommended_pool_tokens is not null), 0
            ),
            6
        ) as pool_of_caps_ratio,
        max(team_pools.pool_chance_ratio) as pool_chance_ratio,
        sum(team_pools.current_pool_tokens)::bigint as current_pool_tokens,
        max(team_pools.backtest_months) as backtest_months,
        sum(team_pools.blocked_without_pool_tokens)::bigint as blocked_without_pool_tokens,
        sum(team_pools.blocked_avoided_tokens)::bigint as blocked_avoided_tokens
    from {{ ref('overflow_pool') }} as team_pools
    cross join lateral (
        values ('team', team_pools.scope_id), ('org', 'org')
    ) as scopes (scope, scope_id)
    where team_pools.scope = 'team'
    group by team_pools.plan_month, scopes.scope, scopes.scope_id

),

-- A channel reads of its developers only where the team wants that; its lead always does.
told as (

    select
        proposed.*,
        'channel' as audience,
        proposed.scope = 'org' or coalesce(teams.shares_developers, false) as names_members
    from proposed
    left join teams on proposed.scope = 'team' and proposed.scope_id = teams.team_id
    where proposed.scope in ('team', 'org')

    union all

    select proposed.*, 'lead' as audience, true as names_members
    from proposed
    inner join teams on proposed.scope_id = teams.team_id
    where proposed.scope = 'team' and teams.lead_slack_id is not null

)

select
    format(
        'plan/{}/{}/{}/{}{}',
        strftime(told.plan_month, '%Y-%m'),
        told.stage,
        told.scope,
        told.scope_id,
        case when told.audience = 'lead' then '/lead' else '' end
    ) as alert_key,
    'plan' as kind,
    0 as level,
    told.audience,
    told.scope,
    told.scope_id,
    told.name as scope_name,
    told.team_id,
    teams.name as team_name,
    told.plan_month as month,
    told.stage,
    told.issued_at,
    told.as_of_date,
    teams.slack_channel,
    teams.lead_slack_id,
    null::varchar as slack_id,
    coalesce(teams.shares_developers, false) as shares_developers,
    told.baseline_tokens,
    told.baseline_days,
    told.growth_ratio,
    told.expected_tokens,
    told.buffer_ratio,
    told.recommended_cap_tokens,
    told.recommended_cap_usd,
    told.current_cap_tokens,
    told.current_cap_usd,
    told.change_ratio,
    told.reason,
    told.change_reason,
    now.month as this_month,
    now.cap_tokens as this_month_cap_tokens,
    now.cap_usd as this_month_cap_usd,
    now.used_tokens as this_month_used_tokens,
    now.used_usd as this_month_used_usd,
    now.projected_tokens as this_month_projected_tokens,
    now.projected_usd as this_month_projected_usd,
    now.projected_ratio_p50 as this_month_projected_ratio,
    now.probability_over as this_month_probability_over,
    review.projected_p10_tokens as this_month_projected_p10_tokens,
    review.projected_p90_tokens as this_month_projected_p90_tokens,
    before.expected_tokens as this_month_planned_tokens,
    before.difference_ratio as this_month_difference_ratio,
    members.members_count,
    members.members_raised,
    members.members_lowered,
    members.members_new,
    case when told.names_members then members.members end as members,
    case when told.names_members and members.members is not null then list_prepend(told.proposal, members.members)
        else [told.proposal] end as proposals,
    pools.recommended_pool_tokens as pool_recommended_tokens,
    pools.recommended_pool_usd as pool_recommended_usd,
    pools.pool_of_caps_ratio,
    pools.pool_chance_ratio,
    pools.current_pool_tokens as pool_current_tokens,
    case when pool_use.cap_tokens is not null then pool_use.used_tokens end as pool_used_tokens,
    pools.backtest_months as pool_backtest_months,
    pools.blocked_without_pool_tokens as pool_blocked_tokens,
    pools.blocked_avoided_tokens as pool_covered_tokens,
    review.daily_path,
    review.monthly_totals,
    review.complete_months,
    review.model_mix,
    review.cache_read_ratio,
    review.cache_saved_usd,
    review.cache_saved_of_bill_ratio,
    review.cache_target_ratio,
    review.cache_target_saves_usd,
    review.routing_moved_cost_usd,
    review.routing_saved_usd,
    review.routing_rules,
    review.gpu_demand_tokens,
    review.gpu_api_usd,
    review.gpu_best_break_even_tokens,
    review.gpu_best_model,
    review.gpu_best_gpu,
    review.gpu_prudent_break_even_tokens,
    review.gpu_staff_hours,
    'select * from plan.cap_recommendations where '
    || case
        when told.scope = 'org' then 'scope in (''org'', ''team'')'
        when told.audience = 'lead' then format('team_id = ''{}''', replace(told.scope_id, '''', ''''''))
        else format('scope = ''team'' and scope_id = ''{}''', replace(told.scope_id, '''', ''''''))
    end as query
from told
left join members using (plan_month, scope, scope_id)
left join teams on told.scope = 'team' and told.scope_id = teams.team_id
left join {{ ref('cap_utilization') }} as now
    on told.scope = now.scope
    and told.scope_id = now.scope_id
    -- On the first days of a planned month the one before it is what there is to tell.
    and now.month = least(date_trunc('month', now.as_of_date), told.plan_month - interval 1 month)
left join {{ ref('cap_utilization') }} as pool_use
    on told.scope = 'team'
    and pool_use.scope = 'pool'
    and told.scope_id = pool_use.scope_id
    and now.month = pool_use.month
left join {{ ref('plan_review') }} as review
    on now.month = review.month and told.scope = review.scope and told.scope_id = review.scope_id
left join pools
    on told.plan_month = pools.plan_month and told.scope = pools.scope and told.scope_id = pools.scope_id
left join {{ ref('plan_outcomes') }} as before
    on now.month = before.plan_month and told.scope = before.scope and told.scope_id = before.scope_id
