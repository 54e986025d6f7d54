-- A month that is not over, or in which a scope began later than in its first days, is compared with nothing. Fitted is
-- the growth per month of tokens per working day over up to six complete months: a straight line through their
-- logarithms, with the 80 % range of its slope by Student's t.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

scope_daily as (

    select scope, scope_id, usage_date, month, tokens, usd
    from {{ ref('scope_daily') }}

    union all

    select
        'model' as scope,
        provider || '/' || model as scope_id,
        usage_date,
        date_trunc('month', usage_date)::date as month,
        total_tokens as tokens,
        cost_usd as usd
    from {{ ref('model_daily') }}

),

measured_since as (select min(usage_date) as first_date from scope_daily),

firsts as (

    select scope, scope_id, min(usage_date) as first_date
    from scope_daily
    where tokens > 0
    group by scope, scope_id

),

months as (

    select month, count(*) filter (where is_working_day) as working_days
    from {{ ref('dim_calendar') }}
    group by month

),

monthly as (

    select
        scope_daily.month,
        scope_daily.scope,
        scope_daily.scope_id,
        sum(scope_daily.tokens) as total_tokens,
        sum(scope_daily.usd) as cost_usd,
        count(distinct scope_daily.usage_date) filter (where scope_daily.tokens > 0) as active_days,
        any_value(months.working_days) as working_days,
        last_day(scope_daily.month) <= any_value(run.as_of_date)
        and scope_daily.month >= any_value(measured_since.first_date)
        and coalesce(scope_daily.month + 4 >= any_value(firsts.first_date), false) as is_complete
    from scope_daily
    cross join run
    cross join measured_since
    inner join months using (month)
    left join firsts using (scope, scope_id)
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

),

points as (

    select
        scope,
        scope_id,
        month,
        datediff('month', date '1970-01-01', month) as x,
        ln(total_tokens / working_days) as y
    from monthly
    where is_complete and total_tokens > 0 and working_days > 0

),

lines as (

    select
        ends.scope,
        ends.scope_id,
        ends.month,
        count(*) as fitted_months,
        regr_slope(points.y, points.x) as slope,
        -- The standard error of the slope; the sum can fall below 0 by rounding.
        sqrt(
            greatest(0, regr_syy(points.y, points.x) - slope * regr_sxy(points.y, points.x))
            / nullif(fitted_months - 2, 0) / regr_sxx(points.y, points.x)
        ) as slope_error
    from points as ends
    inner join points
        on ends.scope = points.scope
        and ends.scope_id = points.scope_id
        and points.x between ends.x - 5 and ends.x
    group by ends.scope, ends.scope_id, ends.month

),

fitted as (

    select
        *,
        -- 90th percentile of Student's t with 1 to 4 degrees of freedom.
        slope_error * [3.078, 1.886, 1.638, 1.533][fitted_months - 2] as slope_margin
    from lines
    where fitted_months >= 2

)

select
    compared.month,
    compared.scope,
    compared.scope_id,
    compared.total_tokens,
    compared.cost_usd,
    compared.active_days,
    compared.working_days,
    compared.is_complete,
    compared.month_over_month_ratio,
    fitted.fitted_months,
    round(exp(fitted.slope) - 1, 6) as fitted_monthly_growth_ratio,
    round(exp(fitted.slope - fitted.slope_margin) - 1, 6) as fitted_monthly_growth_ratio_p10,
    round(exp(fitted.slope + fitted.slope_margin) - 1, 6) as fitted_monthly_growth_ratio_p90,
    case
        when month_over_month_ratio < {{ assumption('growth_band_low') }} then 'below'
        when month_over_month_ratio > {{ assumption('growth_band_high') }} then 'above'
        when month_over_month_ratio is not null then 'inside'
    end as band
from compared
left join fitted using (month, scope, scope_id)
