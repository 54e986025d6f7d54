-- Day by day to the month's end: what was used, then the level on each weekday's profile.

with

run as (select as_of_date, date_trunc('month', as_of_date)::date as month from {{ source('raw', 'paceline__run') }}),

days as (

    select calendar_date as usage_date, weekday
    from {{ ref('dim_calendar') }}
    where month = (select month from run)

),

expected as (

    select
        origins.scope,
        origins.scope_id,
        days.usage_date,
        days.usage_date <= run.as_of_date as is_past,
        max(origins.level * origins.weekday_profile[days.weekday]) filter (where measure = 'tokens') as expected_tokens,
        max(origins.level * origins.weekday_profile[days.weekday]) filter (where measure = 'usd') as expected_usd
    from {{ ref('forecast_origins') }} as origins
    cross join run
    cross join days
    where origins.weeks_back = 0
    group by origins.scope, origins.scope_id, days.usage_date, run.as_of_date

),

daily as (

    select
        expected.scope,
        expected.scope_id,
        expected.usage_date,
        expected.is_past,
        case when expected.is_past then coalesce(scope_daily.tokens, 0) else coalesce(expected_tokens, 0) end as tokens,
        case when expected.is_past then coalesce(scope_daily.usd, 0) else coalesce(expected_usd, 0) end as usd
    from expected
    left join {{ ref('scope_daily') }} as scope_daily using (scope, scope_id, usage_date)

)

select
    scope,
    scope_id,
    usage_date,
    is_past,
    -- Rounded, for a forecast has no digits behind the token, and sums of floats differ from run to run.
    round(sum(tokens) over to_date)::bigint as projected_tokens,
    round(sum(usd) over to_date, 6)::decimal(18, 6) as projected_usd
from daily
window to_date as (partition by scope, scope_id order by usage_date)
