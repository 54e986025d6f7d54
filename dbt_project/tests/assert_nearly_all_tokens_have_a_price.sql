-- The share of the last 30 days' tokens that is priced at the fallback, model by model.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'fct_usage_daily'}}}) }}

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

recent as (

    select
        provider,
        model,
        is_unpriced,
        sum(total_tokens) as tokens,
        sum(sum(total_tokens)) over () as all_tokens,
        coalesce(sum(sum(total_tokens)) filter (where is_unpriced) over (), 0) as unpriced_tokens
    from {{ ref('fct_usage_daily') }}
    cross join run
    where usage_date > run.as_of_date - 30
    group by provider, model, is_unpriced

)

select
    provider,
    model,
    tokens,
    tokens::double / all_tokens as token_ratio,
    {{ assumption('unpriced_warn_ratio') }} as warn_ratio
from recent
where is_unpriced and unpriced_tokens > all_tokens * {{ assumption('unpriced_warn_ratio') }}
