-- Input excludes cache reads and writes at AWS; here it includes them. Tokens are told where the meter's unit is one.

select
    'aws__costs' as feed,
    'aws' as provider,
    day as utc_date,
    known_at,
    cast(null as varchar) as account_id,
    cast(null as varchar) as provider_api_key_id,
    model as raw_model,
    cast(null as bigint) as requests,
    case when count(tokens) > 0 then coalesce(sum(tokens) filter (where kind != 'output'), 0) end::bigint as input_tokens,
    case when count(tokens) > 0 then coalesce(sum(tokens) filter (where kind = 'cache_read'), 0) end::bigint as cache_read_tokens,
    case when count(tokens) > 0 then coalesce(sum(tokens) filter (where kind in ('cache_write', 'cache_write_1h')), 0) end::bigint as cache_write_tokens,
    case when count(tokens) > 0 then coalesce(sum(tokens) filter (where kind = 'cache_write_1h'), 0) end::bigint as cache_write_1h_tokens,
    case when count(tokens) > 0 then coalesce(sum(tokens) filter (where kind = 'output'), 0) end::bigint as output_tokens,
    sum(billed_usd) as billed_usd,
    sum(list_usd) as list_usd
from {{ source('raw', 'aws__costs') }}
where currency = 'USD'
group by day, known_at, model
