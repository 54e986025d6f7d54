-- What gateways saw against what providers bill, per month and provider.
select
    null as team_id, month, provider, coverage_ratio, unobserved_tokens, billed_usd, price_ratio,
    (select count(*) from core.reconciliation_monthly where is_apart) as months_apart
from core.reconciliation_monthly
qualify row_number() over (order by month desc, billed_tokens desc) = 1;

select
    month, provider, billed_tokens, observed_tokens, unobserved_tokens, coverage_ratio, bypass_tokens, remaining_tokens,
    billed_usd, observed_usd, list_usd, price_ratio, apart_ratio, is_closed, is_apart
from core.reconciliation_monthly
order by month desc, billed_tokens desc, provider;
