-- Codex's input already includes cache reads and writes, its output the reasoning.

with

records as (

    select
        *,
        -- Older files have no id of a call, but how much the session had used after it.
        coalesce(response_id, concat_ws('/', thread_id, all_tokens_so_far)) as call_id
    from {{ source('raw', 'codex__calls') }}

),

run as (select timezone from {{ source('raw', 'paceline__run') }}),

ranked as (

    select
        *,
        -- A session that was archived may stand in both folders.
        row_number() over (
            partition by day, call_id order by contains(_file, 'archived_sessions/'), _file, ended_at, _line
        ) as copy
    from records

)

select
    -- which call
    'codex__calls' as source,
    call_id as request_id,
    'agent_transcript' as observer_layer,
    'direct' as route,
    response_id as provider_response_id,
    cast(null as string) as provider_request_id,
    'codex' as agent_name,

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
    {{ owner_of('sessions|archived_sessions') }} as device,
    cast(null as string) as gateway_team_id,

    -- what for
    {{ task_of_branch() }} as task_id,
    case when {{ task_of_branch() }} is not null then 'git_branch' end as task_source,
    cast(null as string) as task_type,
    coalesce(session_id, thread_id) as session_id,
    coalesce(session_id, thread_id) is not null as is_session_sent,

    -- which model
    provider as raw_provider,
    model as raw_model,
    cast(null as string) as service_tier,

    -- how much
    'reported' as usage_quality,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    -- OpenAI has no writes that live longer.
    cast(null as bigint) as cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    cast(null as decimal(18, 9)) as reported_usd

from ranked
cross join run
where copy = 1
