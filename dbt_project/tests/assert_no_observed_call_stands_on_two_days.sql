-- As assert_no_call_stands_on_two_days, for what is observed beside what is counted. A session that was copied with new
-- times would show here; its copies are found when observers are linked, so this warns.

{{ config(severity='warn') }}

select
    source,
    request_id,
    list(utc_date order by utc_date) as utc_dates,
    sum(input_tokens + output_tokens) as tokens
from {{ ref('int_calls_observed') }}
where source != 'litellm__requests'
group by source, request_id
having count(*) > 1
