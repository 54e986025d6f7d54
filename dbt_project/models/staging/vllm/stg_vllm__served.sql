-- No bill, but what the company's own servers counted: tokens cost nothing here, GPU hours do (plan). The provider is
-- spelled as gateways spell it, for the names of its models; bills have it as selfhosted-vllm (int_billing_versions).

select
    'vllm__served' as feed,
    'vllm' as provider,
    day as utc_date,
    known_at,
    cast(null as varchar) as account_id,
    cast(null as varchar) as provider_api_key_id,
    model as raw_model,
    requests,
    coalesce(input_tokens, 0) as input_tokens,
    coalesce(cache_read_tokens, 0) as cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    coalesce(output_tokens, 0) as output_tokens,
    cast(0 as decimal(38, 12)) as billed_usd,
    cast(0 as decimal(38, 12)) as list_usd
from {{ source('raw', 'vllm__served') }}
