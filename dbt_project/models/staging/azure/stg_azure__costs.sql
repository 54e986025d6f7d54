-- Credits and taxes are no price of use. Meters are no models.

select
    'azure__cost_export' as feed,
    'azure' as provider,
    day as utc_date,
    known_at,
    lower(account_id) as account_id,
    cast(null as varchar) as provider_api_key_id,
    cast(null as varchar) as raw_model,
    coalesce(billed_usd, case when currency = 'USD' then billed end) as billed_usd,
    coalesce(list_usd, case when currency = 'USD' then list end) as list_usd
from {{ source('raw', 'azure__cost_export') }}
where charge_category in ('Usage', 'Purchase')
