-- A month that is not over, or was not measured from its first day, is compared with nothing.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

scope_daily as (select * from {{ ref('scope_daily') }}),

measured_since as (select min(usage_date) as first_date from scope_daily),

monthly as (

    select
        scope_daily.month,
        scope_daily.scope,
        scope_daily.scope_id,
        sum(scope_daily.tokens) as total_tokens,
        sum(scope_daily.usd) as cost_usd,
        count(distinct scope_daily.usage_date) filter (where scope_daily.tokens > 0) as active_days,
        last_day(scope_daily.month) <= any_value(run.as_of_date)
        and scope_daily.month >= any_value(measured_since.first_date) as is_complete
    from scope_daily
    cross join run
    cross join measured_since
    group by scope_daily.month, scope_daily.scope, scope_daily.scope_id

),

compared as (

    select
        this_month.*,
        case
            when this_month.is_complete and last_month.is_complete
                then this_month.total_tokens::double / nullif(last_month.total_tokens, 0) - 1
        end as month_over_month_ratio
    from monthly as this_month
    left join monthly as last_month
        on this_month.scope = last_month.scope
        and this_month.scope_id = last_month.scope_id
        and this_month.month = last_month.month + interval 1 month

)

select
    month,
    scope,
    scope_id,
    total_tokens,
    cost_usd,
    active_days,
    is_complete,
    month_over_month_ratio,
    cast(null as double) as fitted_monthly_growth_ratio,
    cast(null as double) as fitted_monthly_growth_ratio_p10,
    cast(null as double) as fitted_monthly_growth_ratio_p90,
    case
        when month_over_month_ratio < {{ assumption('growth_band_low') }} then 'below'
        when month_over_month_ratio > {{ assumption('growth_band_high') }} then 'above'
        when month_over_month_ratio is not null then 'inside'
    end as band
from compared
