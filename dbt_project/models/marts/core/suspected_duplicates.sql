-- Nothing is taken away for a suspicion: these calls are counted.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

people as (select * from {{ ref('int_identities_resolved') }})

select
    suspected.usage_date,
    coalesce(people.developer_id, 'unattributed') as developer_id,
    coalesce(people.team_id, 'unattributed') as team_id,
    suspected.provider,
    suspected.model,
    suspected.source,
    suspected.like_source,
    cast(sum(suspected.requests) as bigint) as requests,
    cast(coalesce(sum(suspected.requests) filter (where suspected.is_same_session), 0) as bigint)
        as same_session_requests,
    cast(sum(suspected.total_tokens) as bigint) as total_tokens
from {{ ref('int_suspected_daily') }} as suspected
cross join run
left join people
    on suspected.identity_key = people.identity_key and suspected.usage_date = people.usage_date
left join people as like_people
    on suspected.like_identity_key = like_people.identity_key and suspected.usage_date = like_people.usage_date
where
    suspected.usage_date <= run.as_of_date
    and (
        suspected.is_same_session
        or coalesce(people.developer_id, 'unattributed') = 'unattributed'
        or coalesce(like_people.developer_id, 'unattributed') in ('unattributed', people.developer_id)
    )
group by
    suspected.usage_date, people.developer_id, people.team_id, suspected.provider, suspected.model,
    suspected.source, suspected.like_source
