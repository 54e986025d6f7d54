-- From the first measured day, seen by the gateway or billed past it, to the end of the month after next.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

firsts as (

    select min(usage_date) as first_date
    from (
        select usage_date from {{ ref('fct_usage_daily') }}
        union all
        select usage_date from {{ ref('unobserved_daily') }}
    ) as days

),

days as (

    select unnest(
        generate_series(
            date_trunc('month', least(coalesce(firsts.first_date, run.as_of_date), run.as_of_date)),
            last_day(run.as_of_date + interval 2 months),
            interval 1 day
        )
    )::date as calendar_date
    from run
    cross join firsts

)

select
    days.calendar_date,
    date_trunc('month', days.calendar_date)::date as month,
    isodow(days.calendar_date) as weekday,
    isodow(days.calendar_date) <= 5 and holidays.holiday_date is null as is_working_day,
    holidays.name as holiday
from days
left join {{ source('raw', 'org__holidays') }} as holidays on days.calendar_date = holidays.holiday_date
