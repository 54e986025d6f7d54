-- GPUs that a demand needs on each open model and GPU, for a latency target. Grain: model x GPU.
--   from size_self_hosted(330e6, 18000, 300, cache_read_ratio := 0.5)
--   from size_self_hosted(1e9, 5000, 500, kv_bits := 8, gpus_per_replica := 2)
--   where model = 'llama-3.3-70b' and gpu = 'h100-80gb'   -- 81 requests at once
-- `tokens` are a month's, input and output, used in `hours_per_day` x `working_days`; `prompt_tokens` and
-- `output_tokens` are those of one request; `peak_factor` is the rate at peak over the mean rate. The three needs are
-- memory (weights and keys and values of the requests in flight), concurrency at peak by Little's law at the latency
-- target, and throughput at peak by the measured row of the next longer input, net of `cache_read_ratio`. NULL GPUs
-- mean that nobody measured that model on that GPU (add it to gpu_throughput.csv). The defaults are those of
-- seeds/assumption_defaults.csv. Rests on core.model_shapes, core.gpu_catalog and core.gpu_throughput, which name
-- their sources.
create or replace macro size_self_hosted(
    tokens,
    prompt_tokens,
    output_tokens,
    cache_read_ratio := 0,
    peak_factor := 3.3,
    first_token_ms := 1000,
    inter_token_ms := 60,
    throughput_at_target_ratio := 0.5,
    memory_utilization_ratio := 0.9,
    weight_bits := null,
    kv_bits := null,
    gpus_per_replica := null,
    hours_per_day := 10,
    working_days := 22
) as table

with

shapes as (

    select
        stated.model,
        stated.parameters_b,
        stated.layers,
        stated.kv_heads,
        stated.head_dim,
        stated.weight_bits as stated_weight_bits,
        stated.kv_bits as stated_kv_bits
    from core.model_shapes as stated

),

measured as (

    select rows.gpu, rows.model, list(rows) as throughput_rows
    from core.gpu_throughput as rows
    group by rows.gpu, rows.model

),

needs as (

    select
        shapes.model,
        gpus.gpu,
        gpus.memory_gb,
        gpus.usd_per_hour_low,
        gpus.usd_per_hour_high,
        weights_gb(shapes.parameters_b, coalesce(weight_bits, shapes.stated_weight_bits)) as weights_gb,
        kv_bytes_per_token(shapes.layers, shapes.kv_heads, shapes.head_dim, coalesce(kv_bits, shapes.stated_kv_bits))
            as kv_bytes_per_token,
        throughput_row(
            measured.throughput_rows, prompt_tokens, first_token_ms, inter_token_ms, throughput_at_target_ratio
        ) as measured_row,
        cast(tokens as double) / (prompt_tokens + output_tokens) / (hours_per_day * working_days * 3600)
        * peak_factor as peak_requests_per_second,
        greatest(
            1,
            concurrency(peak_requests_per_second, latency_seconds(first_token_ms, inter_token_ms, output_tokens))
        ) as peak_concurrency
    from shapes
    cross join core.gpu_catalog as gpus
    left join measured on shapes.model = measured.model and gpus.gpu = measured.gpu

),

rated as (

    select
        needs.*,
        requests_per_gpu_second(
            -needs.measured_row.slowness, needs.measured_row.input_tokens, needs.measured_row.output_tokens,
            prompt_tokens * (1 - cast(cache_read_ratio as double)), output_tokens
        ) as requests_per_gpu_second
    from needs

),

fleets as (

    select
        rated.*,
        replicas(
            rated.memory_gb, memory_utilization_ratio, rated.weights_gb, rated.kv_bytes_per_token,
            prompt_tokens + output_tokens, rated.peak_concurrency, rated.peak_requests_per_second,
            rated.requests_per_gpu_second, gpus_per_replica
        ) as fleet
    from rated

),

sized as (

    select fleets.*, case when fleets.requests_per_gpu_second is not null then fleets.fleet.gpus end as gpus_needed
    from fleets

)

select
    sized.model,
    sized.gpu,
    cast(sized.gpus_needed as integer) as gpus_needed,
    case
        when sized.fleet is null then 'does not fit'
        when sized.gpus_needed is null then 'no throughput measured'
        when sized.gpus_needed = sized.fleet.gpus_per_replica then 'memory'
        when sized.fleet.gpus_for_concurrency > sized.fleet.gpus_for_throughput then 'concurrency'
        else 'throughput'
    end as bound_by,
    sized.fleet.gpus_per_replica,
    cast(sized.fleet.gpus_for_concurrency as integer) as gpus_for_concurrency,
    cast(sized.fleet.gpus_for_throughput as integer) as gpus_for_throughput,
    round(sized.weights_gb, 6) as weights_gb,
    sized.kv_bytes_per_token,
    round(sized.fleet.kv_pool_gb, 6) as kv_pool_gb,
    cast(round(sized.fleet.max_concurrency) as bigint) as max_concurrency,
    round(sized.peak_requests_per_second, 6) as peak_requests_per_second,
    round(sized.peak_concurrency, 6) as peak_concurrency,
    sized.measured_row.input_tokens as throughput_input_tokens,
    sized.measured_row.output_tokens as throughput_output_tokens,
    round(-sized.measured_row.slowness, 6) as output_tokens_per_gpu_second,
    round(sized.requests_per_gpu_second, 6) as requests_per_gpu_second,
    round(gpu_usd(sized.gpus_needed, hours_per_day, working_days, sized.usd_per_hour_low), 6) as gpu_usd_low,
    round(gpu_usd(sized.gpus_needed, hours_per_day, working_days, sized.usd_per_hour_high), 6) as gpu_usd_high,
    round(1000000 * gpu_usd_low / tokens, 6) as gpu_usd_per_mtok_low,
    round(1000000 * gpu_usd_high / tokens, 6) as gpu_usd_per_mtok_high,
    round(
        cast(tokens as double) / (prompt_tokens + output_tokens)
        / gpu_tokens(sized.gpus_needed, hours_per_day, working_days, sized.requests_per_gpu_second, 1),
        6
    ) as utilization_ratio
from sized
order by sized.model, sized.gpu;

comment on macro table size_self_hosted is
    'GPUs that a demand in tokens a month needs on each open model and GPU, for a latency target: from '
    'size_self_hosted(330e6, 18000, 300, cache_read_ratio := 0.5). NULL GPUs: nobody measured that model on that '
    'GPU. One row per model and GPU.';
