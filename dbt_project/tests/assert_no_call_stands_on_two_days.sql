-- Second deliveries are found within a UTC day; an id on two of the days just built (or still twice on one) would be
-- counted twice.

select
    source,
    request_id,
    list(utc_date order by utc_date) as utc_dates,
    sum(input_tokens + output_tokens) as tokens
from {{ ref('int_usage_unioned') }}
group by source, request_id
having count(*) > 1
