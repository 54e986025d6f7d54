-- Working days of the last five weeks without any record of a feed of logs that has some on most of them. By the day in
-- UTC, as logs lie: of a file that is missing, the company's day may still have an hour in the file before it.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

recorded as (

    select distinct unnest(string_split(observers, ', ')) as feed, utc_date
    from {{ ref('int_usage_daily') }}

),

spans as (

    select
        recorded.feed,
        greatest(min(recorded.utc_date), any_value(run.as_of_date) - 34) as first_date,
        max(recorded.utc_date) as last_date
    from recorded
    inner join run on recorded.utc_date <= run.as_of_date
    group by recorded.feed

),

days as (

    select
        spans.feed,
        calendar.calendar_date,
        recorded.utc_date is null as is_missing,
        avg(is_missing::integer) over (partition by spans.feed) as missing_ratio
    from spans
    inner join {{ ref('dim_calendar') }} as calendar
        on calendar.calendar_date between spans.first_date and spans.last_date
        and calendar.is_working_day
    left join recorded on spans.feed = recorded.feed and calendar.calendar_date = recorded.utc_date

)

select feed, calendar_date as missing_date
from days
where is_missing and missing_ratio <= 0.5
