-- The measured use of a month of this length: mean per calendar day, times the days of the month. Measured are the
-- days before the month; a scope too young for that is measured in the month itself, up to the as-of date.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

scope_daily as (select * from {{ ref('scope_daily') }}),

firsts as (

    select scope, scope_id, min(usage_date) as first_date
    from scope_daily
    where tokens > 0
    group by scope, scope_id

),

-- The as-of month also before anybody used anything in it.
months as (

    select distinct month from scope_daily

    union

    select date_trunc('month', as_of_date)::date from run

),

untils as (

    select
        firsts.scope,
        firsts.scope_id,
        firsts.first_date,
        months.month,
        case
            when months.month - firsts.first_date >= {{ assumption('baseline_min_days') }} then months.month - 1
            else least(last_day(months.month), run.as_of_date)
        end as until_date
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

)

select
    windows.scope,
    windows.scope_id,
    windows.month,
    windows.until_date - windows.from_date + 1 as baseline_days,
    sum(scope_daily.tokens) / (windows.until_date - windows.from_date + 1) * day(last_day(windows.month))
        as baseline_tokens,
    sum(scope_daily.usd) / (windows.until_date - windows.from_date + 1) * day(last_day(windows.month)) as baseline_usd
from windows
left join scope_daily
    on windows.scope = scope_daily.scope
    and windows.scope_id = scope_daily.scope_id
    and scope_daily.usage_date between windows.from_date and windows.until_date
where windows.until_date - windows.from_date + 1 >= {{ assumption('baseline_min_days') }}
group by windows.scope, windows.scope_id, windows.month, windows.from_date, windows.until_date
