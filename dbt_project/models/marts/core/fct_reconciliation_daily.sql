-- Only days that the provider has told about: before that, nothing is known to differ.

with

-- The provider was asked about these days, whether it said something new or not.
asked as (

    select
        loads.feed,
        loads.started_at as asked_at,
        loads.through_date - feeds.restated_days + 1 as from_date,
        loads.through_date
    from {{ source('raw', 'paceline__loads') }} as loads
    inner join {{ source('raw', 'paceline__feeds') }} as feeds using (feed)
    where loads.status = 'loaded'

),

told as (

    select
        versions.provider,
        versions.utc_date,
        max(versions.version_known_at) as known_at,
        greatest(max(versions.version_known_at), max(asked.asked_at)) as confirmed_at
    from {{ ref('int_billing_versions') }} as versions
    left join asked
        on versions.feed = asked.feed
        and versions.utc_date between asked.from_date and asked.through_date
    where versions.superseded_at is null and versions.report = 'usage'
    group by versions.provider, versions.utc_date

),

observed as (

    select
        utc_date,
        provider,
        model,
        sum(total_tokens) as observed_tokens,
        sum(estimated_tokens) as estimated_tokens,
        sum(failed_requests) as failed_requests,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(cost_usd) as observed_usd,
        bool_or(is_unpriced) as is_unpriced
    from {{ ref('fct_usage_daily') }}
    where requests > 0 or failed_requests > 0
    group by utc_date, provider, model

),

billed as (

    select
        utc_date,
        provider,
        model,
        sum(total_tokens) as billed_tokens,
        sum(billed_usd) as billed_usd,
        sum(list_usd) as list_usd
    from {{ ref('fct_billed_daily') }}
    group by utc_date, provider, model

),

bypass as (

    select
        usage_date as utc_date,
        provider,
        model,
        sum(unobserved_tokens) as bypass_tokens,
        sum(unobserved_usd) as bypass_usd
    from {{ ref('unobserved_daily') }}
    group by usage_date, provider, model

),

compared as (

    select
        utc_date,
        provider,
        model,
        coalesce(observed.observed_tokens, 0) as observed_tokens,
        coalesce(observed.estimated_tokens, 0) as estimated_tokens,
        coalesce(observed.failed_requests, 0) as failed_requests,
        coalesce(observed.cache_read_tokens, 0) as cache_read_tokens,
        coalesce(observed.cache_write_tokens, 0) as cache_write_tokens,
        coalesce(observed.observed_usd, 0) as observed_usd,
        coalesce(observed.is_unpriced, false) as is_unpriced,
        coalesce(billed.billed_tokens, 0) as billed_tokens,
        billed.billed_usd,
        billed.list_usd,
        coalesce(bypass.bypass_tokens, 0) as bypass_tokens,
        coalesce(bypass.bypass_usd, 0) as bypass_usd
    from observed
    full join billed using (utc_date, provider, model)
    left join bypass using (utc_date, provider, model)

),

explained as (

    select
        compared.*,
        told.known_at,
        billed_tokens - observed_tokens as unobserved_tokens,
        billed_tokens - observed_tokens - bypass_tokens as remaining_tokens,
        -- A day is told completely some hours after its end.
        told.confirmed_at < cast(utc_date as timestamp) + interval 36 hours as is_early,
        remaining_tokens != 0 and (estimated_tokens > 0 or failed_requests > 0) as is_estimated,
        remaining_tokens != 0
        and abs(remaining_tokens) in (
            cache_read_tokens, cache_write_tokens, cache_read_tokens + cache_write_tokens
        ) as is_cache_counted,
        estimated_tokens + failed_requests * {{ assumption('failed_request_most_tokens') }} as estimable_tokens
    from compared
    inner join told using (provider, utc_date)

)

select
    utc_date,
    provider,
    model,
    observed_tokens,
    estimated_tokens,
    billed_tokens,
    unobserved_tokens,
    bypass_tokens,
    remaining_tokens,
    observed_tokens / nullif(billed_tokens, 0) as coverage_ratio,
    observed_usd,
    billed_usd,
    list_usd,
    bypass_usd,
    billed_usd - observed_usd as difference_usd,
    billed_usd / nullif(list_usd, 0) as price_ratio,
    coalesce(
        nullif(
            concat_ws(
                ', ',
                case when bypass_tokens > 0 then 'bypass' end,
                case when remaining_tokens != 0 and is_early then 'timing' end,
                case when is_cache_counted then 'cache_counting' when is_estimated then 'estimated_tokens' end,
                case
                    when remaining_tokens = 0 or is_early or is_cache_counted then null
                    when not is_estimated or abs(remaining_tokens) > estimable_tokens then 'unexplained'
                end,
                case when is_unpriced and observed_tokens > 0 then 'unpriced_model' end,
                case when abs(billed_usd - list_usd) > 0.01 * list_usd then 'price' end
            ),
            ''
        ),
        'none'
    ) as cause,
    known_at
from explained
