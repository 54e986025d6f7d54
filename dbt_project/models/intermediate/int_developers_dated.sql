-- From developers.csv; without it, whoever was recorded.

with

stated as (select * from {{ source('raw', 'org__developers') }}),

observed as (

    select
        coalesce(user_email, user_id, key_alias, agent_user, device) as developer_id,
        max(
            coalesce(
                user_email,
                case when coalesce(user_id, key_alias) is null and contains(agent_user, '@') then agent_user end
            )
        ) as email,
        max_by(gateway_team_id, last_used_at) as team_id
    from {{ ref('int_usage_daily') }}
    where
        coalesce(user_email, user_id, key_alias, agent_user, device) is not null
        and usage_date <= (select as_of_date from {{ source('raw', 'paceline__run') }})
    group by 1

)

select
    developer_id,
    email,
    name,
    team_id,
    valid_from,
    coalesce(valid_to, date '9999-12-31') as valid_to,
    coalesce(role, 'human') as role,
    slack_id,
    false as is_derived
from stated

union all

select
    developer_id,
    email,
    null as name,
    team_id,
    date '1970-01-01' as valid_from,
    date '9999-12-31' as valid_to,
    'human' as role,
    null as slack_id,
    true as is_derived
from observed
where not exists (select 1 from stated)
