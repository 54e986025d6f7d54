-- Which observations are one call. By ids first; what has none in common, by its session (or machine), its tokens and
-- its end: one to one, the closest first. Both look hours around at most, so what a day finds does not depend on which
-- days are built with it, and a call at midnight is found from either side.

-- Of the days that this run reads, so it stands with staging and is not published.
{{ config(materialized='table', schema='staging', pre_hook='{{ set_days_to_link() }}') }}

{% set call_seconds = 5 %}
{% set id_hours = 2 %}
{% set observation_id -%}
    concat_ws('/', {{ layer_rank('observer_layer') }}, source, utc_date, request_id)
{%- endset %}

with recursive

{% call step('observed') %}

    select
        source,
        request_id,
        utc_date,
        observer_layer,
        provider_request_id,
        provider_response_id,
        coalesce(
            provider_response_id,
            -- A gateway's own id of a call is often the provider's, which the agent saw; a number is nobody else's.
            case when observer_layer = 'gateway' and length(request_id) >= 12 then request_id end
        ) as response_id,
        session_id,
        device,
        input_tokens,
        output_tokens,
        usage_quality in ('reported', 'estimated') and input_tokens + output_tokens > 0 as has_usage,
        coalesce(ended_at, started_at) as ended_at
    from {{ ref('int_calls_observed') }}
    where {{ is_day_to_link('utc_date') }}

{% endcall %}

-- Who knows both ids leads from one to the other.
{% call step('both_ids') %}

    select
        provider_request_id,
        max(provider_response_id) as provider_response_id,
        max(response_id) as response_id
    from observed
    where provider_request_id is not null and response_id is not null
    group by provider_request_id

{% endcall %}

{% call step('with_id') %}

    select
        observed.*,
        coalesce(
            -- What a gateway made up itself says less than the id that the request leads to.
            'response/' || coalesce(
                observed.provider_response_id,
                both_ids.provider_response_id,
                observed.response_id,
                both_ids.response_id
            ),
            'request/' || provider_request_id
        ) as exact_id
    from observed
    left join both_ids using (provider_request_id)

{% endcall %}

{% call step('shared_ids') %}

    select exact_id
    from with_id
    where exact_id is not null
    group by exact_id
    having count(*) > 1

{% endcall %}

-- The id of an observation sorts by who saw it: gateways, providers and servers, telemetry, transcripts.
{% call step('shared') %}

    select with_id.*, {{ observation_id }} as observation_id
    from with_id
    inner join shared_ids using (exact_id)

{% endcall %}

{% call step('sharing') %}

    select
        *,
        ended_at > lag(ended_at) over (partition by exact_id order by ended_at, observation_id)
        + interval {{ id_hours }} hour as is_later
    from shared

{% endcall %}

{% call step('stretches') %}

    select
        *,
        count(*) filter (where is_later)
            over (partition by exact_id order by ended_at, observation_id rows unbounded preceding)
            as stretch
    from sharing

{% endcall %}

{% call step('exact') %}

    select
        *,
        min(observation_id) over of_call as call_id,
        case
            when response_id is not null and count(response_id) over of_call > 1 then 'response_id' else 'request_id'
        end as link_method
    from stretches
    window of_call as (partition by exact_id, stretch)
    qualify count(*) over of_call > 1

{% endcall %}

{% call step('exact_calls') %}

    select call_id, {{ distinct_list('source') }} as sources
    from exact
    group by call_id

{% endcall %}

-- Tokens that only one source has seen lead nowhere.
{% call step('shared_tokens') %}

    select input_tokens, output_tokens
    from observed
    where has_usage
    group by input_tokens, output_tokens
    having min(source) != max(source)

{% endcall %}

{% call step('telling') %}

    select observed.*, {{ observation_id }} as observation_id
    from observed
    inner join shared_tokens using (input_tokens, output_tokens)
    where has_usage

{% endcall %}

-- From here on the unit is the call, as far as ids have told it.
{% call step('involved') %}

    select observation_id, source, request_id, utc_date, call_id, link_method
    from exact

    union all

    select observation_id, source, request_id, utc_date, observation_id as call_id, cast(null as string) as link_method
    from telling
    where observation_id not in (select observation_id from exact)

