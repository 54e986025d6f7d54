-- A key that was deleted stays as it was last seen. Whom it acts for says more than who made it.

with

api_keys as (

    select *
    from {{ source('raw', 'anthropic__api_keys') }}
    qualify row_number() over (partition by id order by day desc, known_at desc) = 1

),

users as (

    select *
    from {{ source('raw', 'anthropic__users') }}
    qualify row_number() over (partition by id order by day desc, known_at desc) = 1

)

select
    'anthropic' as provider,
    api_keys.id as provider_api_key_id,
    api_keys.name as key_name,
    lower(users.email) as owner_email
from api_keys
left join users on coalesce(api_keys.owner_id, api_keys.created_by_id) = users.id
