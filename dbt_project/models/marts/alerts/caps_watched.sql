-- Only the as-of month, and the month before while its last days may still change: a first load of history tells
-- nobody about old months.

with

run as (

    select as_of_date, date_trunc('month', as_of_date)::date as as_of_month
    from {{ source('raw', 'paceline__run') }}

),

caps as (

    select cap_utilization.*, cap_utilization.month = run.as_of_month as is_as_of_month
    from {{ ref('cap_utilization') }} as cap_utilization
    cross join run
    where
        cap_utilization.month = run.as_of_month
        or (
            cap_utilization.month = run.as_of_month - interval 1 month
            -- Of logs: a bill may be restated for a month, and a message that late helps nobody.
            and run.as_of_date < run.as_of_month + (
                select max(restated_days) from {{ ref('source_freshness') }} where not is_report
            )
        )

),

pools as (

    select
        month,
        team_id,
        cap_tokens - used_tokens as pool_left_tokens,
        projected_ratio_p50 as pool_projected_ratio
    from caps
    where scope = 'pool'

)

select
    caps.month,
    caps.is_as_of_month,
    caps.scope,
    caps.scope_id,
    caps.team_id,
    caps.as_of_date,
    caps.cap_tokens,
    caps.cap_usd,
    caps.cap_source,
    caps.used_tokens,
    caps.used_usd,
    caps.used_ratio,
    caps.binding_measure,
    caps.estimated_tokens,
    caps.unobserved_tokens,
    caps.projected_tokens,
    caps.projected_usd,
    caps.projected_ratio_p50 as projected_ratio,
    caps.projected_ratio_p10,
    caps.projected_ratio_p90,
    caps.probability_over,
    caps.is_likely_over,
    caps.crosses_cap_on,
    caps.status,
    -- No pool is not an empty one; greatest() alone would call it that.
    case when pools.pool_left_tokens is not null then greatest(pools.pool_left_tokens, 0) end as pool_left_tokens,
    pools.pool_projected_ratio,
    freshness.data_through_at,
    freshness.data_age_days,
    drivers.drivers
from caps
left join pools on caps.month = pools.month and caps.team_id = pools.team_id
left join {{ ref('month_drivers') }} as drivers
    on caps.month = drivers.month and caps.scope = drivers.scope and caps.scope_id = drivers.scope_id
cross join {{ ref('data_freshness') }} as freshness
where caps.status != 'no_cap'
