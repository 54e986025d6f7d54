with

decisions as (

    select
        * replace (
            case when scope = 'org' then 'org' else scope_id end as scope_id,
            date_trunc('month', month)::date as month
        )
    from {{ source('raw', 'paceline__cap_decisions') }}

)

select
    scope,
    scope_id,
    month,
    decision,
    cap_tokens,
    cap_usd,
    decided_at,
    decided_by,
    plan_stage,
    plan_issued_at
from decisions
qualify row_number() over (partition by scope, scope_id, month order by decision_id desc) = 1
