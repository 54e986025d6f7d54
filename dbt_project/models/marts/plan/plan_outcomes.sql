-- What was planned, and what happened: the last plan that was issued for a month, against that month.

with

plans as (

    select *
    from {{ ref('issued_plans') }}
    qualify issued_at = max(issued_at) over (partition by plan_month)

)

select
    plans.plan_month,
    plans.scope,
    plans.scope_id,
    plans.stage,
    plans.issued_at,
    plans.expected_tokens,
    plans.recommended_cap_tokens,
    utilization.cap_tokens,
    coalesce(utilization.used_tokens, 0) as used_tokens,
    last_day(plans.plan_month) <= run.as_of_date as is_complete,
    coalesce(utilization.projected_tokens, 0) as projected_tokens,
    round(coalesce(utilization.projected_tokens, 0) / nullif(plans.expected_tokens, 0) - 1, 6) as difference_ratio,
    coalesce(utilization.projected_tokens, 0) >= plans.recommended_cap_tokens as is_over_recommended_cap
from plans
inner join {{ source('raw', 'paceline__run') }} as run on plans.plan_month <= run.as_of_date
-- Who was planned and is not there used nothing.
left join {{ ref('cap_utilization') }} as utilization
    on plans.plan_month = utilization.month
    and plans.scope = utilization.scope
    and plans.scope_id = utilization.scope_id
