-- Input includes cached tokens at OpenRouter already.

select
    'openrouter__activity' as feed,
    'openrouter' as provider,
    day as utc_date,
    known_at,
    account_id,
    cast(null as varchar) as provider_api_key_id,
    model as raw_model,
    requests,
    input_tokens,
    cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    output_tokens,
    billed_usd,
    cast(null as decimal(38, 12)) as list_usd
from {{ source('raw', 'openrouter__activity') }}
