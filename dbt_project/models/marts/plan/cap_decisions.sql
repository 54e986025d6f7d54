with

decisions as (

    select
        * replace (
            case when scope = 'org' then 'org' else scope_id end as scope_id,
            date_trunc('month', month)::date as month
        ),
        decision = 'increased' as is_for_month_only
    from {{ source('raw', 'paceline__cap_decisions') }}

)

select
    scope,
    scope_id,
    month,
    is_for_month_only,
    decision,
    cap_tokens,
    cap_usd,
    decided_at,
    decided_by,
    plan_stage,
    plan_issued_at
from decisions
-- The last one of each kind; an increase is over when something else was decided after it.
qualify
    row_number() over (partition by scope, scope_id, month, is_for_month_only order by decision_id desc) = 1
    and (
        not is_for_month_only
        or decision_id > coalesce(
            max(decision_id) filter (where not is_for_month_only) over (partition by scope, scope_id, month), 0
        )
    )
