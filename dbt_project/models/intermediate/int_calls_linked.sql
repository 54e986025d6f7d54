-- What several observers know of a call, put together: the tokens of the one who is closest to the provider and had
-- them from it; who made the call, from the gateway, for it has checked that; what for, from who says it best.

-- Of the days that this run reads, so it stands with staging and is not published.
{{ config(materialized='table', schema='staging', pre_hook='{{ set_days_to_link() }}') }}

with

observations as (

    select
        calls.*,
        links.call_id,
        links.link_method,
        {{ layer_rank('calls.observer_layer') }} as layer_rank,
        case usage_quality when 'none' then 3 when 'estimated' then 2 else 1 end as quality_rank,
        case task_source
            when 'spend_metadata' then 1
            when 'tag' then 2
            when 'resource_attribute' then 3
            when 'pull_request' then 4
            else 5
        end as task_rank
    from {{ ref('int_calls_observed') }} as calls
    inner join {{ ref('int_call_links') }} as links using (source, request_id, utc_date)
    where {{ is_day_to_link('utc_date') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by call_id order by quality_rank, layer_rank, source, utc_date, request_id
        ) as place
    from observations

),

counted as (select * from ranked where place = 1),

together as (

    select
        call_id,
        string_agg(distinct ranked.source, ', ' order by ranked.source) as observers,
        string_agg(distinct ranked.observer_layer, ', ' order by ranked.observer_layer) as observer_layers,
        bool_or(ranked.observer_layer = 'gateway') as is_through_gateway,
        bool_or(ranked.layer_rank > 2) as is_seen_by_agent,
        first(
            struct_pack(
                user_email := ranked.user_email,
                user_id := ranked.user_id,
                key_alias := ranked.key_alias,
                key_hash := ranked.key_hash,
                gateway_team_id := ranked.gateway_team_id
            )
            order by ranked.layer_rank, ranked.place
        ) filter (
            where coalesce(ranked.user_email, ranked.user_id, ranked.key_alias, ranked.key_hash) is not null
        ) as who,
        first(coalesce(ranked.user_email, ranked.user_id) order by ranked.layer_rank, ranked.place) filter (
            where ranked.layer_rank > 2 and coalesce(ranked.user_email, ranked.user_id) is not null
        ) as agent_user,
        -- Who collects transcripts by owner has named the folder; telemetry has a hash.
        first(ranked.device order by ranked.layer_rank desc, ranked.place) filter (
            where ranked.device is not null
        ) as device,
        first(ranked.agent_name order by ranked.layer_rank desc, ranked.place) filter (
            where ranked.agent_name is not null
        ) as agent_name,
        first(
            struct_pack(task_id := ranked.task_id, task_source := ranked.task_source)
            order by ranked.task_rank, ranked.place
        ) filter (
            where ranked.task_id is not null
        ) as task,
        first(ranked.task_type order by ranked.task_rank, ranked.place) filter (
            where ranked.task_type is not null
        ) as task_type,
        first(ranked.session_id order by ranked.place) filter (where ranked.is_session_sent) as sent_session_id,
        -- An agent knows the model by the name that the gateway gives it.
        first(
            struct_pack(provider := ranked.raw_provider, model := ranked.raw_model)
            order by ranked.layer_rank, ranked.place
        ) filter (where ranked.raw_model is not null) as sold,
        -- That a call was fast is a part of its price that not everybody is told.
        first(
            ranked.service_tier order by ranked.service_tier = 'standard', ranked.layer_rank, ranked.place
        ) filter (where ranked.service_tier is not null) as service_tier,
        -- Parts of the tokens, from whoever saw as many of them in all.
        {% for part in ('cache_read_tokens', 'cache_write_tokens', 'cache_write_1h_tokens', 'reasoning_tokens') -%}
        first(ranked.{{ part }} order by ranked.place) filter (
            where ranked.{{ part }} is not null
            and ranked.input_tokens = counted.input_tokens
            and ranked.output_tokens = counted.output_tokens
        ) as {{ part }}{{ '' if loop.last else ',' }}
        {% endfor -%}
    from ranked
    inner join counted using (call_id)
    group by call_id

)

select
    counted.* exclude (link_method, layer_rank, quality_rank, task_rank, place, call_id) replace (
        case
            when together.is_through_gateway then 'gateway' when together.is_seen_by_agent then 'direct' else 'unknown'
        end as route,
        together.who.user_email as user_email,
        together.who.user_id as user_id,
        together.who.key_alias as key_alias,
        together.who.key_hash as key_hash,
        together.who.gateway_team_id as gateway_team_id,
        together.device as device,
        together.agent_name as agent_name,
        together.task.task_id as task_id,
        together.task.task_source as task_source,
        together.task_type as task_type,
        coalesce(together.sent_session_id, counted.session_id) as session_id,
        coalesce(together.sent_session_id is not null, false) as is_session_sent,
        together.sold.provider as raw_provider,
        together.sold.model as raw_model,
        together.service_tier as service_tier,
        coalesce(counted.cache_read_tokens, together.cache_read_tokens) as cache_read_tokens,
        coalesce(counted.cache_write_tokens, together.cache_write_tokens) as cache_write_tokens,
        coalesce(counted.cache_write_1h_tokens, together.cache_write_1h_tokens) as cache_write_1h_tokens,
        coalesce(counted.reasoning_tokens, together.reasoning_tokens) as reasoning_tokens
    ),
    together.observers,
    together.observer_layers,
    case when together.is_through_gateway then together.agent_user end as agent_user
from counted
inner join together using (call_id)
