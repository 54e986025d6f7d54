select
    billed.* exclude (superseded_at),
    keys.developer_id
from {{ ref('fct_billed_history') }} as billed
left join {{ ref('int_identities_dated') }} as keys
    on keys.kind = 'provider_api_key_id'
    and billed.provider_api_key_id = keys.value
    and billed.utc_date between keys.valid_from and keys.valid_to
where billed.superseded_at is null
