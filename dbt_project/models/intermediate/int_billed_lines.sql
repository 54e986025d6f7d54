-- Lines of all bills in one shape. Where tokens and money come in reports of their own, a line has one of the two.

with

usage as (

    select * from {{ ref('stg_anthropic__usage') }}

    union all by name

    select * from {{ ref('stg_openai__usage') }}

    union all by name

    select * from {{ ref('stg_openrouter__activity') }}

    union all by name

    select * from {{ ref('stg_cursor__usage_daily') }}

    union all by name

    select * from {{ ref('stg_github_copilot__usage_daily') }}

    union all by name

    select * from {{ ref('stg_deepseek__usage') }}

    union all by name

    select * from {{ ref('stg_aws__costs') }}

    union all by name

    select * from {{ ref('stg_google__billing') }}

    union all by name

    select * from {{ ref('stg_google__tokens') }}

    union all by name

    select * from {{ ref('stg_azure__usage') }}

    union all by name

    select * from {{ ref('stg_vllm__served') }}

),

costs as (

    select * from {{ ref('stg_anthropic__costs') }}

    union all by name

    select * from {{ ref('stg_openai__costs') }}

    union all by name

    select * from {{ ref('stg_github_copilot__costs') }}

    union all by name

    select * from {{ ref('stg_deepseek__costs') }}

    union all by name

    select * from {{ ref('stg_azure__costs') }}

),

lines as (

    select * from usage

    union all by name

    select * from costs

),

names as (select * from {{ source('raw', 'genai_prices__model_names') }}),

named as (

    select
        lines.*,
        coalesce(names.model, lower(lines.raw_model)) as model,
        names.price_provider,
        names.price_model
    from lines
    left join names on lines.provider = names.raw_provider and lines.raw_model = names.raw_model

)

-- A day's sum has no hour and no size of single calls: it is priced as small calls at noon.
select
    named.* exclude (raw_model, price_provider, price_model, key_kind),
    coalesce(named.key_kind, 'provider_api_key_id') as key_kind,
    (named.input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0))
    * {{ usd_per_token('prices.input_usd_per_mtok') }}
    + coalesce(cache_read_tokens, 0) * {{ usd_per_token('prices.cache_read_usd_per_mtok') }}
    + (coalesce(cache_write_tokens, 0) - coalesce(cache_write_1h_tokens, 0))
    * {{ usd_per_token('prices.cache_write_usd_per_mtok') }}
    + coalesce(cache_write_1h_tokens, 0) * {{ usd_per_token('prices.cache_write_1h_usd_per_mtok') }}
    + named.output_tokens * {{ usd_per_token('prices.output_usd_per_mtok') }} as priced_usd
from named
left join {{ source('raw', 'genai_prices__prices') }} as prices
    on named.price_provider = prices.price_provider
    and named.price_model = prices.price_model
    and {{ price_of_small_calls('prices', 'named.utc_date') }}
