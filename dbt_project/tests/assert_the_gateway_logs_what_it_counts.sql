-- Days of the last month on which the gateway counted clearly more calls than its log has: look at its S3 callback.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'gateway_control_daily'}}}) }}

select
    *,
    {{ assumption('missing_requests_warn_ratio') }} as warn_ratio
from {{ ref('gateway_control_daily') }}
where
    missing_ratio > {{ assumption('missing_requests_warn_ratio') }}
    and utc_date > (select as_of_date from {{ source('raw', 'paceline__run') }}) - 31
