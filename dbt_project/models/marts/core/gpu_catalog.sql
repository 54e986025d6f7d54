with

stated as (

    select
        gpu,
        memory_gb,
        usd_per_hour_low,
        coalesce(usd_per_hour_high, usd_per_hour_low) as usd_per_hour_high,
        source,
        note,
        'gpu_catalog.csv' as stated_in,
        1 as precedence
    from {{ source('raw', 'org__gpu_catalog') }}

    union all

    select
        gpu,
        memory_gb,
        usd_per_hour_low,
        usd_per_hour_high,
        source,
        note,
        'default' as stated_in,
        2 as precedence
    from {{ ref('gpu_catalog_defaults') }}

)

select * exclude (precedence)
from stated
qualify row_number() over (partition by gpu order by precedence) = 1
