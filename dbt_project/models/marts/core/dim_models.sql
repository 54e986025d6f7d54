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

),

priced as (

    select
        seen.provider,
        seen.model,
        seen.is_unpriced,
        seen.price_provider,
        seen.price_model,
        min(prices.input_usd_per_mtok) as input_usd_per_mtok,
        min(prices.cache_read_usd_per_mtok) as cache_read_usd_per_mtok,
        min(prices.cache_write_usd_per_mtok) as cache_write_usd_per_mtok,
        min(prices.cache_write_1h_usd_per_mtok) as cache_write_1h_usd_per_mtok,
        min(prices.output_usd_per_mtok) as output_usd_per_mtok,
        seen.first_used_date,
        seen.last_used_date
    from seen
    cross join run
    left join {{ ref('list_prices') }} as prices
        on seen.price_provider = prices.price_provider
        and seen.price_model = prices.price_model
        and prices.service_tier = 'standard'
        and prices.above_input_tokens < 0
        and run.as_of_date between prices.valid_from and prices.valid_to
    group by all

)

select
    provider,
    model,
    0.6 * input_usd_per_mtok + 0.4 * output_usd_per_mtok as blended_usd_per_mtok,
    case
        when starts_with(provider, 'selfhosted') then 'self_hosted'
        when input_usd_per_mtok is null then 'unpriced'
        when 0.6 * input_usd_per_mtok + 0.4 * output_usd_per_mtok >= {{ assumption('tier_frontier_usd_per_mtok') }}
            then 'frontier'
        when 0.6 * input_usd_per_mtok + 0.4 * output_usd_per_mtok >= {{ assumption('tier_balanced_usd_per_mtok') }}
            then 'balanced'
        else 'economy'
    end as tier,
    starts_with(provider, 'selfhosted') as is_self_hosted,
    is_unpriced,
    price_provider,
    price_model,
    input_usd_per_mtok,
    cache_read_usd_per_mtok,
    cache_write_usd_per_mtok,
    cache_write_1h_usd_per_mtok,
    output_usd_per_mtok,
    first_used_date,
    last_used_date
from priced
