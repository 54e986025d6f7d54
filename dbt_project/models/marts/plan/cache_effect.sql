-- Against every input token at the price of fresh input. Where a source says nothing about caching, its input counts
-- as fresh. Prices are those of small calls at noon UTC of each day; self-hosted and unpriced models are left out.

with

priced as (

    select
        date_trunc('month', attributed.usage_date)::date as month,
        attributed.team_id,
        attributed.input_tokens,
        coalesce(attributed.cache_read_tokens, 0) as cache_read_tokens,
        coalesce(attributed.cache_write_tokens, 0) as cache_write_tokens,
        attributed.fresh_input_list_usd + attributed.cache_read_list_usd + attributed.cache_write_5m_list_usd
        + attributed.cache_write_1h_list_usd as input_usd,
        attributed.list_usd,
        attributed.input_tokens * {{ usd_per_token('prices.input_usd_per_mtok') }} as input_without_cache_usd,
        attributed.input_tokens * {{ usd_per_token('prices.cache_read_usd_per_mtok') }} as all_read_usd
    from {{ ref('int_usage_attributed') }} as attributed
    inner join {{ ref('list_prices') }} as prices
        on attributed.price_provider = prices.price_provider
        and attributed.price_model = prices.price_model
        and {{ price_of_small_calls('prices', 'attributed.utc_date') }}

),

scoped as (

    select 'team' as scope, team_id as scope_id, *
    from priced
    where team_id != 'unattributed'

    union all

    select 'org' as scope, 'org' as scope_id, *
    from priced

),

monthly as (

    select
        month,
        scope,
        scope_id,
        {{ assumption('cache_target_ratio') }} as target_ratio,
        sum(input_tokens) as input_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(input_usd) as input_usd,
        sum(list_usd) as list_usd,
        sum(input_without_cache_usd) as input_without_cache_usd,
        sum(all_read_usd) as all_read_usd
    from scoped
    group by month, scope, scope_id
    having sum(input_tokens) > 0

)

select
    month,
    scope,
    scope_id,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cache_read_tokens / input_tokens as cache_read_ratio,
    input_usd,
    input_without_cache_usd,
    input_without_cache_usd - input_usd as saved_usd,
    saved_usd / nullif(input_without_cache_usd, 0) as saved_ratio,
    list_usd,
    saved_usd / nullif(list_usd + saved_usd, 0) as saved_of_bill_ratio,
    target_ratio,
    round(input_without_cache_usd * (1 - target_ratio) + all_read_usd * target_ratio, 6) as input_at_target_usd,
    round(1 - input_at_target_usd / nullif(input_without_cache_usd, 0), 6) as target_saves_ratio,
    round((input_without_cache_usd - input_at_target_usd) / nullif(list_usd + saved_usd, 0), 6)
        as target_saves_of_bill_ratio
from monthly
