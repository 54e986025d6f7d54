-- The streams that count tokens. Input includes cached tokens at OpenAI already.

with

reports as (

    select 'openai__completions' as feed, *
    from {{ source('raw', 'openai__completions') }}

    union all by name

    select 'openai__embeddings' as feed, *
    from {{ source('raw', 'openai__embeddings') }}

    union all by name

    select 'openai__moderations' as feed, *
    from {{ source('raw', 'openai__moderations') }}

)

select
    feed,
    'openai' as provider,
    day as utc_date,
    known_at,
    account_id,
    provider_api_key_id,
    model as raw_model,
    requests,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    coalesce(output_tokens, 0) as output_tokens
from reports
