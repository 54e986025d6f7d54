-- Who and what uses the most, and when. Of tasks only the first are kept; ratios are of everything all the same.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

firsts as (select min(usage_date) as first_date from {{ ref('fct_usage_daily') }}),

measured as (

    {% for dimension, member in [
        ('developer', 'developer_id'), ('model', "provider || '/' || model"), ('task_type', 'task_type'),
        ('task', 'task_id'), ('weekday', 'dayname(usage_date)'),
    ] -%}
    select
        date_trunc('month', usage_date)::date as month,
        team_id,
        '{{ dimension }}' as dimension,
        {{ member }} as member,
        sum(requests) as requests,
        sum(total_tokens) as total_tokens,
        sum(cost_usd) as cost_usd
    from {{ ref('fct_usage_daily') }}
    group by 1, 2, 3, 4

    union all

    {% endfor -%}
    select
        date_trunc('month', hours.usage_date)::date as month,
        people.team_id,
        'hour' as dimension,
        format('{:02d}', hours.usage_hour) as member,
        sum(hours.requests) as requests,
        sum(hours.total_tokens) as total_tokens,
        null as cost_usd
    from {{ ref('int_usage_hourly') }} as hours
    inner join {{ ref('int_identities_resolved') }} as people using (identity_key, usage_date)
    cross join run
    where hours.usage_date <= run.as_of_date
    group by 1, 2, 3, 4

),

scoped as (

    select month, 'team' as scope, team_id as scope_id, dimension, member, requests, total_tokens, cost_usd
    from measured
    where team_id != 'unattributed'

    union all

    select
        month, 'org' as scope, 'org' as scope_id, dimension, member, sum(requests), sum(total_tokens), sum(cost_usd)
    from measured
    group by month, dimension, member

),

ranked as (

    select
        *,
        total_tokens / nullif(sum(total_tokens) over all_members, 0) as token_ratio,
        cost_usd / nullif(sum(cost_usd) over all_members, 0) as cost_ratio,
        row_number() over (
            partition by month, scope, scope_id, dimension order by member is null, total_tokens desc, member
        ) as rank_by_tokens,
        row_number() over (
            partition by month, scope, scope_id, dimension order by member is null, cost_usd desc, member
        ) as rank_by_cost
    from scoped
    window all_members as (partition by month, scope, scope_id, dimension)

),

calendar as (

    select month, dayname(calendar_date) as weekday, calendar_date
    from {{ ref('dim_calendar') }}
    cross join run
    cross join firsts
    where calendar_date between firsts.first_date and run.as_of_date

),

hours_of_day as (select unnest(range(24)) as usage_hour),

-- How often each weekday and each hour was measured.
days as (

    select month, 'weekday' as dimension, weekday as member, count(*) as days
    from calendar
    group by month, weekday

    union all

    select month, 'hour' as dimension, format('{:02d}', usage_hour) as member, count(*) as days
    from calendar
    cross join hours_of_day
    group by month, usage_hour

)

select
    ranked.month,
    ranked.scope,
    ranked.scope_id,
    ranked.dimension,
    ranked.member,
    ranked.requests,
    ranked.total_tokens,
    ranked.token_ratio,
    ranked.cost_usd,
    ranked.cost_ratio,
    case when ranked.member is not null then ranked.rank_by_tokens end as rank_by_tokens,
    case when ranked.member is not null and ranked.cost_usd is not null then ranked.rank_by_cost end as rank_by_cost,
    days.days,
    ranked.total_tokens / days.days as tokens_per_day
from ranked
left join days using (month, dimension, member)
where
    ranked.dimension != 'task'
    or ranked.member is null
    or least(ranked.rank_by_tokens, ranked.rank_by_cost) <= {{ assumption('patterns_top_tasks') }}