{% endcall %}

-- Where a call came from: its session, or the machine, for not every agent names its session to the gateway.
{% call step('origins') %}

    select observation_id, source, input_tokens, output_tokens, ended_at, 'session/' || session_id as origin
    from telling
    where session_id is not null

    union all

    select observation_id, source, input_tokens, output_tokens, ended_at, 'device/' || device as origin
    from telling
    where device is not null

{% endcall %}

{% call step('alike') %}

    select origin, input_tokens, output_tokens
    from origins
    group by origin, input_tokens, output_tokens
    having min(source) != max(source)

{% endcall %}

{% call step('candidates') %}

    select
        involved.call_id,
        coalesce(exact_calls.sources, list_value(origins.source)) as sources,
        origins.source,
        origins.origin,
        origins.input_tokens,
        origins.output_tokens,
        origins.ended_at
    from origins
    inner join alike using (origin, input_tokens, output_tokens)
    inner join involved using (observation_id)
    left join exact_calls on involved.call_id = exact_calls.call_id

{% endcall %}

{% call step('pairs') %}

    select
        one.source as one_source,
        other.source as other_source,
        one.call_id as one_call,
        other.call_id as other_call,
        min(abs(epoch_us(one.ended_at) - epoch_us(other.ended_at))) as microseconds_apart
    from candidates as one
    inner join candidates as other
        on one.origin = other.origin
        and one.input_tokens = other.input_tokens
        and one.output_tokens = other.output_tokens
        and one.source < other.source
        and one.ended_at >= other.ended_at - interval {{ call_seconds }} second
        and one.ended_at <= other.ended_at + interval {{ call_seconds }} second
        -- A source that has seen the call sees another one in what else it saw.
        and not list_has_any(one.sources, other.sources)
    group by one.source, other.source, one.call_id, other.call_id

{% endcall %}

{{ rounds_of_closest('pairs') }}

-- A call belongs to the one that was seen closest to the provider, which may belong to another.
{% call step('parents') %}

    select
        greatest(one_call, other_call) as call_id,
        least(one_call, other_call) as parent_id,
        microseconds_apart
    from rounds
    where is_taken
    qualify
        row_number() over (
            partition by call_id
            order by split_part(parent_id, '/', 1), split_part(parent_id, '/', 2), microseconds_apart, parent_id
        )
        = 1

{% endcall %}

{% call step('roots') %}

    with recursive climbed as (

        select call_id, parent_id as root_id
        from parents

        union all

        select climbed.call_id, parents.parent_id as root_id
        from climbed
        inner join parents on climbed.root_id = parents.call_id

    )

    select call_id, min(root_id) as root_id
    from climbed
    group by call_id

{% endcall %}

{% call step('gathered') %}

    select
        involved.source,
        involved.request_id,
        involved.utc_date,
        involved.link_method,
        involved.call_id as exact_call_id,
        coalesce(roots.root_id, involved.call_id) as root_id,
        parents.microseconds_apart
    from involved
    left join roots on involved.call_id = roots.call_id
    left join parents on involved.call_id = parents.call_id
    where
        involved.link_method is not null
        or roots.call_id is not null
        or involved.observation_id in (select root_id from roots)

{% endcall %}

-- No source sees a call twice, whatever it has in common with others: the closest stays, the others stand alone.
{% call step('placed') %}

    select
        *,
        dense_rank() over (
            partition by root_id, source
            order by exact_call_id != root_id, microseconds_apart nulls last, exact_call_id
        ) as place
    from gathered

{% endcall %}

settled as (

    select
        placed.*,
        case when surplus.exact_call_id is null then root_id else exact_call_id end as call_id
    from placed
    left join (select distinct exact_call_id from placed where place > 1) as surplus using (exact_call_id)

)

select
    utc_date,
    source,
    request_id,
    call_id,
    coalesce(link_method, 'session_and_tokens') as link_method
from settled
qualify count(*) over (partition by call_id) > 1
