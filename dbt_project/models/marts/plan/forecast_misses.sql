-- How far forecasts of so many days ahead missed, newest first: of every sixth day whose days ahead are over. A miss is
-- measured in square roots of its forecast, as counts of rare things scatter: so small and large months of the past
-- can be compared.

with

ahead as (

    select
        *,
        unnest({{ var('forecast_horizons') }}) as horizon_days,
        unnest(actual_rests) as actual_rest
    from {{ ref('forecast_origins') }}
    where is_step and history_days >= 14

),

forecast as (

    -- Whole weeks of seven mean days, and the weekdays that follow.
    select
        *,
        round(
            level * (horizon_days // 7 * 7 + coalesce(list_sum(next_week[1:(horizon_days % 7)]), 0)), 6
        ) as forecast_rest
    from ahead
    where actual_rest is not null

)

select
    scope,
    scope_id,
    measure,
    horizon_days,
    max(origin_date) as newest_origin_date,
    list(round((actual_rest - forecast_rest) / sqrt(forecast_rest), 6) order by origin_date desc) as misses,
    list(round(actual_rest / forecast_rest - 1, 6) order by origin_date desc) as miss_ratios
from forecast
where forecast_rest > 0
group by scope, scope_id, measure, horizon_days
