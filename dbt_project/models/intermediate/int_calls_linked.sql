-- What several observers know of a call, put together: the tokens of the one who is closest to the provider and had
-- them from it; who made the call, from the gateway, for it has checked that; what for, from who says it best.

-- Of the days that this run reads, so it stands with staging and is not published.
{{ config(materialized='table', schema='staging', pre_hook='{{ set_days_to_link() }}') }}

{% set who = ['user_email', 'user_id', 'key_alias', 'key_hash', 'gateway_team_id'] %}

with

{% call step('observations') %}

    select
        {{ call_columns('calls') }},
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

{% endcall %}

{% call step('ranked') %}

    select
        *,
        row_number() over (
            partition by call_id order by quality_rank, layer_rank, source, utc_date, request_id
        ) as place
    from observations

{% endcall %}

counted as (select * from ranked where place = 1),

together as (

    select
        call_id,
        {{ distinct_text('ranked.source') }} as observers,
        {{ distinct_text('ranked.observer_layer') }} as observer_layers,
        bool_or(ranked.observer_layer = 'gateway') as is_through_gateway,
        bool_or(ranked.layer_rank > 2) as is_seen_by_agent,
        {{ earliest(together_as_one('ranked', who), 'ranked.layer_rank, ranked.place') }} filter (
            where coalesce(ranked.user_email, ranked.user_id, ranked.key_alias, ranked.key_hash) is not null
        ) as who,
        {{ earliest('coalesce(ranked.user_email, ranked.user_id)', 'ranked.layer_rank, ranked.place') }} filter (
            where ranked.layer_rank > 2 and coalesce(ranked.user_email, ranked.user_id) is not null
        ) as agent_user,
        -- Who collects transcripts by owner has named the folder; telemetry has a hash.
        {{ earliest('ranked.device', '-ranked.layer_rank, ranked.place') }} filter (
            where ranked.device is not null
        ) as device,
        {{ earliest('ranked.agent_name', '-ranked.layer_rank, ranked.place') }} filter (
            where ranked.agent_name is not null
        ) as agent_name,
        {{ earliest(together_as_one('ranked', ['task_id', 'task_source']), 'ranked.task_rank, ranked.place') }} filter (
            where ranked.task_id is not null
        ) as task,
        {{ earliest('ranked.task_type', 'ranked.task_rank, ranked.place') }} filter (
            where ranked.task_type is not null
        ) as task_type,
        {{ earliest('ranked.session_id', 'ranked.place') }} filter (where ranked.is_session_sent) as sent_session_id,
        -- An agent knows the model by the name that the gateway gives it.
        {{ earliest(together_as_one('ranked', ['raw_provider', 'raw_model']), 'ranked.layer_rank, ranked.place') }}
            filter (where ranked.raw_model is not null) as sold,
        -- That a call was fast is a part of its price that not everybody is told.
        {{ earliest('ranked.service_tier', "ranked.service_tier = 'standard', ranked.layer_rank, ranked.place") }}
            filter (where ranked.service_tier is not null) as service_tier,
        -- Parts of the tokens, from whoever saw as many of them in all.
        {% for part in ('cache_read_tokens', 'cache_write_tokens', 'cache_write_1h_tokens', 'reasoning_tokens') -%}
        {{ earliest('ranked.' ~ part, 'ranked.place') }} filter (
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
    counted.source,
    counted.request_id,
    counted.observer_layer,
    case
        when together.is_through_gateway then 'gateway' when together.is_seen_by_agent then 'direct' else 'unknown'
    end as route,
    counted.provider_response_id,
    counted.provider_request_id,
    together.agent_name,
    counted.utc_date,
    counted.usage_date,
    counted.started_at,
    counted.ended_at,
    together.who.user_email,
    together.who.user_id,
    together.who.key_alias,
    together.who.key_hash,
    together.device,
    together.who.gateway_team_id,
    together.task.task_id,
    together.task.task_source,
    together.task_type,
    coalesce(together.sent_session_id, counted.session_id) as session_id,
    coalesce(together.sent_session_id is not null, false) as is_session_sent,
    together.sold.raw_provider,
    together.sold.raw_model,
    together.service_tier,
    counted.usage_quality,
    counted.input_tokens,
    coalesce(counted.cache_read_tokens, together.cache_read_tokens) as cache_read_tokens,
    coalesce(counted.cache_write_tokens, together.cache_write_tokens) as cache_write_tokens,
    coalesce(counted.cache_write_1h_tokens, together.cache_write_1h_tokens) as cache_write_1h_tokens,
    counted.output_tokens,
    coalesce(counted.reasoning_tokens, together.reasoning_tokens) as reasoning_tokens,
    counted.reported_usd,
    together.observers,
    together.observer_layers,
    case when together.is_through_gateway then together.agent_user end as agent_user
from counted
inner join together using (call_id)
