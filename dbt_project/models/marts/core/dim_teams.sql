with

stated as (select * from {{ source('raw', 'org__teams') }}),

mentioned as (

    select distinct team_id
    from {{ ref('int_developers_dated') }}
    where team_id is not null and team_id not in (select team_id from stated)

)

select
    team_id,
    coalesce(name, team_id) as name,
    slack_channel,
    lead_slack_id,
    monthly_pool_tokens,
    monthly_pool_usd,
    coalesce(shares_developers, false) as shares_developers,
    false as is_derived
from stated

union all

select
    team_id,
    team_id as name,
    null as slack_channel,
    null as lead_slack_id,
    null as monthly_pool_tokens,
    null as monthly_pool_usd,
    false as shares_developers,
    true as is_derived
from mentioned
