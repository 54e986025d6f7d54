-- How everybody of a kind missed, in ratios of the forecast, for people differ in size: the lowest, each twentieth, the
-- highest. It is taken for those who are too young to have missed. Services are no measure for people.

select
    misses.scope,
    misses.measure,
    misses.horizon_days,
    count(*) as pooled_misses,
    list_transform(
        quantile_cont(misses.miss_ratio, list_transform(range(21), lambda twentieth: twentieth / 20)),
        lambda ratio: round(ratio, 6)
    ) as miss_ratios
from (
    select scope, scope_id, measure, horizon_days, unnest(miss_ratios) as miss_ratio
    from {{ ref('forecast_misses') }}
) as misses
left join {{ ref('dim_developers') }} as developers
    on misses.scope = 'developer' and misses.scope_id = developers.developer_id
where coalesce(developers.role, 'human') = 'human'
group by misses.scope, misses.measure, misses.horizon_days
