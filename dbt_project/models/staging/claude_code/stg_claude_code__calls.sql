-- A call is several lines, one per block of its answer, each with the usage of the whole; a placeholder that was
-- written while it streamed has less. A forked session repeats the lines of the one that it came from.

with

lines as (

    select
        *,
        coalesce(is_sidechain, false) as is_aside,
        fresh_input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0) as input_tokens
    from {{ source('raw', 'claude_code__calls') }}
    -- What Claude Code says itself, such as that a call failed.
    where model != '<synthetic>'

),

run as (select timezone from {{ source('raw', 'paceline__run') }}),

ranked as (

    select
        *,
        row_number() over (
            -- A sidechain may repeat a call of the main thread under another request id.
            partition by day, message_id, case when not is_aside then coalesce(request_id, '') end
            order by input_tokens + output_tokens desc, speed nulls last, _file, written_at, _line
        ) as copy,
        bool_or(not is_aside) over (partition by day, message_id) as is_in_main_thread
    from lines

)

select
    -- which call
    'claude_code__calls' as source,
    concat_ws('/', message_id, request_id) as request_id,
    'agent_transcript' as observer_layer,
    'direct' as route,
    message_id as provider_response_id,
    request_id as provider_request_id,
    'claude-code' as agent_name,

    -- when
    day as utc_date,
    {{ company_date('started_at', 'run.timezone') }} as usage_date,
    started_at,
    ended_at,

    -- who
    cast(null as string) as user_email,
    cast(null as string) as user_id,
    cast(null as string) as key_alias,
    cast(null as string) as key_hash,
    {{ owner_of('projects') }} as device,
    cast(null as string) as gateway_team_id,

    -- what for
    {{ task_of_branch() }} as task_id,
    case when {{ task_of_branch() }} is not null then 'git_branch' end as task_source,
    cast(null as string) as task_type,
    session_id,
    session_id is not null as is_session_sent,

    -- which model
    provider as raw_provider,
    model as raw_model,
    case when speed = 'fast' then 'fast' else service_tier end as service_tier,

    -- how much
    'reported' as usage_quality,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    output_tokens,
    -- A part of the output that Anthropic does not itemise.
    cast(null as bigint) as reasoning_tokens,
    cast(null as decimal(18, 9)) as reported_usd

from ranked
cross join run
where copy = 1 and not (is_aside and is_in_main_thread)
