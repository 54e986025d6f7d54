-- What was known at the end of a day, and what it made of the days to come. Known on the as-of date, on every sixth day
-- before it (whose forecasts can be held against what came), and on the days of past months that the forecast is
-- judged by.
-- 1. A day counts at most twice the root mean square of its last 56 days, so that one burst does not lift every day
--    to come.  2. Weekday profile: the last twelve of each weekday, with one average day added, so that a new scope
--    starts flat.  3. Level: the mean of two exponential averages, with spans of 14 and 63 days, of use over profile.

{% set spans = [14, 63] %}
{% set horizons = var('forecast_horizons') %}

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

used as (

    select scope, scope_id, usage_date, team_id, 'tokens' as measure, tokens::double as used
    from {{ ref('scope_daily') }}

    union all

    select scope, scope_id, usage_date, team_id, 'usd' as measure, usd::double as used
    from {{ ref('scope_daily') }}

),

series as (

    select scope, scope_id, measure, min(usage_date) as first_date
    from used
    cross join run
    where used > 0 and usage_date > as_of_date - 1827
    group by scope, scope_id, measure

),

-- From its first day on, a scope has every day: one without use is a measured zero.
daily as (

    select
        every_day.scope,
        every_day.scope_id,
        every_day.measure,
        every_day.usage_date,
        every_day.day_number,
        used.team_id,
        coalesce(used.used, 0) as used
    from (
        select
            scope,
            scope_id,
            measure,
            unnest(range(as_of_date - first_date + 1)) as day_number,
            (first_date + day_number::integer) as usage_date
        from series
        cross join run
    ) as every_day
    left join used using (scope, scope_id, measure, usage_date)

),

clipped as (

    select
        *,
        least(used, 2 * sqrt(avg(used * used) over last_56_days)) as clipped,
        count(*) filter (where used > 0) over last_56_days as active_days_of_56,
        avg(used) over last_56_days as mean_of_56,
        sum(used) over (partition by scope, scope_id, measure order by day_number) as used_so_far
    from daily
    window last_56_days as (
        partition by scope, scope_id, measure order by day_number rows between 55 preceding and current row
    )

),

levelled as (

    select
        *,
        avg(clipped) over (
            partition by scope, scope_id, measure order by day_number rows between 83 preceding and current row
        ) as mean_day,
        (
            mean_day
            {%- for weeks in range(12) %}
            + lag(clipped, {{ weeks * 7 }}, 0) over so_far
            {%- endfor %}
        ) / (least(12, day_number // 7 + 1) + 1) as weekday_mean,
        coalesce(weekday_mean / nullif(mean_day, 0), 1) as weekday_ratio,
        [
            {% for days in horizons -%}
            lead(used_so_far, {{ days }}) over so_far - used_so_far{{ ", " if not loop.last }}
            {%- endfor %}
        ] as actual_rests
    from clipped
    window so_far as (partition by scope, scope_id, measure order by day_number)

),

-- The next seven days have the weekdays of the last seven, in the same order.
weeks as (

    select
        * exclude (team_id),
        last_value(team_id ignore nulls) over so_far as team_id,
        -- Of the days that the average remembers, as many weekends as it remembers.
        (
            {% for span in spans -%}
            {%- set decay = 1 - 2 / (span + 1) -%}
            sum(clipped * pow({{ decay }}, -day_number)) over so_far
            / sum(weekday_ratio * pow({{ decay }}, -day_number)) over so_far
            {%- if not loop.last %} + {% endif -%}
            {%- endfor %}
        ) / {{ spans | length }} as level,
        used_so_far - lag(used_so_far, day(usage_date), 0) over so_far as used_in_month,
        [
            {% for days in range(6, -1, -1) -%}
            coalesce(lag(weekday_mean, {{ days }}) over so_far, mean_day){{ ", " if not loop.last }}
            {%- endfor %}
        ] as next_week
    from levelled
    window so_far as (partition by scope, scope_id, measure order by day_number)

)

select
    weeks.scope,
    weeks.scope_id,
    weeks.measure,
    weeks.usage_date as origin_date,
    (run.as_of_date - weeks.usage_date) % {{ var('forecast_step_days') }} = 0 as is_step,
    (weeks.day_number + 1)::integer as history_days,
    weeks.team_id,
    round(weeks.used_in_month, 6) as used_in_month,
    weeks.active_days_of_56,
    round(weeks.mean_of_56, 6) as mean_of_56,
    round(weeks.level, 6) as level,
    list_transform(
        weeks.next_week,
        lambda mean_of_day: case
            when list_sum(weeks.next_week) > 0 then round(mean_of_day * 7 / list_sum(weeks.next_week), 6) else 1
        end
    ) as next_week,
    weeks.actual_rests
from weeks
cross join run
where
    is_step
    or (measure = 'tokens' and day(weeks.usage_date) in ({{ var('forecast_judged_days') | join(', ') }}))
