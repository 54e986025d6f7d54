-- Calls that look like one of another source and could not be linked to it: the same tokens at the same time; the model
-- may have another name there. They count. Of what they look like, the nearest; whose they are is settled where people
-- are known.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=['{{ set_days_to_link() }}', '{{ replace_built_days() }}']
) }}

{% set apart_seconds = 60 %}

with

-- Those of neighbouring days, too: what a day finds does not depend on which days are built with it.
counted as (

    select {{ call_columns('observed') }}, observed.source as observers, cast(null as string) as agent_user
    from {{ ref('int_calls_observed') }} as observed
    where
        {{ is_day_to_link('observed.utc_date') }}
        and not exists (
            select 1 from {{ ref('int_call_links') }} as links
            where
                links.source = observed.source
                and links.request_id = observed.request_id
                and links.utc_date = observed.utc_date
        )

    union all

    select {{ call_columns() }}, observers, agent_user from {{ ref('int_calls_linked') }}

),

calls as (

    select
        source,
        request_id,
        utc_date,
        usage_date,
        string_split(observers, ', ') as observers,
        -- The nearer to the provider, the earlier.
        concat_ws('/', {{ layer_rank('observer_layer') }}, source) as place,
        {{ identity_key() }} as identity_key,
        session_id,
        raw_provider,
        raw_model,
        input_tokens,
        output_tokens,
        coalesce(ended_at, started_at) as ended_at,
        date_trunc('minute', coalesce(ended_at, started_at)) as ended_minute
    from counted
    where input_tokens + output_tokens > 0

),

shared_tokens as (

    select input_tokens, output_tokens
    from calls
    group by input_tokens, output_tokens
    having min(source) != max(source)

),

candidates as (

    select calls.*
    from calls
    inner join shared_tokens using (input_tokens, output_tokens)

),

-- Compared is what ended in the same minute or the next, however often a day has the same tokens.
nearby as (

    select
        *,
        {{ a_row_each('ended_minute - interval 1 minute', 'ended_minute', 'ended_minute + interval 1 minute') }}
            as near_minute
    from candidates

),

alike as (

    select
        farther.utc_date,
        farther.usage_date,
        farther.raw_provider,
        farther.raw_model,
        farther.source,
        farther.identity_key,
        closer.source as like_source,
        closer.identity_key as like_identity_key,
        coalesce(farther.session_id = closer.session_id, false) as is_same_session,
        farther.input_tokens + farther.output_tokens as total_tokens
    from candidates as farther
    inner join {{ source('raw', 'paceline__days_to_build') }} as days on farther.utc_date = days.utc_date
    inner join nearby as closer
        on farther.ended_minute = closer.near_minute
        and farther.input_tokens = closer.input_tokens
        and farther.output_tokens = closer.output_tokens
        and farther.ended_at >= closer.ended_at - interval {{ apart_seconds }} second
        and farther.ended_at <= closer.ended_at + interval {{ apart_seconds }} second
        and farther.place > closer.place
        -- Who saw the one and the other knows that they are two.
        and not list_has_any(farther.observers, closer.observers)
    qualify
        row_number() over (
            partition by farther.utc_date, farther.source, farther.request_id
            order by
                is_same_session desc,
                abs(epoch_us(farther.ended_at) - epoch_us(closer.ended_at)),
                closer.place,
                closer.request_id
        )
        = 1

),

named as (

    select
        alike.*,
        coalesce(names.provider, alike.raw_provider, 'unknown') as provider,
        coalesce(names.model, lower(alike.raw_model)) as model
    from alike
    left join {{ source('raw', 'genai_prices__model_names') }} as names
        on alike.raw_model = names.raw_model
        and coalesce(alike.raw_provider, '') = coalesce(names.raw_provider, '')

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
from named
group by
    utc_date, usage_date, provider, model, source, identity_key, like_source, like_identity_key, is_same_session

{{ or_kept_rows('suspected_daily') }}
