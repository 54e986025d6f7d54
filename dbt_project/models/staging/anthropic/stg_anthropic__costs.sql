with

reports as (

    select 'anthropic__cost' as feed, *
    from {{ source('raw', 'anthropic__cost') }}

    union all by name

    select 'anthropic__cost_legacy' as feed, *
    from {{ source('raw', 'anthropic__cost_legacy') }}

)

select
    feed,
    'anthropic' as provider,
    day as utc_date,
    known_at,
    account_id,
    provider_api_key_id,
    model as raw_model,
    billed_usd,
    list_usd
from reports
