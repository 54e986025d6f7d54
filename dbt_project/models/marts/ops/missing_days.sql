-- Working days of the last five weeks without any record of a feed that has some on most of them.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

recorded as (

    select feed, usage_date
    from (select unnest(string_split(observers, ', ')) as feed, usage_date from {{ ref('int_usage_daily') }})

    union distinct

    select feed, utc_date as usage_date
    from {{ ref('int_billed_lines') }}

),

spans as (

    select
        recorded.feed,
        greatest(min(recorded.usage_date), any_value(run.as_of_date) - 34) as first_date,
        max(recorded.usage_date) as last_date
    from recorded
    inner join run on recorded.usage_date <= run.as_of_date
    group by recorded.feed

),

days as (

    select
        spans.feed,
        calendar.calendar_date,
        recorded.usage_date is null as is_missing,
        avg(is_missing::integer) over (partition by spans.feed) as missing_ratio
    from spans
    inner join {{ ref('dim_calendar') }} as calendar
        on calendar.calendar_date between spans.first_date and spans.last_date
        and calendar.is_working_day
    left join recorded on spans.feed = recorded.feed and calendar.calendar_date = recorded.usage_date

)

select feed, calendar_date as missing_date
from days
where is_missing and missing_ratio <= 0.5
