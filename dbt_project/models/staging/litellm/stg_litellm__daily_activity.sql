-- A day's sums may come in several parts: rows of one version are added up.

with

latest as (

    select *
    from {{ source('raw', 'litellm__daily_activity') }}
    qualify known_at = max(known_at) over (partition by day)

)

select
    day as utc_date,
    sum(requests) as requests,
    sum(failed_requests) as failed_requests,
    sum(prompt_tokens + completion_tokens) as total_tokens,
    max(known_at) as known_at
from latest
group by day
