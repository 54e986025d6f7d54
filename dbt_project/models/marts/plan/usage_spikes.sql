-- A day is a spike when it is far above the median of the same weekday in the eight weeks before: relatively,
-- absolutely, and against how far such days usually lie from their median (1.4826 makes a standard deviation of that);
-- and larger than any day of those weeks, for some people work in bursts.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

firsts as (

    select scope, scope_id, min(usage_date) as first_date
    from {{ ref('scope_daily') }}
    where tokens > 0
    group by scope, scope_id

),

-- From its first day on, a scope has every day: one without use is a measured zero.
daily as (

    select
        firsts.scope,
        firsts.scope_id,
        calendar.calendar_date as usage_date,
        calendar.weekday,
        coalesce(scope_daily.tokens, 0)::bigint as tokens
    from firsts
    cross join run
    inner join {{ ref('dim_calendar') }} as calendar
        on calendar.calendar_date between firsts.first_date and run.as_of_date
    left join {{ ref('scope_daily') }} as scope_daily
        on firsts.scope = scope_daily.scope
        and firsts.scope_id = scope_daily.scope_id
        and calendar.calendar_date = scope_daily.usage_date

),

compared as (

    select
        *,
        count(*) over weeks_before as weeks,
        median(tokens) over weeks_before as usual_tokens,
        mad(tokens) over weeks_before as deviation_tokens,
        max(tokens) over (
            partition by scope, scope_id order by usage_date rows between 56 preceding and 1 preceding
        ) as largest_before_tokens
    from daily
    window weeks_before as (
        partition by scope, scope_id, weekday order by usage_date rows between 8 preceding and 1 preceding
    )

),

spikes as (

    select
        *,
        tokens - usual_tokens as above_tokens,
        tokens / nullif(usual_tokens, 0) as times_usual_ratio
    from compared
    where
        weeks >= 4
        and tokens > largest_before_tokens
        and tokens >= usual_tokens * {{ assumption('spike_min_ratio') }}
        and tokens - usual_tokens >= {{ assumption('spike_min_tokens') }}
        and tokens - usual_tokens >= 1.4826 * deviation_tokens * {{ assumption('spike_min_deviations') }}

),

usage_by_scope as (

    select 'developer' as scope, developer_id as scope_id, *
    from {{ ref('fct_usage_daily') }}
    where usage_date in (select usage_date from spikes)

    union all

    select 'team' as scope, team_id as scope_id, *
    from {{ ref('fct_usage_daily') }}
    where usage_date in (select usage_date from spikes)

    union all

    select 'org' as scope, 'org' as scope_id, *
    from {{ ref('fct_usage_daily') }}
    where usage_date in (select usage_date from spikes)

),

parts as (

    select scope, scope_id, usage_date, part.what, part.name, sum(total_tokens) as tokens
    from usage_by_scope
    cross join lateral (
        values ('developer', developer_id), ('model', model), ('task_type', task_type), ('task', task_id)
    ) as part (what, name)
    where part.name is not null
    group by scope, scope_id, usage_date, part.what, part.name

),

drivers as (

    select
        scope,
        scope_id,
        usage_date,
        max_by(name, (tokens, name)) filter (where what = 'developer') as top_developer_id,
        max_by(name, (tokens, name)) filter (where what = 'model') as top_model,
        max_by(name, (tokens, name)) filter (where what = 'task_type') as top_task_type,
        max_by(name, (tokens, name)) filter (where what = 'task') as top_task_id
    from parts
    group by scope, scope_id, usage_date

)

select
    spikes.usage_date,
    spikes.scope,
    spikes.scope_id,
    spikes.tokens,
    spikes.usual_tokens,
    spikes.largest_before_tokens,
    spikes.above_tokens,
    spikes.times_usual_ratio,
    spikes.weeks,
    drivers.top_developer_id,
    drivers.top_model,
    drivers.top_task_type,
    drivers.top_task_id
from spikes
left join drivers using (scope, scope_id, usage_date)
