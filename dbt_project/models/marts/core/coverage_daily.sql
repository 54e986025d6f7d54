-- Who saw what of a developer's use, day by day. Tokens are those that are counted, whoever saw them.

{% set observers = {
    'gateway': 'gateway',
    'telemetry': 'agent_telemetry',
    'transcript': 'agent_transcript',
    'agent': 'agent',
    'provider': 'provider',
    'server': 'server',
} %}

with

usage as (

    select
        usage_date,
        developer_id,
        string_split(observer_layers, ', ') as layers,
        contains(observers, ', ') as is_linked,
        route,
        requests,
        total_tokens
    from {{ ref('int_usage_attributed') }}

),

seen as (

    select
        usage_date,
        developer_id,
        sum(requests) as requests,
        sum(total_tokens) as total_tokens,
        {% for name, layer in observers.items() -%}
        bool_or(list_contains(layers, '{{ layer }}')) as is_{{ name }},
        coalesce(sum(requests) filter (where list_contains(layers, '{{ layer }}')), 0) as {{ name }}_requests,
        coalesce(sum(total_tokens) filter (where list_contains(layers, '{{ layer }}')), 0) as {{ name }}_tokens,
        {% endfor -%}
        coalesce(sum(requests) filter (where is_linked), 0) as linked_requests,
        coalesce(sum(total_tokens) filter (where is_linked), 0) as linked_tokens,
        coalesce(sum(requests) filter (where route = 'direct'), 0) as direct_requests,
        coalesce(sum(total_tokens) filter (where route = 'direct'), 0) as direct_tokens
    from usage
    group by usage_date, developer_id

),

-- The UTC day of the bill stands for the company's day.
billed as (

    select utc_date as usage_date, developer_id, sum(total_tokens) as billed_tokens
    from {{ ref('fct_billed_daily') }}
    where developer_id is not null and total_tokens > 0
    group by utc_date, developer_id

),

unobserved as (

    select usage_date, developer_id, sum(unobserved_tokens) as unobserved_tokens
    from {{ ref('unobserved_daily') }}
    group by usage_date, developer_id

),

days as (

    select
        usage_date,
        developer_id,
        coalesce(seen.requests, 0) as requests,
        coalesce(seen.total_tokens, 0) as total_tokens,
        {% for name in observers -%}
        coalesce(seen.is_{{ name }}, false) as is_{{ name }},
        coalesce(seen.{{ name }}_requests, 0) as {{ name }}_requests,
        coalesce(seen.{{ name }}_tokens, 0) as {{ name }}_tokens,
        -- The last day up to this one on which it saw the developer.
        max(usage_date) filter (where seen.is_{{ name }}) over so_far as {{ name }}_last_date,
        {% endfor -%}
        coalesce(seen.linked_requests, 0) as linked_requests,
        coalesce(seen.linked_tokens, 0) as linked_tokens,
        coalesce(seen.direct_requests, 0) as direct_requests,
        coalesce(seen.direct_tokens, 0) as direct_tokens,
        billed.billed_tokens,
        coalesce(unobserved.unobserved_tokens, 0) as unobserved_tokens
    from seen
    full join billed using (usage_date, developer_id)
    left join unobserved using (usage_date, developer_id)
    window so_far as (partition by developer_id order by usage_date rows unbounded preceding)

),

-- Who has no gateway bypasses none.
gateway as (select min(usage_date) filter (where is_gateway) as first_seen_date from seen)

select
    days.usage_date,
    days.developer_id,
    coalesce(developers.team_id, 'unattributed') as team_id,
    cast(requests as bigint) as requests,
    cast(total_tokens as bigint) as total_tokens,
    {% for name in observers -%}
    cast({{ name }}_requests as bigint) as {{ name }}_requests,
    cast({{ name }}_tokens as bigint) as {{ name }}_tokens,
    case
        when not is_{{ name }} and {{ name }}_last_date is not null
            then min(days.usage_date) filter (where not is_{{ name }})
                over (partition by days.developer_id, {{ name }}_last_date)
    end as {{ name }}_silent_since_date,
    {% endfor -%}
    cast(linked_requests as bigint) as linked_requests,
    cast(linked_tokens as bigint) as linked_tokens,
    cast(direct_requests as bigint) as direct_requests,
    cast(direct_tokens as bigint) as direct_tokens,
    direct_tokens / nullif(total_tokens, 0) as direct_ratio,
    cast(billed_tokens as bigint) as billed_tokens,
    cast(unobserved_tokens as bigint) as unobserved_tokens,
    (billed_tokens - unobserved_tokens) / billed_tokens as bill_coverage_ratio,
    case
        when days.usage_date >= gateway.first_seen_date
            then (direct_tokens + unobserved_tokens) / nullif(total_tokens + unobserved_tokens, 0)
    end as bypass_ratio
from days
cross join gateway
cross join {{ source('raw', 'paceline__run') }} as run
left join {{ ref('int_developers_dated') }} as developers
    on days.developer_id = developers.developer_id
    and days.usage_date between developers.valid_from and developers.valid_to
where days.usage_date <= run.as_of_date
