-- What counts against a cap, per day, for developers, teams and the organisation: what was observed, and what was
-- billed to a developer's own provider key without passing the gateway.

with

usage_daily as (

    select usage_date, developer_id, team_id, total_tokens, cost_usd, estimated_tokens, 0 as unobserved_tokens
    from {{ ref('fct_usage_daily') }}

    union all

    select usage_date, developer_id, team_id, unobserved_tokens, unobserved_usd, 0, unobserved_tokens
    from {{ ref('unobserved_daily') }}

),

scoped as (

    select 'developer' as scope, developer_id as scope_id, *
    from usage_daily
    where developer_id != 'unattributed'

    union all

    select 'team' as scope, team_id as scope_id, *
    from usage_daily
    where team_id != 'unattributed'

    union all

    select 'org' as scope, 'org' as scope_id, *
    from usage_daily

)

select
    scope,
    scope_id,
    usage_date,
    date_trunc('month', usage_date)::date as month,
    case when scope != 'org' then max(team_id) end as team_id,
    sum(total_tokens) as tokens,
    sum(cost_usd) as usd,
    sum(estimated_tokens) as estimated_tokens,
    sum(unobserved_tokens) as unobserved_tokens
from scoped
group by scope, scope_id, usage_date
