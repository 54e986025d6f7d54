with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

seen as (

    select
        provider,
        model,
        max(price_provider) as price_provider,
        max(price_model) as price_model,
        bool_or(is_unpriced) as is_unpriced,
        min(usage_date) as first_used_date,
        max(usage_date) as last_used_date
    from {{ ref('int_usage_attributed') }}
    group by provider, model

)

select
    seen.provider,
    seen.model,
    starts_with(seen.provider, 'selfhosted') as is_self_hosted,
    seen.is_unpriced,
    seen.price_provider,
    seen.price_model,
    min(prices.input_usd_per_mtok) as input_usd_per_mtok,
    min(prices.cache_read_usd_per_mtok) as cache_read_usd_per_mtok,
    min(prices.cache_write_usd_per_mtok) as cache_write_usd_per_mtok,
    min(prices.output_usd_per_mtok) as output_usd_per_mtok,
    seen.first_used_date,
    seen.last_used_date
from seen
cross join run
left join {{ source('raw', 'genai_prices__prices') }} as prices
    on seen.price_provider = prices.price_provider
    and seen.price_model = prices.price_model
    and prices.service_tier = 'standard'
    and prices.above_input_tokens < 0
    and run.as_of_date between prices.valid_from and prices.valid_to
group by all
