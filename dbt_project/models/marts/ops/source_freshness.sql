with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

loads as (

    select
        feed,
        max(finished_at) as last_tried_at,
        max(finished_at) filter (where status = 'loaded') as last_loaded_at,
        max(through_date) filter (where status = 'loaded') as loaded_through_date,
        max_by(status, started_at) as last_status,
        max_by(error, started_at) filter (where status = 'failed') as last_error,
        max_by(quarantined, started_at) as quarantined,
        max_by(records, started_at) filter (where status = 'loaded') as last_load_records,
        max_by(watermark_at, started_at) as watermark_at
    from {{ source('raw', 'paceline__loads') }}
    group by feed

),

records as (

    select feed, max(last_used_at) as last_record_at
    from (
        select unnest(string_split(observers, ', ')) as feed, last_used_at
        from {{ ref('int_usage_daily') }}
        where usage_date <= (select as_of_date from run)
    )
    group by feed

    union all

    select feed, cast(max(utc_date) as timestamp) as last_record_at
    from {{ ref('int_billed_lines') }}
    group by feed

)

select
    loads.feed,
    feeds.restated_days,
    feeds.is_report,
    loads.last_tried_at,
    loads.last_loaded_at,
    loads.loaded_through_date,
    records.last_record_at,
    loads.watermark_at,
    loads.last_load_records,
    -- What was never loaded has no age; greatest() alone would call it up to date.
    case
        when loads.loaded_through_date is not null then greatest(0, run.as_of_date - loads.loaded_through_date)
    end as data_age_days,
    loads.last_status,
    case when loads.last_status = 'failed' then loads.last_error end as last_error,
    loads.quarantined
from loads
cross join run
left join {{ source('raw', 'paceline__feeds') }} as feeds using (feed)
left join records using (feed)
