-- Feeds whose data cannot be trusted to be whole: the last load failed, days are missing, a working day is without
-- records although such weekdays have some, or too many lines are refused. The first that applies.

with

run as (

    select as_of_date, {{ assumption('quarantine_warn_ratio') }}::double as limit_ratio
    from {{ source('raw', 'paceline__run') }}

),

-- Who is no longer asked while others are was taken out of the settings. What a provider does not offer is not missing.
feeds as (

    select freshness.*, run.as_of_date, run.limit_ratio
    from {{ ref('source_freshness') }} as freshness
    cross join run
    where freshness.restated_days is not null and freshness.last_status != 'not_offered'
    qualify freshness.last_tried_at >= max(freshness.last_tried_at) over () - interval 3 days

),

recorded as (

    select
        feed,
        usage_date,
        sum(requests + failed_requests + cache_hit_requests) as records,
        max(usage_date) over (partition by feed) as last_record_date
    from (select *, unnest(string_split(observers, ', ')) as feed from {{ ref('int_usage_daily') }})
    inner join run on usage_date <= run.as_of_date
    group by feed, usage_date

),

working as (

    select max(calendar.calendar_date) as last_working_date
    from {{ ref('dim_calendar') }} as calendar
    inner join run on calendar.calendar_date <= run.as_of_date
    where calendar.is_working_day

),

-- Of the four weeks through the last record, those with records on the weekday of the last working day.
heard as (

    select
        recorded.feed,
        recorded.last_record_date,
        working.last_working_date,
        count(*) filter (
            where recorded.usage_date > recorded.last_record_date - 28
            and isodow(recorded.usage_date) = isodow(working.last_working_date)
        ) as weeks_with_records
    from recorded
    cross join working
    group by all

),

-- The first day that was ever asked for, and what had been refused a week ago.
past_loads as (

    select
        loads.feed,
        min(loads.through_date) as first_tried_date,
        max(loads.through_date) filter (where loads.status = 'loaded' and loads.through_date <= run.as_of_date - 7)
            as week_before_date,
        max_by(loads.quarantined, loads.started_at) filter (
            where loads.status = 'loaded' and loads.through_date <= run.as_of_date - 7
        ) as quarantined_before
    from {{ ref('loads') }} as loads
    cross join run
    group by loads.feed

),

refused as (

    select
        feeds.feed,
        greatest(0, any_value(feeds.quarantined) - coalesce(any_value(past_loads.quarantined_before), 0))
            as new_quarantined,
        coalesce(
            sum(recorded.records) filter (
                where recorded.usage_date > past_loads.week_before_date or past_loads.week_before_date is null
            ), 0
        ) as new_records,
        round(new_quarantined::double / nullif(new_quarantined + new_records, 0), 6) as quarantined_ratio
    from feeds
    inner join past_loads using (feed)
    left join recorded using (feed)
    group by feeds.feed

),

states as (

    select
        feeds.*,
        heard.last_record_date,
        past_loads.first_tried_date,
        refused.new_quarantined,
        refused.quarantined_ratio,
        case
            when feeds.last_status = 'failed' then 'failed'
            when feeds.data_age_days >= {{ assumption('source_late_days') }} then 'late'
            when
                not feeds.is_report
                and heard.last_record_date < heard.last_working_date
                and feeds.loaded_through_date >= heard.last_working_date
                and heard.weeks_with_records >= {{ assumption('silent_least_weeks') }}
                then 'silent'
            when refused.quarantined_ratio >= feeds.limit_ratio * {{ assumption('warn_clear_ratio') }} then 'bad_lines'
        end as state
    from feeds
    inner join past_loads using (feed)
    left join refused using (feed)
    left join heard using (feed)

),

findings as (

    select
        'source_health' as kind,
        0 as level,
        case state when 'bad_lines' then 'digest' else 'immediate' end as urgency,
        state != 'bad_lines' or quarantined_ratio > limit_ratio as is_firing,
        'pipeline' as scope,
        feed as scope_id,
        null::varchar as team_id,
        date_trunc('month', as_of_date)::date as month,
        as_of_date,
        state,
        case state
            when 'silent' then last_record_date + 1
            when 'bad_lines' then month
            else coalesce(loaded_through_date + 1, first_tried_date)
        end as since_date,
        strftime(since_date, '%Y-%m-%d') as period,
        is_report,
        data_age_days,
        last_status,
        last_error,
        last_tried_at,
        last_loaded_at,
        loaded_through_date,
        last_record_at,
        quarantined,
        new_quarantined,
        quarantined_ratio,
        limit_ratio,
        format(
            'select * from ops.{} where feed = ''{}'' order by {} desc',
            case state when 'bad_lines' then 'quarantine' else 'loads' end,
            replace(feed, '''', ''''''),
            case state when 'bad_lines' then 'file' else 'started_at' end
        ) as query
    from states
    where state is not null

)

{{ addressed('findings') }}
