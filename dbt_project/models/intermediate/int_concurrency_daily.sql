-- A sweep over the calls of a UTC day among themselves: one more in flight where a call starts, one less where it ends.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ replace_built_days() }}"
) }}

with

run as (select timezone from {{ source('raw', 'paceline__run') }}),

-- Whatever lasted longer than a day is a clock that went wrong.
calls as (

    select utc_date, started_at, ended_at
    from {{ ref('int_usage_unioned') }}
    where
        usage_quality in ('reported', 'estimated')
        and ended_at > started_at
        and ended_at <= started_at + interval 1 day

),

-- No stretch reaches from one hour into the next; quarters, for some time zones are off by them.
quarters as (

    select
        utc_date,
        {{ quarter_hours('min(started_at)', 'max(ended_at)') }} as changed_at
    from calls
    group by utc_date

),

changes as (

    select utc_date, started_at as changed_at, 1 as change
    from calls

    union all

    select utc_date, ended_at as changed_at, -1 as change
    from calls

    union all

    select utc_date, changed_at, 0 as change
    from quarters

),

stretches as (

    select
        utc_date,
        changed_at,
        change,
        sum(change) over (
            partition by utc_date order by changed_at, change rows unbounded preceding
        )::integer as in_flight,
        lead(changed_at) over (partition by utc_date order by changed_at, change) as until_at
    from changes

)

select
    stretches.utc_date,
    {{ company_date('stretches.changed_at', 'run.timezone') }} as usage_date,
    {{ company_hour('stretches.changed_at', 'run.timezone') }}::integer as usage_hour,
    stretches.in_flight,
    count(*) filter (where stretches.change = 1) as requests,
    (
        sum(epoch_us(stretches.until_at) - epoch_us(stretches.changed_at))
        * cast(0.000001 as decimal(7, 6))
    )::decimal(18, 6) as seconds
from stretches
cross join run
where stretches.in_flight > 0
group by 1, 2, 3, 4

{{ or_kept_rows('concurrency_daily') }}
