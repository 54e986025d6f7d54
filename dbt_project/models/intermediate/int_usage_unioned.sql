-- Each call once: what one observer saw alone, and what several saw together.

-- A view over the lake, so it stands with staging and is not published. Spark would make it anew for each reader.
{{ config(materialized='table' if on_spark() else 'view', schema='staging') }}

-- Neighbours of the days to build are read for what they share with them; they keep their own rows.
select
    {{ call_columns('observed') }},
    observed.source as observers,
    observed.observer_layer as observer_layers,
    cast(null as string) as agent_user
from {{ ref('int_calls_observed') }} as observed
inner join {{ source('raw', 'paceline__days_to_build') }} as days using (utc_date)
where not days.is_kept and not exists (
    select 1 from {{ ref('int_call_links') }} as links
    where
        links.source = observed.source
        and links.request_id = observed.request_id
        and links.utc_date = observed.utc_date
)

union all

select
    {{ call_columns('linked') }},
    linked.observers,
    linked.observer_layers,
    linked.agent_user
from {{ ref('int_calls_linked') }} as linked
inner join {{ source('raw', 'paceline__days_to_build') }} as days using (utc_date)
where not days.is_kept
