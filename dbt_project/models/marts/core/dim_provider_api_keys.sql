with

keys as (

    select * from {{ ref('stg_anthropic__api_keys') }}

    union all by name

    select * from {{ ref('stg_openai__api_keys') }}

),

billed as (

    select
        provider,
        provider_api_key_id,
        any_value(key_kind) as key_kind,
        arg_max_null(developer_id, utc_date) as developer_id,
        min(utc_date) as first_billed_date,
        max(utc_date) as last_billed_date,
        sum(total_tokens) as billed_tokens,
        sum(billed_usd) as billed_usd
    from {{ ref('fct_billed_daily') }}
    where provider_api_key_id is not null
    group by provider, provider_api_key_id

),

-- An address that several people had proves nobody.
owners as (

    select value as owner_email, min(developer_id) as developer_id
    from {{ ref('int_identities_dated') }}
    where kind = 'email'
    group by value
    having count(distinct developer_id) = 1

)

select
    provider,
    provider_api_key_id,
    coalesce(billed.key_kind, 'provider_api_key_id') as key_kind,
    keys.key_name,
    keys.owner_email,
    billed.developer_id,
    case when billed.developer_id is null then owners.developer_id end as proposed_developer_id,
    billed.first_billed_date,
    billed.last_billed_date,
    coalesce(billed.billed_tokens, 0) as billed_tokens,
    billed.billed_usd
from keys
full join billed using (provider, provider_api_key_id)
left join owners using (owner_email)
