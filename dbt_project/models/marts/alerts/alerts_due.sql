-- Only the as-of month, and the month before while its last days may still change: a first load of history tells
-- nobody about old months.

with

run as (

    select as_of_date, date_trunc('month', as_of_date)::date as as_of_month
    from {{ source('raw', 'paceline__run') }}

),

caps as (

    select cap_utilization.*
    from {{ ref('cap_utilization') }} as cap_utilization
    cross join run
    where
        cap_utilization.month = run.as_of_month
        or (
            cap_utilization.month = run.as_of_month - interval 1 month
            -- Of logs: a bill may be restated for a month, and a message that late helps nobody.
            and run.as_of_date < run.as_of_month + (
                select max(restated_days) from {{ ref('source_freshness') }} where not is_report
            )
        )

),

crossings as (

    select month, scope, scope_id, level, min(crossed_on) as reached_on
    from {{ ref('cap_crossings') }}
    group by month, scope, scope_id, level

),

freshness as (

    -- One feed that was never loaded makes the age unknown.
    select
        max(last_record_at) as data_through_at,
        case when count(*) = count(data_age_days) then max(data_age_days) end as data_age_days
    from {{ ref('source_freshness') }}
    where not is_report

),

usage_daily as (

    select usage_daily.*
    from {{ ref('fct_usage_daily') }} as usage_daily
    inner join run on usage_daily.usage_date >= run.as_of_month - interval 1 month

),

-- What used the most, in each of three ways of looking at it.
usage_by_scope as (

    select 'developer' as scope, developer_id as scope_id, * from usage_daily

    union all

    select 'team' as scope, team_id as scope_id, * from usage_daily

    union all

    select 'pool' as scope, team_id as scope_id, * from usage_daily

    union all

    select 'org' as scope, 'org' as scope_id, * from usage_daily

),

looked_at as (

    select
        usage_by_scope.scope,
        usage_by_scope.scope_id,
        date_trunc('month', usage_by_scope.usage_date)::date as month,
        parts.what,
        parts.name,
        sum(usage_by_scope.total_tokens) as tokens
    from usage_by_scope
    cross join lateral (
        values ('model', model), ('task_type', task_type), ('task', task_id)
    ) as parts (what, name)
    group by all

),

drivers as (

    select
        scope,
        scope_id,
        month,
        list(struct_pack(what := what, name := name, tokens := tokens, share_ratio := share_ratio)
            order by tokens desc, what) as drivers
    from (
        select
            *,
            tokens / nullif(sum(tokens) over (partition by scope, scope_id, month, what), 0) as share_ratio
        from looked_at
        qualify row_number() over (
            partition by scope, scope_id, month, what
            order by name is null, tokens desc, name
        ) = 1
    ) as largest
    where name is not null and tokens > 0
    group by scope, scope_id, month

),

pools as (

    select month, team_id, cap_tokens - used_tokens as pool_left_tokens
    from caps
    where scope = 'pool'

)

select
    format('cap_level/{}/{}/{}/{}', caps.scope, caps.scope_id, strftime(caps.month, '%Y-%m'), crossings.level)
        as alert_key,
    'cap_level' as kind,
    crossings.level,
    caps.scope,
    caps.scope_id,
    case
        when caps.scope = 'developer' then coalesce(developers.name, caps.scope_id)
        when caps.scope in ('team', 'pool') then coalesce(teams.name, caps.scope_id)
        else 'The organisation'
    end as scope_name,
    caps.team_id,
    coalesce(teams.name, caps.team_id) as team_name,
    caps.month,
    caps.as_of_date,
    teams.slack_channel,
    teams.lead_slack_id,
    developers.slack_id,
    caps.cap_tokens,
    caps.cap_usd,
    caps.cap_source,
    caps.used_tokens,
    caps.used_usd,
    caps.used_ratio,
    caps.binding_measure,
    caps.estimated_tokens,
    caps.unobserved_tokens,
    crossings.reached_on,
    caps.projected_tokens,
    caps.projected_usd,
    caps.projected_ratio_p50 as projected_ratio,
    caps.projected_ratio_p10,
    caps.projected_ratio_p90,
    caps.probability_over,
    caps.crosses_cap_on,
    caps.status,
    -- No pool is not an empty one; greatest() alone would call it that.
    case when pools.pool_left_tokens is not null then greatest(pools.pool_left_tokens, 0) end as pool_left_tokens,
    freshness.data_through_at,
    freshness.data_age_days,
    drivers.drivers,
    case
        when caps.scope = 'org'
            then 'select * from plan.cap_utilization where scope = ''org'''
        else format(
            'select usage_date, model, task_id, total_tokens, cost_usd from core.fct_usage_daily where {} = ''{}'' '
            || 'and usage_date between ''{}'' and ''{}'' order by total_tokens desc',
            case when caps.scope = 'developer' then 'developer_id' else 'team_id' end,
            replace(caps.scope_id, '''', ''''''),
            caps.month,
            last_day(caps.month)
        )
    end as query
from caps
inner join crossings using (month, scope, scope_id)
left join drivers using (month, scope, scope_id)
left join pools on caps.month = pools.month and caps.team_id = pools.team_id
left join {{ ref('dim_teams') }} as teams on caps.team_id = teams.team_id
left join {{ ref('dim_developers') }} as developers
    on caps.scope = 'developer' and caps.scope_id = developers.developer_id
cross join freshness
