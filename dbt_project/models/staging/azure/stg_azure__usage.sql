-- One row per resource and model: a model may have several deployments.

select
    'azure__metrics' as feed,
    'azure' as provider,
    day as utc_date,
    known_at,
    lower(account_id) as account_id,
    cast(null as varchar) as provider_api_key_id,
    model as raw_model,
    sum(requests)::bigint as requests,
    coalesce(sum(input_tokens), 0)::bigint as input_tokens,
    cast(null as bigint) as cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    coalesce(sum(output_tokens), 0)::bigint as output_tokens
from {{ source('raw', 'azure__metrics') }}
group by day, known_at, lower(account_id), model
