-- Gemini's input includes cached tokens but not what tools gave, its output not the thoughts: both are added.

with

messages as (

    select
        *,
        prompt_tokens + coalesce(tool_tokens, 0) as input_tokens,
        candidates_tokens + coalesce(thoughts_tokens, 0) as output_tokens
    from {{ source('raw', 'gemini_cli__calls') }}

),

run as (select timezone from {{ source('raw', 'paceline__run') }}),

ranked as (

    select
        *,
        -- A message is said again when it changes, and with its whole session when that is taken up again.
        row_number() over (
            partition by day, message_id order by input_tokens + output_tokens desc, _file, ended_at, _line
        ) as copy
    from messages

)

select
    -- which call
    'gemini_cli__calls' as source,
    message_id as request_id,
    'agent_transcript' as observer_layer,
    'direct' as route,
    cast(null as string) as provider_response_id,
    cast(null as string) as provider_request_id,
    'gemini-cli' as agent_name,

    -- when
    day as utc_date,
    {{ company_date('ended_at', 'run.timezone') }} as usage_date,
    ended_at as started_at,
    ended_at,

    -- who
    cast(null as string) as user_email,
    cast(null as string) as user_id,
    cast(null as string) as key_alias,
    cast(null as string) as key_hash,
    {{ owner_of('tmp') }} as device,
    cast(null as string) as gateway_team_id,

    -- what for
    cast(null as string) as task_id,
    cast(null as string) as task_source,
    cast(null as string) as task_type,
    session_id,
    session_id is not null as is_session_sent,

    -- which model
    provider as raw_provider,
    model as raw_model,
    cast(null as string) as service_tier,

    -- how much
    'reported' as usage_quality,
    input_tokens,
    cached_tokens as cache_read_tokens,
    -- Google caches by itself and asks nothing for writing.
    0::bigint as cache_write_tokens,
    0::bigint as cache_write_1h_tokens,
    output_tokens,
    thoughts_tokens as reasoning_tokens,
    cast(null as decimal(18, 9)) as reported_usd

from ranked
cross join run
where copy = 1
