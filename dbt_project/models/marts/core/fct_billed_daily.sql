with

identities as (select * from {{ ref('int_identities_dated') }})

select
    billed.* exclude (superseded_at),
    coalesce(keys.developer_id, addresses.developer_id) as developer_id
from {{ ref('fct_billed_history') }} as billed
left join identities as keys
    on billed.key_kind = keys.kind
    and billed.provider_api_key_id = keys.value
    and billed.utc_date between keys.valid_from and keys.valid_to
-- Who is billed by address is known by it already.
left join identities as addresses
    on addresses.kind = 'email'
    and billed.provider_api_key_id = addresses.value
    and billed.utc_date between addresses.valid_from and addresses.valid_to
where billed.superseded_at is null
