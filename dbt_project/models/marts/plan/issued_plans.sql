select * from {{ source('raw', 'paceline__plans') }}
