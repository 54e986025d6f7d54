-- The mappings have made input inclusive of cache reads and writes and output of reasoning, so nothing is added here.

with

requests as (

    select
        *,
        -- Some sources rewrite their rows, and export them again: the last version of the day is the call.
        row_number() over (
            partition by day, source_name, id
            order by updated_at desc nulls last, ended_at desc nulls last, _file desc, _line desc
        ) as version
    from {{ source('raw', 'generic_jsonl__events') }}

),

run as (select timezone from {{ source('raw', 'paceline__run') }}),

classified as (

    select
        *,
        case
            when is_cache_hit then 'cache_hit'
            when status = 'success' and not coalesce(is_estimated, false) then 'reported'
            -- The call broke off: what it had used by then was counted.
            when coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0 then 'estimated'
            else 'none'
        end as usage_quality,
        {{ first_tagged('tags', 'task') }} as tagged_task,
        {{ first_tagged('tags', 'task_type') }} as tagged_type
    from requests
    where version = 1

)

select
    -- which call
    'generic_jsonl__' || source_name as source,
    id as request_id,
    observer_layer,
    -- Who serves a call does not see by which way it came.
    case
        when observer_layer = 'gateway' then 'gateway' when observer_layer in ('provider', 'server') then 'unknown'
        else 'direct'
    end as route,
    provider_response_id,
    provider_request_id,

    -- when
    day as utc_date,
    {{ company_date('started_at', 'run.timezone') }} as usage_date,
    started_at,
    coalesce(
        ended_at,
        case
            when duration_seconds >= 0
                then started_at + to_microseconds(cast(round(duration_seconds * 1000000) as bigint))
        end
    ) as ended_at,

    -- who
    lower(user_email) as user_email,
    user_id,
    key_alias,
    key_hash,
    cast(null as string) as device,
    team_id as gateway_team_id,
    agent_name,

    -- what for
    coalesce(task_id, tagged_task) as task_id,
    case when task_id is not null then 'spend_metadata' when tagged_task is not null then 'tag' end as task_source,
    coalesce(task_type, tagged_type) as task_type,
    session_id,
    coalesce(is_session_sent, true) and session_id is not null as is_session_sent,

    -- which model
    provider as raw_provider,
    model as raw_model,
    service_tier,

    -- how much
    usage_quality,
    case when usage_quality in ('reported', 'estimated') then coalesce(input_tokens, 0) else 0 end as input_tokens,
    case when usage_quality in ('reported', 'estimated') then cache_read_tokens else 0 end as cache_read_tokens,
    case when usage_quality in ('reported', 'estimated') then cache_write_tokens else 0 end as cache_write_tokens,
    case when usage_quality in ('reported', 'estimated') then cache_write_1h_tokens else 0 end as cache_write_1h_tokens,
    case when usage_quality in ('reported', 'estimated') then coalesce(output_tokens, 0) else 0 end as output_tokens,
    case when usage_quality in ('reported', 'estimated') then reasoning_tokens else 0 end as reasoning_tokens,
    reported_usd

from classified
cross join run
