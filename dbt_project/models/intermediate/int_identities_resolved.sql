-- The first that maps on the day wins: email address, user id, key alias, key hash, whom the agent calls its user, the
-- machine. The team is the developer's of that day, whatever team the key belongs to.

with

seen as (

    select distinct identity_key, user_email, user_id, key_alias, key_hash, agent_user, device, usage_date
    from {{ ref('int_usage_daily') }}

),

identities as (select * from {{ ref('int_identities_dated') }}),

named as (

    select
        seen.identity_key,
        seen.usage_date,
        coalesce(
            by_email.developer_id, by_user.developer_id, by_alias.developer_id, by_hash.developer_id,
            by_agent.developer_id, by_device.developer_id, 'unattributed'
        ) as developer_id
    from seen
    left join identities as by_email
        on by_email.kind = 'email' and seen.user_email = by_email.value
        and seen.usage_date between by_email.valid_from and by_email.valid_to
    left join identities as by_user
        on by_user.kind = 'user_id' and seen.user_id = by_user.value
        and seen.usage_date between by_user.valid_from and by_user.valid_to
    left join identities as by_alias
        on by_alias.kind = 'key_alias' and seen.key_alias = by_alias.value
        and seen.usage_date between by_alias.valid_from and by_alias.valid_to
    left join identities as by_hash
        on by_hash.kind = 'key_hash' and seen.key_hash = by_hash.value
        and seen.usage_date between by_hash.valid_from and by_hash.valid_to
    left join identities as by_agent
        on by_agent.kind = case when contains(seen.agent_user, '@') then 'email' else 'user_id' end
        and seen.agent_user = by_agent.value
        and seen.usage_date between by_agent.valid_from and by_agent.valid_to
    left join identities as by_device
        on by_device.kind = 'device' and seen.device = by_device.value
        and seen.usage_date between by_device.valid_from and by_device.valid_to

)

select
    named.identity_key,
    named.usage_date,
    named.developer_id,
    coalesce(developers.team_id, 'unattributed') as team_id,
    coalesce(developers.role, 'unknown') as role
from named
left join {{ ref('int_developers_dated') }} as developers
    on named.developer_id = developers.developer_id
    and named.usage_date between developers.valid_from and developers.valid_to
