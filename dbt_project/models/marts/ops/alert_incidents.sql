select * from {{ source('raw', 'paceline__alert_incidents') }}
