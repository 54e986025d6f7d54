select
    feed,
    run_id,
    status,
    started_at,
    finished_at,
    through_date,
    folders_read,
    files_read,
    bytes_read,
    records,
    coalesce(skipped, 0) as skipped,
    requests_made,
    watermark_at,
    quarantined,
    len(changed_days) as changed_days,
    error
from {{ source('raw', 'paceline__loads') }}
