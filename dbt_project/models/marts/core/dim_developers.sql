-- As of the as-of date: the row valid then, else the last one before, else the first one after.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

ranked as (

    select
        developers.*,
        row_number() over (
            partition by developer_id
            order by
                valid_from <= run.as_of_date desc,
                case when valid_from <= run.as_of_date then valid_from end desc,
                valid_from
        ) as rank,
        min(valid_from) over (partition by developer_id) as first_valid_from,
        run.as_of_date between valid_from and valid_to as is_current
    from {{ ref('int_developers_dated') }} as developers
    cross join run

)

select
    developer_id,
    email,
    name,
    team_id,
    role,
    slack_id,
    first_valid_from as valid_from,
    nullif(valid_to, date '9999-12-31') as valid_to,
    is_current,
    is_derived
from ranked
where rank = 1
