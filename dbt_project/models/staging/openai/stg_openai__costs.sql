-- A line item is "model, meter", or the bare name of what is no model.

select
    'openai__costs' as feed,
    'openai' as provider,
    day as utc_date,
    known_at,
    account_id,
    provider_api_key_id,
    case when contains(line_item, ', ') then split_part(line_item, ', ', 1) end as raw_model,
    billed_usd,
    cast(null as decimal(38, 12)) as list_usd
from {{ source('raw', 'openai__costs') }}
