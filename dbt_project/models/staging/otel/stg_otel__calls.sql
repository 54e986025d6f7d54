-- What input and output hold differs by who sends it; here they hold all.

with

events as (

    select
        *,
        case
            -- Anthropic's three counters are disjoint.
            when event = 'claude_code.api_request'
                then input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
            when event = 'gemini_cli.api_response' then input_tokens + coalesce(tool_use_tokens, 0)
            -- By the conventions cache counts are parts of the input; what cannot be a part was left out.
            when
                event = 'gen_ai.span'
                and input_tokens < coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
                then input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
            else input_tokens
        end as whole_input_tokens,
        case
            when event = 'gemini_cli.api_response' then output_tokens + coalesce(reasoning_tokens, 0)
            when event = 'gen_ai.span' then greatest(output_tokens, coalesce(reasoning_tokens, 0))
            else output_tokens
        end as whole_output_tokens,
        -- Neither Codex nor Gemini CLI names its calls.
        case event
            when 'claude_code.api_request'
                then coalesce(request_id, concat_ws('/', session_id, sequence, ended_at))
            when 'gen_ai.span' then coalesce(response_id, span_id)
            else concat_ws(
                '/', session_id, sequence, ended_at, input_tokens, cache_read_tokens, output_tokens, reasoning_tokens
            )
        end as call_id
    from {{ source('raw', 'otel__calls') }}

),

run as (select timezone from {{ source('raw', 'paceline__run') }}),

ranked as (

    select
        *,
        -- Sent twice, or seen by two instrumentations.
        row_number() over (
            partition by day, call_id order by ended_at - started_at desc, _file, ended_at, _line, span_id nulls last
        ) as copy
    from events

)

select
    -- which call
    'otel__calls' as source,
    call_id as request_id,
    'agent_telemetry' as observer_layer,
    'direct' as route,
    response_id as provider_response_id,
    request_id as provider_request_id,
    case event
        when 'claude_code.api_request' then 'claude-code'
        when 'codex.sse_event' then 'codex'
        when 'gemini_cli.api_response' then 'gemini-cli'
        else agent
    end as agent_name,

    -- when
    day as utc_date,
    {{ company_date('started_at', 'run.timezone') }} as usage_date,
    started_at,
    ended_at,

    -- who
    lower(user_email) as user_email,
    developer_id as user_id,
    cast(null as string) as key_alias,
    cast(null as string) as key_hash,
    device,
    team_id as gateway_team_id,

    -- what for
    task_id,
    case when task_id is not null then 'resource_attribute' end as task_source,
    task_type,
    session_id,
    session_id is not null as is_session_sent,

    -- which model
    provider as raw_provider,
    model as raw_model,
    case when speed = 'fast' then 'fast' else service_tier end as service_tier,

    -- how much
    'reported' as usage_quality,
    whole_input_tokens as input_tokens,
    cache_read_tokens,
    case when event = 'gemini_cli.api_response' then 0 else cache_write_tokens end as cache_write_tokens,
    case when event = 'gemini_cli.api_response' then 0::bigint end as cache_write_1h_tokens,
    whole_output_tokens as output_tokens,
    reasoning_tokens,
    reported_usd

from ranked
cross join run
where copy = 1
