-- The share of the last 30 days' tokens that no identity maps to.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'fct_usage_daily'}}}) }}

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

recent as (

    select
        sum(total_tokens) as tokens,
        coalesce(sum(total_tokens) filter (where developer_id = 'unattributed'), 0) as unattributed_tokens
    from {{ ref('fct_usage_daily') }}
    cross join run
    where usage_date > run.as_of_date - 30

)

select
    tokens,
    unattributed_tokens,
    unattributed_tokens::double / tokens as unattributed_ratio,
    {{ assumption('unattributed_warn_ratio') }} as warn_ratio
from recent
where unattributed_tokens > tokens * {{ assumption('unattributed_warn_ratio') }}
