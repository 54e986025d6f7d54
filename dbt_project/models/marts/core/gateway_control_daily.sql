-- Does the gateway's log have every call that the gateway counted? A retried call is logged more often than counted.

with

logged as (

    select
        utc_date,
        sum(requests + failed_requests + cache_hit_requests) as logged_requests,
        sum(total_tokens) as logged_tokens
    from {{ ref('fct_usage_daily') }}
    where route = 'gateway'
    group by utc_date

)

select
    counted.utc_date,
    coalesce(logged.logged_requests, 0) as logged_requests,
    counted.requests as counted_requests,
    greatest(0, counted.requests - coalesce(logged.logged_requests, 0)) as missing_requests,
    missing_requests / nullif(counted.requests, 0) as missing_ratio,
    coalesce(logged.logged_tokens, 0) as logged_tokens,
    counted.total_tokens as counted_tokens,
    counted.known_at
from {{ ref('stg_litellm__daily_activity') }} as counted
left join logged using (utc_date)
cross join {{ source('raw', 'paceline__run') }} as run
where {{ company_date("cast(counted.utc_date as timestamp) + interval '23:59:59'", 'run.timezone') }} <= run.as_of_date
