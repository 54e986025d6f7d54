-- Input excludes cache reads and writes in the SKUs; here it includes them. What is no token has money only.

with

summed as (

    select
        day,
        known_at,
        account_id,
        model,
        count(tokens) > 0 as has_tokens,
        coalesce(sum(tokens) filter (where kind != 'output'), 0)::bigint as input_tokens,
        coalesce(sum(tokens) filter (where kind = 'cache_read'), 0)::bigint as cache_read_tokens,
        coalesce(sum(tokens) filter (where kind in ('cache_write', 'cache_write_1h')), 0)::bigint as cache_write_tokens,
        coalesce(sum(tokens) filter (where kind = 'cache_write_1h'), 0)::bigint as cache_write_1h_tokens,
        coalesce(sum(tokens) filter (where kind = 'output'), 0)::bigint as output_tokens,
        sum(billed_usd) as billed_usd,
        sum(list_usd) as list_usd
    from {{ source('raw', 'google__billing') }}
    group by day, known_at, account_id, model

)

select
    'google__billing' as feed,
    'google' as provider,
    day as utc_date,
    known_at,
    account_id,
    cast(null as varchar) as provider_api_key_id,
    model as raw_model,
    cast(null as bigint) as requests,
    case when has_tokens then input_tokens end as input_tokens,
    case when has_tokens then cache_read_tokens end as cache_read_tokens,
    case when has_tokens then cache_write_tokens end as cache_write_tokens,
    case when has_tokens then cache_write_1h_tokens end as cache_write_1h_tokens,
    case when has_tokens then output_tokens end as output_tokens,
    billed_usd,
    list_usd
from summed
