-- Day by day to the month's end: what was used, then what is expected, each day by its weekday. The range of the
-- month's end opens with the square root of what is expected until a day, as misses grow with it.

with

run as (select as_of_date, date_trunc('month', as_of_date)::date as month from {{ source('raw', 'paceline__run') }}),

days as (

    select calendar_date as usage_date, calendar_date - run.as_of_date as days_ahead
    from {{ ref('dim_calendar') }}
    inner join run using (month)

),

daily as (

    select
        forecast.scope,
        forecast.scope_id,
        days.usage_date,
        days.days_ahead <= 0 as is_past,
        forecast.measure,
        forecast.used as used_so_far,
        forecast.forecast_rest,
        forecast.projected_p50 - forecast.projected_p10 as below,
        forecast.projected_p90 - forecast.projected_p50 as above,
        case
            when is_past
                then coalesce(
                    case forecast.measure when 'tokens' then scope_daily.tokens else scope_daily.usd end, 0
                )
            when days.days_ahead <= forecast.forecast_days
                then forecast.forecast_rest
                    * forecast.next_days[days.days_ahead] / nullif(list_sum(forecast.next_days), 0)
            else 0
        end as used
    from {{ ref('month_end_forecast') }} as forecast
    inner join run on forecast.forecast_date = run.as_of_date and forecast.scope_id != 'unattributed'
    cross join days
    left join {{ ref('scope_daily') }} as scope_daily
        on forecast.scope = scope_daily.scope
        and forecast.scope_id = scope_daily.scope_id
        and days.usage_date = scope_daily.usage_date

),

to_date as (

    select
        *,
        sum(used) over so_far as projected,
        case
            when is_past then 0
            else sqrt(greatest(0, sum(used) filter (where not is_past) over so_far) / nullif(forecast_rest, 0))
        end as width,
        case when is_past then projected else greatest(used_so_far, projected - below * coalesce(width, 0)) end
            as projected_p10,
        case when is_past then projected else projected + above * coalesce(width, 0) end as projected_p90
    from daily
    window so_far as (partition by scope, scope_id, measure order by usage_date)

)

select
    scope,
    scope_id,
    usage_date,
    is_past,
    -- Rounded, for a forecast has no digits behind the token.
    coalesce(round(max(projected) filter (where measure = 'tokens')), 0)::bigint as projected_tokens,
    coalesce(round(max(projected) filter (where measure = 'usd'), 6), 0)::decimal(18, 6) as projected_usd,
    coalesce(round(max(projected_p10) filter (where measure = 'tokens')), 0)::bigint as projected_p10_tokens,
    coalesce(round(max(projected_p90) filter (where measure = 'tokens')), 0)::bigint as projected_p90_tokens,
    coalesce(round(max(projected_p10) filter (where measure = 'usd'), 6), 0)::decimal(18, 6) as projected_p10_usd,
    coalesce(round(max(projected_p90) filter (where measure = 'usd'), 6), 0)::decimal(18, 6) as projected_p90_usd
from to_date
group by scope, scope_id, usage_date, is_past
