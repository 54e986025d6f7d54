-- Whether bill and gateway agree, month by month: what a provider says of a day may change, a closed month should not.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

monthly as (

    select
        date_trunc('month', utc_date)::date as month,
        provider,
        sum(observed_tokens) as observed_tokens,
        sum(billed_tokens) as billed_tokens,
        sum(unobserved_tokens) as unobserved_tokens,
        sum(bypass_tokens) as bypass_tokens,
        sum(remaining_tokens) as remaining_tokens,
        sum(observed_usd) as observed_usd,
        sum(billed_usd) as billed_usd,
        sum(list_usd) as list_usd
    from {{ ref('fct_reconciliation_daily') }}
    group by 1, 2

)

select
    month,
    provider,
    observed_tokens,
    billed_tokens,
    unobserved_tokens,
    bypass_tokens,
    remaining_tokens,
    observed_tokens / nullif(billed_tokens, 0) as coverage_ratio,
    observed_usd,
    billed_usd,
    list_usd,
    billed_usd / nullif(list_usd, 0) as price_ratio,
    abs(remaining_tokens) / nullif(greatest(billed_tokens, observed_tokens), 0) as apart_ratio,
    last_day(month) < run.as_of_date as is_closed,
    coalesce(is_closed and apart_ratio > {{ assumption('reconciliation_month_error_ratio') }}, false) as is_apart
from monthly
cross join run
