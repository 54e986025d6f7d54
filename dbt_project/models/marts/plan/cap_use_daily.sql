-- Use against the cap, day by day. A pool is used by what its developers use beyond their own caps.

with

caps as (select * from {{ ref('caps_effective') }}),

scope_daily as (

    select
        *,
        sum(tokens) over month_to_date as used_tokens,
        sum(usd) over month_to_date as used_usd,
        arg_max(team_id, usage_date) over (partition by scope, scope_id, month) as team_of_month
    from {{ ref('scope_daily') }}
    window month_to_date as (partition by scope, scope_id, month order by usage_date)

),

beyond as (

    select
        scope_daily.team_of_month as team_id,
        scope_daily.month,
        scope_daily.usage_date,
        greatest(0, used_tokens - caps.cap_tokens) - greatest(0, used_tokens - tokens - caps.cap_tokens) as tokens,
        greatest(0, used_usd - caps.cap_usd) - greatest(0, used_usd - usd - caps.cap_usd) as usd
    from scope_daily
    inner join caps using (scope, scope_id, month)
    where scope_daily.scope = 'developer'

),

pool_daily as (

    select
        team_id as scope_id,
        usage_date,
        month,
        sum(tokens) as tokens,
        sum(usd) as usd
    from beyond
    group by team_id, usage_date, month

),

pools as (

    select team_id as scope_id, monthly_pool_tokens as cap_tokens, monthly_pool_usd as cap_usd
    from {{ ref('dim_teams') }}
    where monthly_pool_tokens is not null or monthly_pool_usd is not null

)

select
    scope,
    scope_id,
    team_of_month as team_id,
    month,
    usage_date,
    tokens,
    usd,
    used_tokens,
    used_usd,
    estimated_tokens,
    unobserved_tokens,
    caps.cap_tokens,
    caps.cap_usd,
    caps.cap_source
from scope_daily
inner join caps using (scope, scope_id, month)

union all

select
    'pool' as scope,
    scope_id,
    scope_id as team_id,
    month,
    usage_date,
    tokens,
    usd,
    sum(tokens) over month_to_date as used_tokens,
    sum(usd) over month_to_date as used_usd,
    null as estimated_tokens,
    null as unobserved_tokens,
    pools.cap_tokens,
    pools.cap_usd,
    'set' as cap_source
from pool_daily
inner join pools using (scope_id)
window month_to_date as (partition by scope_id, month order by usage_date)
