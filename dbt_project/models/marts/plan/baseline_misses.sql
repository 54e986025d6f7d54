-- By how much thirty days went beyond the baseline before them, at every sixth day of the past: the own ones where
-- there are three months of them, else everybody's of the kind, else nothing is said. Services are no measure for
-- people, and two weeks are too short a baseline to be judged by.

{% set fewest_misses = 15 %}
{% set least_history_days = 28 %}

with

own as (

    select
        origins.scope,
        origins.scope_id,
        coalesce(developers.role, 'human') as role,
        list_sort(
            list(round(actual_rests[list_position({{ var('forecast_horizons') }}, 30)] / (30 * mean_of_56) - 1, 6))
            filter (
                where is_step
                and history_days >= {{ least_history_days }}
                and mean_of_56 > 0
                and actual_rests[list_position({{ var('forecast_horizons') }}, 30)] is not null
            )
        ) as miss_ratios
    from {{ ref('forecast_origins') }} as origins
    left join {{ ref('dim_developers') }} as developers
        on origins.scope = 'developer' and origins.scope_id = developers.developer_id
    where origins.measure = 'tokens'
    group by origins.scope, origins.scope_id, developers.role

),

pooled as (

    select
        scope,
        count(*) as windows,
        list_transform(
            quantile_cont(miss_ratio, list_transform(range(101), lambda percentile: percentile / 100)),
            lambda ratio: round(ratio, 6)
        ) as miss_ratios
    from (select scope, role, unnest(miss_ratios) as miss_ratio from own) as everybody
    where role = 'human'
    group by scope

)

select
    own.scope,
    own.scope_id,
    case when len(own.miss_ratios) >= {{ fewest_misses }} then 'own' else 'pooled' end as misses_source,
    case when misses_source = 'own' then len(own.miss_ratios) else pooled.windows end as windows,
    case when misses_source = 'own' then own.miss_ratios else pooled.miss_ratios end as miss_ratios
from own
left join pooled using (scope)
where len(own.miss_ratios) >= {{ fewest_misses }} or pooled.windows >= {{ fewest_misses }}
