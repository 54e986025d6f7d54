-- A price row is valid for some days, some minutes of the UTC day and some input sizes; exactly one fits a call.
-- An unknown model is never free: it costs what a large model costs, and is flagged.

-- A view over the lake, so it stands with staging and is not published.
{{ config(materialized='view', schema='staging') }}

{% set fallback_input_usd_per_mtok = 5 %}
{% set fallback_output_usd_per_mtok = 25 %}

with

usage_named as (

    select
        usage_unioned.*,
        coalesce(names.provider, usage_unioned.raw_provider, 'unknown') as provider,
        coalesce(names.model, lower(usage_unioned.raw_model)) as model,
        names.price_provider,
        names.price_model,
        coalesce(names.is_self_hosted, false) as is_self_hosted
    from {{ ref('int_usage_unioned') }} as usage_unioned
    left join {{ source('raw', 'genai_prices__model_names') }} as names
        on usage_unioned.raw_model = names.raw_model
        and coalesce(usage_unioned.raw_provider, '') = coalesce(names.raw_provider, '')

),

prices as (select * from {{ source('raw', 'genai_prices__prices') }}),

-- A tier without a price of its own (auto, default ...) costs the standard price.
priced_tiers as (select distinct price_provider, price_model, service_tier from prices),

usage_tiered as (

    select
        usage_named.*,
        coalesce(priced_tiers.service_tier, 'standard') as price_tier
    from usage_named
    left join priced_tiers using (price_provider, price_model, service_tier)

),

with_prices as (

    select
        usage_tiered.*,
        prices.price_model is null
        and not usage_tiered.is_self_hosted
        and usage_tiered.usage_quality in ('reported', 'estimated') as is_unpriced,
        case
            when prices.price_model is not null then prices.input_usd_per_mtok
            when usage_tiered.is_self_hosted then 0
            else {{ fallback_input_usd_per_mtok }}
        end as input_usd_per_mtok,
        case
            when prices.price_model is not null then prices.cache_read_usd_per_mtok
            when usage_tiered.is_self_hosted then 0
            else {{ fallback_input_usd_per_mtok }}
        end as cache_read_usd_per_mtok,
        case
            when prices.price_model is not null then prices.cache_write_usd_per_mtok
            when usage_tiered.is_self_hosted then 0
            else {{ fallback_input_usd_per_mtok }}
        end as cache_write_usd_per_mtok,
        case
            when prices.price_model is not null then prices.cache_write_1h_usd_per_mtok
            when usage_tiered.is_self_hosted then 0
            else {{ fallback_input_usd_per_mtok }}
        end as cache_write_1h_usd_per_mtok,
        case
            when prices.price_model is not null then prices.output_usd_per_mtok
            when usage_tiered.is_self_hosted then 0
            else {{ fallback_output_usd_per_mtok }}
        end as output_usd_per_mtok,
        coalesce(prices.usd_per_request, 0) as usd_per_request
    from usage_tiered
    left join prices
        on usage_tiered.price_provider = prices.price_provider
        and usage_tiered.price_model = prices.price_model
        and usage_tiered.price_tier = prices.service_tier
        and cast(usage_tiered.started_at as date) between prices.valid_from and prices.valid_to
        and hour(usage_tiered.started_at) * 60 + minute(usage_tiered.started_at) >= prices.from_utc_minute
        and hour(usage_tiered.started_at) * 60 + minute(usage_tiered.started_at) < prices.to_utc_minute
        and usage_tiered.input_tokens > prices.above_input_tokens
        and usage_tiered.input_tokens <= prices.up_to_input_tokens

)

select
    source,
    request_id,
    observers,
    observer_layers,
    route,
    utc_date,
    usage_date,
    started_at,
    user_email,
    user_id,
    key_alias,
    key_hash,
    gateway_team_id,
    agent_user,
    device,
    task_id,
    task_source,
    task_type,
    session_id,
    is_session_sent,
    provider,
    model,
    price_provider,
    price_model,
    is_unpriced,
    usage_quality,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    input_tokens + output_tokens as total_tokens,
    (input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0))
    * {{ usd_per_token('input_usd_per_mtok') }} as fresh_input_list_usd,
    coalesce(cache_read_tokens, 0) * {{ usd_per_token('cache_read_usd_per_mtok') }} as cache_read_list_usd,
    (coalesce(cache_write_tokens, 0) - coalesce(cache_write_1h_tokens, 0))
    * {{ usd_per_token('cache_write_usd_per_mtok') }} as cache_write_5m_list_usd,
    coalesce(cache_write_1h_tokens, 0)
    * {{ usd_per_token('cache_write_1h_usd_per_mtok') }} as cache_write_1h_list_usd,
    output_tokens * {{ usd_per_token('output_usd_per_mtok') }} as output_list_usd,
    case
        when usage_quality in ('reported', 'estimated') then cast(usd_per_request as decimal(38, 12)) else 0
    end as request_list_usd,
    case when usage_quality in ('reported', 'estimated') then reported_usd end as reported_usd
from with_prices
