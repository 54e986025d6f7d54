-- How everybody of a kind missed, as nineteen twentieths: what is taken for those who are too young to have missed.

select
    scope,
    measure,
    horizon_days,
    count(*) as pooled_misses,
    list_transform(
        quantile_cont(miss, list_transform(range(1, 20), lambda twentieth: twentieth / 20)),
        lambda miss: round(miss, 6)
    ) as misses
from (select scope, measure, horizon_days, unnest(misses) as miss from {{ ref('forecast_misses') }}) as everybody
group by scope, measure, horizon_days
