-- A name with a typo would be passed over, and a chance of 0 or a negative number would give numbers that are none.

{{ config(meta={'dagster': {'ref': {'name': 'assumption_defaults'}}}) }}

select stated.name, stated.value
from {{ source('raw', 'org__assumptions') }} as stated
left join {{ ref('assumption_defaults') }} as known on stated.name = known.name
where
    known.name is null
    or stated.value < 0
    or (stated.value = 0 and (contains(known.unit, 'hours') or contains(known.unit, 'days')))
    or (contains(known.name, 'chance') and (stated.value <= 0 or stated.value >= 1))
