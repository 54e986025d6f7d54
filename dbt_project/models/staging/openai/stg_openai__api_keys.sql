-- A key that was deleted stays as it was last seen.

select
    'openai' as provider,
    id as provider_api_key_id,
    name as key_name,
    lower(owner_email) as owner_email
from {{ source('raw', 'openai__api_keys') }}
qualify row_number() over (partition by id order by day desc, known_at desc) = 1
