select
    feed,
    _file as file,
    _line as line,
    record_id,
    reason
from {{ source('raw', 'paceline__quarantine') }}
