-- One feed that was never loaded makes the age unknown.

select
    max(last_record_at) as data_through_at,
    case when count(*) = count(data_age_days) then max(data_age_days) end as data_age_days
from {{ ref('source_freshness') }}
where not is_report
