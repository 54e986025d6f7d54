select
    'google__tokens' as feed,
    'google' as provider,
    day as utc_date,
    known_at,
    account_id,
    cast(null as varchar) as provider_api_key_id,
    model as raw_model,
    cast(null as bigint) as requests,
    coalesce(sum(tokens) filter (where direction = 'input'), 0)::bigint as input_tokens,
    cast(null as bigint) as cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    coalesce(sum(tokens) filter (where direction = 'output'), 0)::bigint as output_tokens
from {{ source('raw', 'google__tokens') }}
group by day, known_at, account_id, model
