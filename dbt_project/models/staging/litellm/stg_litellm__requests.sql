-- LiteLLM's prompt_tokens already includes cache reads and writes, its completion_tokens the reasoning,
-- so nothing is added here.

with

redelivered as (select * from {{ ref('stg_litellm__redelivered') }}),

-- A re-delivered record is the same id again; when it differs, the one that ended later is the final one.
requests as (

    select requests.*
    from {{ source('raw', 'litellm__requests') }} as requests
    where not exists (
        select 1 from redelivered
        where redelivered.day = requests.day and redelivered.id = requests.id
    )

    union all

    select requests.*
    from {{ source('raw', 'litellm__requests') }} as requests
    inner join redelivered on requests.day = redelivered.day and requests.id = redelivered.id
    qualify
        row_number() over (
            partition by requests.day, requests.id
            order by requests.ended_at desc nulls last, requests._file, requests._line
        )
        = 1

),

run as (select timezone from {{ source('raw', 'paceline__run') }}),

classified as (

    select
        *,
        case
            when cache_hit then 'cache_hit'
            when status = 'success' and coalesce(error_code, '') != '499' then 'reported'
            -- The client left or the stream broke: LiteLLM counted what it had seen.
            when prompt_tokens + completion_tokens > 0 then 'estimated'
            else 'none'
        end as usage_quality,
        {{ first_tagged('request_tags', 'task') }} as tagged_task,
        {{ first_tagged('request_tags', 'task_type') }} as tagged_type,
        {{ first_tagged('request_tags', 'agent') }} as tagged_agent
    from requests

)

select
    -- which call
    'litellm__requests' as source,
    id as request_id,
    'gateway' as observer_layer,
    'gateway' as route,
    -- Of the other APIs LiteLLM makes up an id, or hides the provider's.
    case
        when starts_with(id, 'msg_') then id
        when starts_with(id, 'resp_')
            then nullif(regexp_extract({{ text_of_base64('substr(id, 6)') }}, 'response_id:([^;]+)', 1), '')
    end as provider_response_id,
    -- An answer from the gateway's cache comes with the headers of the call that first had it.
    case when usage_quality != 'cache_hit' then provider_request_id end as provider_request_id,
    case
        when tagged_agent is not null then tagged_agent
        when starts_with(user_agent, 'claude-cli/') then 'claude-code'
        when starts_with(user_agent, 'codex_') then 'codex'
        when starts_with(lower(user_agent), 'geminicli') then 'gemini-cli'
    end as agent_name,

    -- when
    day as utc_date,
    {{ company_date('started_at', 'run.timezone') }} as usage_date,
    started_at,
    ended_at,

    -- who
    lower(user_email) as user_email,
    user_id,
    key_alias,
    key_hash,
    device,
    team_id as gateway_team_id,

    -- what for
    coalesce(task_id, tagged_task) as task_id,
    case when task_id is not null then 'spend_metadata' when tagged_task is not null then 'tag' end as task_source,
    tagged_type as task_type,
    -- Calls without a session get a trace id of their own, so the id alone proves nothing.
    trace_id as session_id,
    coalesce(trace_id = sent_session_id, false) as is_session_sent,

    -- which model
    custom_llm_provider as raw_provider,
    model as raw_model,
    service_tier,

    -- how much
    usage_quality,
    case when usage_quality in ('reported', 'estimated') then prompt_tokens else 0 end as input_tokens,
    case
        when usage_quality in ('reported', 'estimated') then greatest(cached_tokens, cache_read_input_tokens) else 0
    end as cache_read_tokens,
    case
        when usage_quality in ('reported', 'estimated')
            then greatest(cache_creation_tokens, cache_creation_input_tokens)
        else 0
    end as cache_write_tokens,
    case
        when usage_quality in ('reported', 'estimated') then ephemeral_1h_input_tokens else 0
    end as cache_write_1h_tokens,
    case when usage_quality in ('reported', 'estimated') then completion_tokens else 0 end as output_tokens,
    case when usage_quality in ('reported', 'estimated') then reasoning_tokens else 0 end as reasoning_tokens,
    response_cost_usd as reported_usd

from classified
cross join run
