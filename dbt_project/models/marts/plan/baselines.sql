-- The measured use of a month with so many working days: what was used per working day, times those of the month.
-- Measured are the days before the month; a scope too young for that is measured in the month itself, up to the as-of
-- date.

with

run as (select as_of_date, plan_month from {{ source('raw', 'paceline__run') }}),

scope_daily as (select * from {{ ref('scope_daily') }}),

firsts as (

    select scope, scope_id, min(usage_date) as first_date
    from scope_daily
    where tokens > 0
    group by scope, scope_id

),

-- The as-of month also before anybody used anything in it, and the month that is planned.
months as (

    select distinct month from scope_daily

    union

    select date_trunc('month', as_of_date)::date from run

    union

    select plan_month from run

),

untils as (

    select
        firsts.scope,
        firsts.scope_id,
        firsts.first_date,
        months.month,
        least(
            run.as_of_date,
            case
                when months.month - firsts.first_date >= {{ assumption('baseline_min_days') }} then months.month - 1
                else last_day(months.month)
            end
        ) as until_date
    from firsts
    cross join months
    cross join run
    where months.month >= date_trunc('month', firsts.first_date)

),

windows as (

    select
        *,
        greatest(first_date, until_date - {{ assumption('baseline_window_days') }}::integer + 1) as from_date
    from untils

),

calendar as (

    select
        calendar_date,
        month,
        is_working_day::integer as is_working_day,
        sum(is_working_day::integer) over (order by calendar_date) as working_days_so_far,
        sum(is_working_day::integer) over (partition by month) as working_days
    from {{ ref('dim_calendar') }}

),

measured as (

    select
        windows.scope,
        windows.scope_id,
        windows.month,
        windows.from_date,
        windows.until_date,
        windows.until_date - windows.from_date + 1 as baseline_days,
        coalesce(sum(scope_daily.tokens), 0) as measured_tokens,
        coalesce(sum(scope_daily.usd), 0) as measured_usd
    from windows
    left join scope_daily
        on windows.scope = scope_daily.scope
        and windows.scope_id = scope_daily.scope_id
        and scope_daily.usage_date between windows.from_date and windows.until_date
    where baseline_days >= {{ assumption('baseline_min_days') }}
    group by windows.scope, windows.scope_id, windows.month, windows.from_date, windows.until_date

)

select
    measured.scope,
    measured.scope_id,
    measured.month,
    measured.from_date as measured_from_date,
    measured.until_date as measured_until_date,
    measured.baseline_days,
    (untils.working_days_so_far - froms.working_days_so_far + froms.is_working_day)::integer as measured_working_days,
    months.working_days::integer as working_days,
    measured.measured_tokens,
    measured.measured_usd,
    measured.measured_tokens / nullif(measured_working_days, 0) * months.working_days as baseline_tokens,
    measured.measured_usd / nullif(measured_working_days, 0) * months.working_days as baseline_usd
from measured
inner join calendar as untils on measured.until_date = untils.calendar_date
inner join calendar as froms on measured.from_date = froms.calendar_date
inner join calendar as months on measured.month = months.calendar_date
