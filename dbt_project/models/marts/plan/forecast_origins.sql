-- What would have been forecast of the next days at the end of the as-of day and of each day whole weeks before it, and
-- what came: the past misses give the range of today's forecast.
-- 1. A day counts at most twice the root mean square of its last 56 days, so that one burst does not lift every day
--    to come.  2. Level: the mean of two exponential averages, with spans of 14 and 63 days.  3. Weekday profile: the
--    last 84 days, with one average day added to each weekday, so that a new scope starts flat.

{% set clip = 2 %}
{% set clip_days = 56 %}
{% set spans = [14, 63] %}
{% set profile_weeks = 12 %}
{% set most_weeks_back = 78 %}
{% set warm_up_days = 28 %}

with

run as (

    select as_of_date, last_day(as_of_date) - as_of_date as days_left
    from {{ source('raw', 'paceline__run') }}

),

used as (

    select
        scope, scope_id, usage_date, unnest(['tokens', 'usd']) as measure, unnest([tokens::double, usd::double]) as used
    from {{ ref('scope_daily') }}

),

firsts as (

    select scope, scope_id, measure, min(usage_date) as first_date
    from used
    where used > 0
    group by scope, scope_id, measure

),

-- From its first day on, a scope has every day: one without use is a measured zero.
daily as (

    select
        firsts.scope,
        firsts.scope_id,
        firsts.measure,
        calendar.calendar_date as usage_date,
        calendar.weekday,
        calendar.calendar_date - firsts.first_date as day_number,
        (run.as_of_date - calendar.calendar_date) // 7 as weeks_back,
        (run.as_of_date - calendar.calendar_date) % 7 = 0 as is_origin,
        coalesce(used.used, 0) as used
    from firsts
    cross join run
    inner join {{ ref('dim_calendar') }} as calendar
        on calendar.calendar_date between firsts.first_date and run.as_of_date
        and calendar.calendar_date > run.as_of_date - 7 * {{ most_weeks_back + 2 * profile_weeks }}
    left join used
        on firsts.scope = used.scope
        and firsts.scope_id = used.scope_id
        and firsts.measure = used.measure
        and calendar.calendar_date = used.usage_date

),

clipped as (

    select
        *,
        least(used, {{ clip }} * sqrt(avg(used * used) over last_days)) as clipped,
        sum(used) over so_far as used_so_far
    from daily
    window
        so_far as (partition by scope, scope_id, measure order by usage_date),
        last_days as (
            partition by scope, scope_id, measure
            order by usage_date rows between {{ clip_days - 1 }} preceding and current row
        )

),

levelled as (

    select
        *,
        (
            {% for span in spans -%}
            {%- set decay = 1 - 2 / (span + 1) -%}
            sum(clipped * pow({{ decay }}, -day_number)) over so_far / sum(pow({{ decay }}, -day_number)) over so_far
            {%- if not loop.last %} + {% endif -%}
            {%- endfor %}
        ) / {{ spans | length }} as level,
        lead(used_so_far, (select days_left from run)::integer) over so_far as used_by_then
    from clipped
    window so_far as (partition by scope, scope_id, measure order by usage_date)

),

weekdays as (

    select
        scope,
        scope_id,
        measure,
        weeks_back,
        weekday,
        sum(clipped) over last_weeks as weekday_used,
        count(*) over last_weeks as weekdays
    from levelled
    where weeks_back <= {{ most_weeks_back + profile_weeks }}
    window last_weeks as (
        partition by scope, scope_id, measure, weekday
        order by weeks_back
        rows between current row and {{ profile_weeks - 1 }} following
    )

),

profiles as (

    select
        scope,
        scope_id,
        measure,
        weeks_back,
        sum(weekday_used) / sum(weekdays) as mean_day,
        list((weekday_used + mean_of_week) / (weekdays + 1) order by weekday) as weekday_means,
        list(weekday order by weekday) as seen_weekdays
    from (
        select
            *,
            sum(weekday_used) over (partition by scope, scope_id, measure, weeks_back)
            / sum(weekdays) over (partition by scope, scope_id, measure, weeks_back) as mean_of_week
        from weekdays
    ) as with_mean
    where weeks_back <= {{ most_weeks_back }}
    group by scope, scope_id, measure, weeks_back

),

-- A weekday not seen yet is like the mean day.
whole_profiles as (

    select
        scope,
        scope_id,
        measure,
        weeks_back,
        list_transform(
            range(1, 8), lambda weekday: coalesce(weekday_means[list_position(seen_weekdays, weekday)], mean_day)
        ) as weekday_means
    from profiles

),

origins as (

    select
        levelled.scope,
        levelled.scope_id,
        levelled.measure,
        levelled.weeks_back,
        levelled.usage_date as origin_date,
        levelled.day_number + 1 as history_days,
        levelled.level,
        list_transform(
            whole_profiles.weekday_means,
            lambda mean_of_day:
                case when list_sum(weekday_means) > 0 then mean_of_day * 7 / list_sum(weekday_means) else 1 end
        ) as weekday_profile,
        case
            when levelled.weeks_back * 7 >= run.days_left
                then case when run.days_left = 0 then 0 else levelled.used_by_then - levelled.used_so_far end
        end as actual_rest
    from levelled
    cross join run
    inner join whole_profiles using (scope, scope_id, measure, weeks_back)
    where
        levelled.is_origin
        and (levelled.weeks_back = 0 or levelled.day_number + 1 >= {{ warm_up_days }})

)

select
    origins.scope,
    origins.scope_id,
    origins.measure,
    origins.weeks_back,
    origins.origin_date,
    origins.history_days,
    round(origins.level, 6) as level,
    origins.weekday_profile,
    -- The days left are whole weeks, of 7 mean days each, and the weekdays that follow the origin's.
    round(
        origins.level * (
        run.days_left // 7 * 7
        + coalesce(
            list_sum(
                list_transform(
                    range(1, run.days_left % 7 + 1),
                    lambda ahead: weekday_profile[(isodow(run.as_of_date) + ahead - 1) % 7 + 1]
                )
            ),
            0
        )
    ), 6) as forecast_rest,
    origins.actual_rest
from origins
cross join run
