-- What counts against a cap, per day, for developers, teams and the organisation.

with

usage_daily as (select * from {{ ref('fct_usage_daily') }}),

scoped as (

    select 'developer' as scope, developer_id as scope_id, usage_date, total_tokens, cost_usd, estimated_tokens
    from usage_daily
    where developer_id != 'unattributed'

    union all

    select 'team' as scope, team_id as scope_id, usage_date, total_tokens, cost_usd, estimated_tokens
    from usage_daily
    where team_id != 'unattributed'

    union all

    select 'org' as scope, 'org' as scope_id, usage_date, total_tokens, cost_usd, estimated_tokens
    from usage_daily

)

select
    scope,
    scope_id,
    usage_date,
    date_trunc('month', usage_date)::date as month,
    sum(total_tokens) as tokens,
    sum(cost_usd) as usd,
    sum(estimated_tokens) as estimated_tokens
from scoped
group by scope, scope_id, usage_date
