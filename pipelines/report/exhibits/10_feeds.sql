-- How current and complete the data are. Shares are of the tokens of the running month.
with feeds as (
    select
        count(*) as feeds, count(*) filter (where last_status = 'failed') as failed_feeds,
        max(data_age_days) as oldest_age_days, sum(quarantined) as quarantined
    from ops.source_freshness
),
used as (
    select
        sum(total_tokens) as used_tokens, sum(estimated_tokens) as estimated_tokens,
        sum(unpriced_tokens) as unpriced_tokens,
        coalesce(sum(total_tokens) filter (where team_id = 'unattributed'), 0) as unattributed_tokens
    from core.team_monthly
    where month = (select max(month) from plan.cap_utilization)
),
billed as (
    select sum(observed_tokens) / nullif(sum(billed_tokens), 0) as coverage_ratio
    from core.reconciliation_monthly
    where month = (select max(month) from core.reconciliation_monthly)
)
select
    null as team_id, (select max(as_of_date) from plan.cap_utilization) as as_of_date, feeds, failed_feeds,
    oldest_age_days, quarantined, coverage_ratio, unattributed_tokens / nullif(used_tokens, 0) as unattributed_ratio,
    unpriced_tokens / nullif(used_tokens, 0) as unpriced_ratio,
    estimated_tokens / nullif(used_tokens, 0) as estimated_ratio
from feeds, used, billed
where feeds > 0;

-- Failed and old feeds first.
select
    feed, last_status = 'failed' as has_failed, data_age_days, loaded_through_date, last_record_at, last_loaded_at,
    last_load_records, quarantined, last_error
from ops.source_freshness
order by has_failed desc, data_age_days desc nulls first, feed;
