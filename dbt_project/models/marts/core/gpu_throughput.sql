with

stated as (

    select
        gpu,
        model,
        input_tokens,
        output_tokens,
        concurrency,
        gpus,
        output_tokens_per_second,
        first_token_ms,
        inter_token_ms,
        source,
        note,
        'gpu_throughput.csv' as stated_in,
        1 as precedence
    from {{ source('raw', 'org__gpu_throughput') }}

    union all

    select
        gpu,
        model,
        input_tokens,
        output_tokens,
        concurrency,
        gpus,
        output_tokens_per_second,
        first_token_ms,
        inter_token_ms,
        source,
        note,
        'default' as stated_in,
        2 as precedence
    from {{ ref('gpu_throughput_defaults') }}

)

select * exclude (precedence)
from stated
qualify row_number() over (partition by gpu, model, concurrency, input_tokens, output_tokens order by precedence) = 1
