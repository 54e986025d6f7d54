with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

stated as (

    select name, value, unit, valid_from, note, 'assumptions.csv' as stated_in, 1 as precedence
    from {{ source('raw', 'org__assumptions') }}

    union all

    select name, value, unit, null as valid_from, note, 'default' as stated_in, 2 as precedence
    from {{ ref('assumption_defaults') }}

),

ranked as (

    select
        stated.*,
        row_number() over (partition by name order by precedence, valid_from desc nulls last) as rank
    from stated
    cross join run
    where valid_from is null or valid_from <= run.as_of_date

)

select name, value, unit, valid_from, note, stated_in
from ranked
where rank = 1
