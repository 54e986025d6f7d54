select * from {{ source('raw', 'genai_prices__prices') }}
