-- A miss is measured in square roots of its forecast, as counts of rare things scatter: so small and large months of
-- the past can be compared. Single people scatter more than their past shows: their range takes in more of it.

{% set fewest_misses = 4 %}

with

run as (select as_of_date, date_trunc('month', as_of_date)::date as month from {{ source('raw', 'paceline__run') }}),

used as (

    select scope, scope_id, sum(tokens)::double as tokens, sum(usd)::double as usd
    from {{ ref('scope_daily') }}
    where month = (select month from run)
    group by scope, scope_id

),

misses as (

    select
        scope,
        scope_id,
        measure,
        list((actual_rest - forecast_rest) / sqrt(forecast_rest) order by weeks_back) as past_misses
    from {{ ref('forecast_origins') }}
    where weeks_back > 0 and actual_rest is not null and forecast_rest > 0
    group by scope, scope_id, measure

),

forecast as (

    select
        origins.scope,
        origins.scope_id,
        origins.measure,
        origins.history_days,
        coalesce(case origins.measure when 'tokens' then used.tokens else used.usd end, 0) as used,
        origins.forecast_rest as rest,
        case when len(misses.past_misses) >= {{ fewest_misses }} then misses.past_misses end as past_misses,
        -- Where the own past is too short: how four teams and their members came out, whatever the day of the month.
        case when origins.scope = 'developer' then 0 else 0.5 end as young_low_ratio,
        case when origins.scope = 'developer' then 4.9 else 2.4 end as young_high_ratio
    from {{ ref('forecast_origins') }} as origins
    left join misses using (scope, scope_id, measure)
    left join used using (scope, scope_id)
    where origins.weeks_back = 0

),

ranged as (

    select
        *,
        list_aggregate(past_misses, 'quantile_cont', [0.07, 0.095, 0.905, 0.93]) as tails,
        rest + sqrt(rest) * tails[case when scope = 'developer' then 1 else 2 end] as low,
        rest + sqrt(rest) * tails[case when scope = 'developer' then 4 else 3 end] as high
    from forecast

)

select
    run.month,
    run.as_of_date,
    scope,
    scope_id,
    measure,
    history_days,
    used,
    rest as forecast_rest,
    round(used + least(rest, greatest(0, coalesce(low, rest * young_low_ratio))), 6) as projected_p10,
    round(used + rest, 6) as projected_p50,
    round(used + greatest(rest, coalesce(high, rest * young_high_ratio)), 6) as projected_p90,
    coalesce(len(past_misses), 0) as misses,
    past_misses
from ranged
cross join run
