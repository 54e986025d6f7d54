-- From identities.csv. What a developer's row says anyway (its email address, its id as user id) need not be repeated
-- there; without developers.csv everybody is known under the name that the gateway recorded.

with

stated as (

    -- Addresses and logins are the same in any spelling.
    select
        kind,
        case when kind in ('email', 'github', 'cursor') then lower(value) else value end as value,
        developer_id,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to
    from {{ source('raw', 'org__identities') }}

),

implied as (

    select 'email' as kind, lower(email) as value, developer_id, valid_from, valid_to
    from {{ ref('int_developers_dated') }}
    where email is not null

    union all

    select 'user_id' as kind, developer_id as value, developer_id, valid_from, valid_to
    from {{ ref('int_developers_dated') }}

    union all

    select 'key_alias' as kind, developer_id as value, developer_id, valid_from, valid_to
    from {{ ref('int_developers_dated') }}
    where is_derived

    union all

    select 'device' as kind, developer_id as value, developer_id, valid_from, valid_to
    from {{ ref('int_developers_dated') }}
    where is_derived

)

select kind, value, developer_id, valid_from, valid_to, true as is_stated
from stated

union all

select kind, value, developer_id, valid_from, valid_to, false as is_stated
from implied
where not exists (
    select 1 from stated where stated.kind = implied.kind and stated.value = implied.value
)
