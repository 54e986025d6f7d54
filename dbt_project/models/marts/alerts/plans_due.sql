-- The last plan of each month to come, to be told to each team and the organisation once as a draft and once as it is
-- final. A view, so that it shows a plan as soon as plan.issued_plans does; plans of months that are over are history.

{{ config(materialized='view') }}

with

plans as (

    select *
    from {{ ref('issued_plans') }}
    where plan_month >= (
        select date_trunc('month', max(as_of_date)) from {{ ref('cap_utilization') }}
    )
    qualify issued_at = max(issued_at) over (partition by plan_month)

),

-- Whom the plan of a team or of the organisation is about, those with the largest change first.
members as (

    select
        plans.plan_month,
        case when plans.scope = 'team' then 'org' else 'team' end as scope,
        case when plans.scope = 'team' then 'org' else plans.team_id end as scope_id,
        list(
            struct_pack(
                name := coalesce(developers.name, teams.name, plans.scope_id),
                recommended_cap_tokens := plans.recommended_cap_tokens,
                current_cap_tokens := plans.current_cap_tokens,
                current_cap_usd := plans.current_cap_usd,
                change_ratio := plans.change_ratio,
                reason := plans.reason
            )
            order by abs(plans.recommended_cap_tokens - coalesce(plans.current_cap_tokens, 0)) desc, plans.scope_id
        ) as members
    from plans
    left join {{ ref('dim_developers') }} as developers
        on plans.scope = 'developer' and plans.scope_id = developers.developer_id
    left join {{ ref('dim_teams') }} as teams on plans.scope = 'team' and plans.scope_id = teams.team_id
    where plans.scope in ('developer', 'team')
    group by all

)

select
    format('plan/{}/{}/{}/{}', strftime(plans.plan_month, '%Y-%m'), plans.stage, plans.scope, plans.scope_id)
        as alert_key,
    'plan' as kind,
    0 as level,
    plans.scope,
    plans.scope_id,
    case when plans.scope = 'team' then coalesce(teams.name, plans.scope_id) else 'The organisation' end as scope_name,
    plans.team_id,
    teams.name as team_name,
    plans.plan_month as month,
    plans.stage,
    plans.as_of_date,
    teams.slack_channel,
    plans.baseline_tokens,
    plans.baseline_days,
    plans.growth_ratio,
    plans.expected_tokens,
    plans.buffer_ratio,
    plans.recommended_cap_tokens,
    plans.recommended_cap_usd,
    plans.current_cap_tokens,
    plans.current_cap_usd,
    plans.change_ratio,
    plans.reason,
    plans.change_reason,
    now.month as this_month,
    now.cap_tokens as this_month_cap_tokens,
    now.cap_usd as this_month_cap_usd,
    now.projected_tokens as this_month_projected_tokens,
    now.projected_ratio_p50 as this_month_projected_ratio,
    before.expected_tokens as this_month_planned_tokens,
    members.members,
    format(
        'select * from plan.cap_recommendations where scope = ''{}'' and scope_id = ''{}''',
        plans.scope, replace(plans.scope_id, '''', '''''')
    ) as query
from plans
left join members using (plan_month, scope, scope_id)
left join {{ ref('dim_teams') }} as teams on plans.scope = 'team' and plans.scope_id = teams.team_id
left join {{ ref('cap_utilization') }} as now
    on plans.scope = now.scope
    and plans.scope_id = now.scope_id
    -- On the first days of a planned month the one before it is what there is to tell.
    and now.month = least(date_trunc('month', now.as_of_date), plans.plan_month - interval 1 month)
left join {{ ref('plan_outcomes') }} as before
    on now.month = before.plan_month and plans.scope = before.scope and plans.scope_id = before.scope_id
where plans.scope in ('team', 'org')
