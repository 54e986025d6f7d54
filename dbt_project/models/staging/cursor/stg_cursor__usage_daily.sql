-- Input excludes cache reads and writes at Cursor; here it includes them. A call that the plan includes has a charge on
-- paper: it is used, and nothing is asked for it. Whose it is stands where other bills have a key.

select
    'cursor__usage_events' as feed,
    'cursor' as provider,
    day as utc_date,
    known_at,
    cast(null as varchar) as account_id,
    coalesce(lower(user_email), service_account_id) as provider_api_key_id,
    'cursor' as key_kind,
    model as raw_model,
    count(*) as requests,
    sum(uncached_input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0))::bigint
        as input_tokens,
    sum(cache_read_tokens)::bigint as cache_read_tokens,
    sum(cache_write_tokens)::bigint as cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(case when is_chargeable is false then 0 else charged_usd end) as billed_usd,
    sum(coalesce(model_list_usd + coalesce(fee_usd, 0), charged_usd)) as list_usd
from {{ source('raw', 'cursor__usage_events') }}
group by day, known_at, coalesce(lower(user_email), service_account_id), model
