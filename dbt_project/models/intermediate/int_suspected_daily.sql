-- Calls that look like another observer's and could not be linked to it: same model, same tokens, at the same time.
-- They count. Of what they look like, the nearest; whose both are is settled where people are known.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=['{{ set_days_to_link() }}', '{{ replace_built_days() }}']
) }}

{% set apart_seconds = 60 %}

with

calls as (

    select
        usage.source,
        usage.request_id,
        usage.utc_date,
        usage.usage_date,
        string_split(usage.observers, ', ') as observers,
        string_split(usage.observer_layers, ', ') as layers,
        {{ layer_rank('usage.observer_layer') }} as layer_rank,
        {{ identity_key() }} as identity_key,
        usage.session_id,
        coalesce(names.provider, usage.raw_provider, 'unknown') as provider,
        coalesce(names.model, lower(usage.raw_model)) as model,
        usage.input_tokens,
        usage.output_tokens,
        coalesce(usage.ended_at, usage.started_at) as ended_at
    from {{ ref('int_usage_unioned') }} as usage
    left join {{ source('raw', 'genai_prices__model_names') }} as names
        on usage.raw_model = names.raw_model
        and coalesce(usage.raw_provider, '') = coalesce(names.raw_provider, '')
    where {{ is_day_to_link('utc_date') }} and usage.input_tokens + usage.output_tokens > 0

),

alike as (

    select
        farther.utc_date,
        farther.usage_date,
        farther.provider,
        farther.model,
        farther.source,
        farther.identity_key,
        closer.source as like_source,
        closer.identity_key as like_identity_key,
        coalesce(farther.session_id = closer.session_id, false) as is_same_session,
        farther.input_tokens + farther.output_tokens as total_tokens
    from calls as farther
    inner join calls as closer
        on farther.utc_date = closer.utc_date
        and farther.model = closer.model
        and farther.input_tokens = closer.input_tokens
        and farther.output_tokens = closer.output_tokens
        and farther.ended_at >= closer.ended_at - interval {{ apart_seconds }} second
        and farther.ended_at <= closer.ended_at + interval {{ apart_seconds }} second
        and farther.layer_rank > closer.layer_rank
        -- Who saw the one and the other knows that they are two.
        and not list_has_any(farther.observers, closer.observers)
        and not list_has_any(farther.layers, closer.layers)
    qualify
        row_number() over (
            partition by farther.utc_date, farther.source, farther.request_id
            order by
                is_same_session desc,
                abs(date_diff('microsecond', farther.ended_at, closer.ended_at)),
                closer.layer_rank,
                closer.source,
                closer.request_id
        )
        = 1

)

select
    utc_date,
    usage_date,
    provider,
    model,
    source,
    identity_key,
    like_source,
    like_identity_key,
    is_same_session,
    count(*) as requests,
    sum(total_tokens) as total_tokens
from alike
group by
    utc_date, usage_date, provider, model, source, identity_key, like_source, like_identity_key, is_same_session

union all by name

{{ kept_rows('suspected_daily') }}
