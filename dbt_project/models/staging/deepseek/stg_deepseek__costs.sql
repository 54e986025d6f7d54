-- Only a wallet in USD says dollars. What is taken from another is known in its tokens, at list price.

select
    'deepseek__cost' as feed,
    'deepseek' as provider,
    day as utc_date,
    known_at,
    account_id,
    cast(null as varchar) as provider_api_key_id,
    model as raw_model,
    case when upper(currency) = 'USD' then cost end as billed_usd,
    cast(null as decimal(38, 12)) as list_usd
from {{ source('raw', 'deepseek__cost') }}
