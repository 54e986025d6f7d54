-- One row per kind of token and price becomes one row with all kinds. Prices differ by hour, tokens do not.

select
    'deepseek__amount' as feed,
    'deepseek' as provider,
    day as utc_date,
    known_at,
    account_id,
    provider_api_key_id,
    model as raw_model,
    sum(amount) filter (where type = 'request_count')::bigint as requests,
    coalesce(sum(amount) filter (where type in ('input_cache_hit_tokens', 'input_cache_miss_tokens')), 0)::bigint
        as input_tokens,
    coalesce(sum(amount) filter (where type = 'input_cache_hit_tokens'), 0)::bigint as cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    coalesce(sum(amount) filter (where type = 'output_tokens'), 0)::bigint as output_tokens
from {{ source('raw', 'deepseek__amount') }}
group by day, known_at, account_id, provider_api_key_id, model
