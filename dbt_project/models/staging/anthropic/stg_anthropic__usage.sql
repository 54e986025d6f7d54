-- Input excludes cache reads and writes at Anthropic; here it includes them, as everywhere in this house.

with

reports as (

    select 'anthropic__usage' as feed, *
    from {{ source('raw', 'anthropic__usage') }}

    union all by name

    select 'anthropic__usage_legacy' as feed, *
    from {{ source('raw', 'anthropic__usage_legacy') }}

)

select
    feed,
    'anthropic' as provider,
    day as utc_date,
    known_at,
    account_id,
    provider_api_key_id,
    model as raw_model,
    requests,
    uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens as input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens + cache_write_1h_tokens as cache_write_tokens,
    cache_write_1h_tokens,
    output_tokens
from reports
