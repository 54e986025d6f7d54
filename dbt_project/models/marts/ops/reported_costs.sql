-- Models whose calls of the last 30 days cost clearly other than what their source, the gateway, reported of them: its
-- price agrees neither with the list nor with what was agreed.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

reported as (

    select
        provider,
        model,
        sum(list_usd) as list_usd,
        sum(cost_usd) as cost_usd,
        sum(reported_usd) as reported_usd
    from {{ ref('fct_usage_daily') }}
    cross join run
    where usage_date > run.as_of_date - 30 and reported_usd is not null and not is_unpriced
    group by provider, model

)

select
    provider,
    model,
    list_usd,
    cost_usd,
    reported_usd,
    round(reported_usd::double / cost_usd::double, 6) as reported_ratio
from reported
where
    list_usd > 0
    and cost_usd > 0
    and least(abs(reported_usd / list_usd - 1), abs(reported_usd / cost_usd - 1))
    > {{ assumption('reported_cost_warn_ratio') }}
