-- Days on which bill and gateway differ by more than what went past the gateway explains, once the bill is complete.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'fct_reconciliation_daily'}}}) }}

select
    utc_date,
    provider,
    sum(observed_tokens) as observed_tokens,
    sum(billed_tokens) as billed_tokens,
    sum(remaining_tokens) as remaining_tokens,
    {{ assumption('reconciliation_day_warn_ratio') }} as warn_ratio
from {{ ref('fct_reconciliation_daily') }}
where cause not like '%timing%'
group by utc_date, provider
having
    abs(sum(remaining_tokens))
    > greatest(sum(billed_tokens), sum(observed_tokens)) * {{ assumption('reconciliation_day_warn_ratio') }}
