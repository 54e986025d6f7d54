-- The forecast, judged on months that are over against what the run rate would have said.

with

judged as (

    select
        *,
        day(forecast_date) as day_of_month,
        actual between projected_p10 - 0.000001 and projected_p90 + 0.000001 as is_inside,
        cap > 0 and probability_over >= {{ assumption('breach_call_probability') }} as is_called,
        cap > 0 and actual >= cap as is_over
    from {{ ref('month_end_forecast') }}
    where
        is_judged
        and scope_id not in (select developer_id from {{ ref('dim_developers') }} where role = 'service')

),

month_to_date as (

    select
        scope, scope_id, month, usage_date,
        sum(tokens) over (partition by scope, scope_id, month order by usage_date) as used
    from {{ ref('scope_daily') }}

),

crossed as (

    select judged.scope, judged.scope_id, judged.forecast_date, min(month_to_date.usage_date) as crossed_on
    from judged
    inner join month_to_date using (scope, scope_id, month)
    where judged.is_called and judged.is_over and month_to_date.used >= judged.cap
    group by judged.scope, judged.scope_id, judged.forecast_date

)

select
    scope,
    day_of_month,
    count(*) as forecasts,
    min(month) as first_month,
    max(month) as last_month,
    round(sum(abs(projected_p50 - actual)) / nullif(sum(actual), 0), 6) as wape_ratio,
    round(sum(abs(run_rate - actual)) / nullif(sum(actual), 0), 6) as run_rate_wape_ratio,
    round(1 - wape_ratio / nullif(run_rate_wape_ratio, 0), 6) as skill_ratio,
    round(avg(is_inside::integer), 6) as inside_range_ratio,
    round(sum(projected_p90 - projected_p10) / nullif(sum(actual), 0), 6) as range_width_ratio,
    {{ assumption('breach_call_probability') }} as breach_call_probability,
    count(*) filter (where is_over) as months_over,
    count(*) filter (where is_called) as calls,
    count(*) filter (where is_called and is_over) as right_calls,
    round(right_calls / nullif(calls, 0), 6) as precision_ratio,
    round(right_calls / nullif(months_over, 0), 6) as recall_ratio,
    round(avg(pow(probability_over - is_over::integer, 2)) filter (where cap > 0), 6) as brier_score,
    median(crossed_on - forecast_date) filter (where crossed_on > forecast_date) as median_lead_days
from judged
left join crossed using (scope, scope_id, forecast_date)
group by scope, day_of_month
