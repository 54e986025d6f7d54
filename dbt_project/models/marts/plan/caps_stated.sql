with

-- A row of caps.csv states both caps, empty ones too. An approval states those that it names and leaves the others as
-- they are; a proposal that was rejected in the end states nothing.
rows_of_caps as (

    select
        scope,
        case when scope = 'org' then 'org' else scope_id end as scope_id,
        month,
        'set' as cap_source,
        struct_pack(cap := cap_tokens) as tokens,
        struct_pack(cap := cap_usd) as usd
    from {{ source('raw', 'org__caps') }}

    union all

    select
        scope,
        scope_id,
        month,
        'approved' as cap_source,
        case when cap_tokens is not null then struct_pack(cap := cap_tokens) end as tokens,
        case when cap_usd is not null then struct_pack(cap := cap_usd) end as usd
    from {{ ref('cap_decisions') }}
    where decision != 'rejected' and not is_for_month_only

)

select
    scope,
    scope_id,
    month,
    (last_value(tokens ignore nulls) over so_far).cap as cap_tokens,
    (last_value(usd ignore nulls) over so_far).cap as cap_usd,
    cap_source
from rows_of_caps
-- Within a month, what was approved comes after what is set.
window so_far as (partition by scope, scope_id order by month, cap_source desc)
qualify row_number() over (partition by scope, scope_id, month order by cap_source) = 1
