with

stated as (

    select
        model,
        parameters_b,
        active_parameters_b,
        weight_bits,
        layers,
        kv_heads,
        head_dim,
        kv_bits,
        source,
        note,
        'model_shapes.csv' as stated_in,
        1 as precedence
    from {{ source('raw', 'org__model_shapes') }}

    union all

    select
        model,
        parameters_b,
        active_parameters_b,
        weight_bits,
        layers,
        kv_heads,
        head_dim,
        kv_bits,
        source,
        note,
        'default' as stated_in,
        2 as precedence
    from {{ ref('model_shape_defaults') }}

)

select * exclude (precedence)
from stated
qualify row_number() over (partition by model order by precedence) = 1
