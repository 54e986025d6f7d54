-- A what-if: a share of a task type's tokens on dearer models goes to the model of its rule, kind by kind at list
-- price.

with

usage_monthly as (

    select
        date_trunc('month', usage_date)::date as month,
        task_type,
        provider,
        model,
        sum(total_tokens) as tokens,
        sum(input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0)) as fresh_input_tokens,
        sum(coalesce(cache_read_tokens, 0)) as cache_read_tokens,
        sum(coalesce(cache_write_tokens, 0)) as cache_write_tokens,
        sum(output_tokens) as output_tokens,
        sum(cost_usd) as cost_usd
    from {{ ref('fct_usage_daily') }}
    where task_type is not null
    group by 1, 2, 3, 4

),

priced as (

    select
        usage_monthly.*,
        rules.to_provider,
        rules.to_model,
        rules.share_ratio,
        rules.quality_risk,
        usage_monthly.fresh_input_tokens * {{ usd_per_token('prices.input_usd_per_mtok') }}
        + usage_monthly.cache_read_tokens * {{ usd_per_token('prices.cache_read_usd_per_mtok') }}
        + usage_monthly.cache_write_tokens
        * {{ usd_per_token('coalesce(prices.cache_write_usd_per_mtok, prices.input_usd_per_mtok)') }}
        + usage_monthly.output_tokens * {{ usd_per_token('prices.output_usd_per_mtok') }} as there_usd
    from usage_monthly
    inner join {{ source('raw', 'org__routing_rules') }} as rules
        on usage_monthly.task_type = rules.task_type
        and (usage_monthly.provider, usage_monthly.model) != (rules.to_provider, rules.to_model)
    cross join {{ source('raw', 'paceline__run') }} as run
    inner join {{ ref('list_prices') }} as prices
        on rules.to_provider = prices.price_provider
        and rules.to_model = prices.price_model
        and {{ price_of_small_calls('prices', 'least(last_day(usage_monthly.month), run.as_of_date)') }}

)

select
    month,
    task_type,
    provider as from_provider,
    model as from_model,
    to_provider,
    to_model,
    share_ratio,
    quality_risk,
    tokens,
    cost_usd,
    round(tokens * share_ratio)::bigint as moved_tokens,
    cost_usd * share_ratio as moved_cost_usd,
    there_usd * share_ratio as moved_cost_there_usd,
    (cost_usd - there_usd) * share_ratio as saved_usd,
    saved_usd / nullif(cost_usd, 0) as saved_ratio
from priced
where tokens > 0 and there_usd < cost_usd
