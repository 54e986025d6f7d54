-- Own GPUs for the organisation's demand, on each open model and GPU: memory, requests in flight at peak and throughput
-- at peak each need some, and the most counts. The arithmetic is that of size_self_hosted, on measured arrivals.

with

assumed as (

    select
        {{ assumption('gpu_hours_from') }}::integer as gpu_hours_from,
        {{ assumption('gpu_hours_per_day') }}::double as gpu_hours_per_day,
        {{ assumption('gpu_memory_utilization_ratio') }}::double as gpu_memory_utilization_ratio,
        {{ assumption('first_token_target_ms') }}::double as first_token_target_ms,
        {{ assumption('inter_token_target_ms') }}::double as inter_token_target_ms,
        {{ assumption('throughput_at_target_ratio') }}::double as throughput_at_target_ratio,
        {{ assumption('self_hosted_cache_most_ratio') }}::double as self_hosted_cache_most_ratio,
        {{ assumption('peak_factor') }}::double as assumed_peak_factor,
        {{ assumption('peak_factor_min_requests') }}::double as peak_factor_min_requests

),

demand as (select * from {{ ref('demand') }} where scope = 'org'),

shapes_of_prompts as (

    select
        demand.month,
        sum(usage_daily.input_tokens) / nullif(sum(usage_daily.requests), 0) as prompt_tokens,
        sum(usage_daily.output_tokens) / nullif(sum(usage_daily.requests), 0) as output_tokens
    from demand
    inner join {{ ref('fct_usage_daily') }} as usage_daily
        on usage_daily.usage_date between demand.baseline_from_date and demand.baseline_until_date
        and usage_daily.role = 'human'
    group by demand.month

),

-- Seconds with so many calls in flight, while the GPUs would run and at other times.
in_flight_seconds as (

    select
        demand.month,
        calendar.is_working_day
        and (concurrency.usage_hour - assumed.gpu_hours_from + 24) % 24 < assumed.gpu_hours_per_day as is_gpu_hour,
        concurrency.in_flight,
        sum(concurrency.requests) as requests,
        sum(concurrency.seconds) as seconds
    from demand
    cross join assumed
    inner join {{ ref('int_concurrency_daily') }} as concurrency
        on concurrency.usage_date between demand.baseline_from_date and demand.baseline_until_date
    inner join {{ ref('dim_calendar') }} as calendar on concurrency.usage_date = calendar.calendar_date
    group by all

),

cumulated as (

    select
        *,
        sum(seconds) over (partition by month, is_gpu_hour order by in_flight)
        / sum(seconds) over (partition by month, is_gpu_hour) as seconds_ratio
    from in_flight_seconds

),

arrivals as (

    select
        month,
        sum(requests) filter (where is_gpu_hour) as timed_requests,
        round(coalesce(timed_requests, 0) / nullif(sum(requests), 0), 6) as gpu_hours_ratio,
        sum(seconds) filter (where is_gpu_hour) as busy_seconds,
        round(sum(in_flight * seconds) filter (where is_gpu_hour) / busy_seconds, 6) as mean_in_flight,
        min(in_flight) filter (where is_gpu_hour and seconds_ratio >= 0.95) as p95_in_flight,
        min(in_flight) filter (where is_gpu_hour and seconds_ratio >= 0.99) as p99_in_flight
    from cumulated
    group by month

),

rates as (

    select
        demand.month,
        demand.scope,
        demand.scope_id,
        demand.demand_tokens,
        demand.working_days,
        shapes_of_prompts.prompt_tokens,
        shapes_of_prompts.output_tokens,
        least(coalesce(demand.cache_read_ratio, 0), assumed.self_hosted_cache_most_ratio) as cache_read_ratio,
        arrivals.timed_requests,
        coalesce(arrivals.gpu_hours_ratio, 1) as gpu_hours_ratio,
        arrivals.mean_in_flight,
        arrivals.p95_in_flight,
        arrivals.p99_in_flight,
        case when arrivals.timed_requests >= assumed.peak_factor_min_requests then 'measured' else 'assumed' end
            as peak_source,
        case
            when peak_source = 'measured' then round(arrivals.timed_requests / arrivals.busy_seconds, 6)
            else round(
                demand.demand_tokens / (shapes_of_prompts.prompt_tokens + shapes_of_prompts.output_tokens)
                / (demand.working_days * assumed.gpu_hours_per_day * 3600),
                6
            )
        end as mean_requests_per_second,
        case
            when peak_source = 'measured' then round(arrivals.p99_in_flight / arrivals.mean_in_flight, 6)
            else assumed.assumed_peak_factor
        end as peak_factor,
        round(mean_requests_per_second * peak_factor, 6) as peak_requests_per_second
    from demand
    cross join assumed
    inner join shapes_of_prompts on demand.month = shapes_of_prompts.month
    left join arrivals on demand.month = arrivals.month
    where shapes_of_prompts.output_tokens > 0

),

measured as (

    select rows.gpu, rows.model, list(rows) as throughput_rows
    from {{ ref('gpu_throughput') }} as rows
    group by rows.gpu, rows.model

),

needs as (

    select
        rates.*,
        assumed.* exclude (assumed_peak_factor, self_hosted_cache_most_ratio, peak_factor_min_requests),
        shapes.model,
        shapes.source as model_source,
        gpus.gpu,
        gpus.source as gpu_source,
        gpus.memory_gb,
        gpus.usd_per_hour_low,
        gpus.usd_per_hour_high,
        shapes.parameters_b,
        shapes.weight_bits,
        shapes.kv_bits,
        weights_gb(shapes.parameters_b, shapes.weight_bits) as weights_gb,
        kv_bytes_per_token(shapes.layers, shapes.kv_heads, shapes.head_dim, shapes.kv_bits) as kv_bytes_per_token,
        throughput_row(
            measured.throughput_rows, rates.prompt_tokens, assumed.first_token_target_ms,
            assumed.inter_token_target_ms, assumed.throughput_at_target_ratio
        ) as throughput,
        latency_seconds(assumed.first_token_target_ms, assumed.inter_token_target_ms, rates.output_tokens)
            as latency_seconds
    from rates
    cross join assumed
    cross join {{ ref('model_shapes') }} as shapes
    cross join {{ ref('gpu_catalog') }} as gpus
    left join measured on shapes.model = measured.model and gpus.gpu = measured.gpu

),

rated as (

    select
        *,
        requests_per_gpu_second(
            -needs.throughput.slowness, needs.throughput.input_tokens, needs.throughput.output_tokens,
            needs.prompt_tokens * (1 - needs.cache_read_ratio), needs.output_tokens
        ) as requests_per_gpu_second,
        greatest(1, concurrency(needs.peak_requests_per_second, needs.latency_seconds)) as peak_concurrency
    from needs

),

fleets as (

    select
        *,
        replicas(
            rated.memory_gb, rated.gpu_memory_utilization_ratio, rated.weights_gb, rated.kv_bytes_per_token,
            rated.prompt_tokens + rated.output_tokens, rated.peak_concurrency, rated.peak_requests_per_second,
            rated.requests_per_gpu_second, null
        ) as fleet
    from rated

),

sized as (

    select *, case when requests_per_gpu_second is not null then fleets.fleet.gpus end::integer as gpus_needed
    from fleets

)

select
    month,
    scope,
    scope_id,
    model,
    gpu,
    gpus_needed,
    case
        when sized.fleet is null then 'does not fit'
        when gpus_needed is null then 'no throughput measured'
        when gpus_needed = sized.fleet.gpus_per_replica then 'memory'
        when sized.fleet.gpus_for_concurrency > sized.fleet.gpus_for_throughput then 'concurrency'
        else 'throughput'
    end as bound_by,
    sized.fleet.gpus_per_replica,
    sized.fleet.gpus_for_concurrency::integer as gpus_for_concurrency,
    sized.fleet.gpus_for_throughput::integer as gpus_for_throughput,

    -- what is asked of them
    demand_tokens,
    gpu_hours_ratio,
    round(demand_tokens * gpu_hours_ratio)::bigint as gpu_demand_tokens,
    round(prompt_tokens, 6) as prompt_tokens,
    round(output_tokens, 6) as output_tokens,
    round(cache_read_ratio, 6) as cache_read_ratio,
    timed_requests,
    mean_in_flight,
    p95_in_flight,
    p99_in_flight,
    peak_source,
    mean_requests_per_second,
    peak_factor,
    peak_requests_per_second,
    first_token_target_ms,
    inter_token_target_ms,
    round(latency_seconds, 6) as latency_seconds,
    round(peak_concurrency, 6) as peak_concurrency,

    -- what they hold
    parameters_b,
    weight_bits,
    round(weights_gb, 6) as weights_gb,
    kv_bits,
    kv_bytes_per_token,
    memory_gb,
    gpu_memory_utilization_ratio,
    round(sized.fleet.kv_pool_gb, 6) as kv_pool_gb,
    round(sized.fleet.max_concurrency)::integer as max_concurrency,

    -- what they carry
    sized.throughput.input_tokens as throughput_input_tokens,
    sized.throughput.output_tokens as throughput_output_tokens,
    sized.throughput.concurrency as throughput_concurrency,
    case
        when sized.throughput.is_shorter then 'longest measured, shorter than the prompt'
        when sized.throughput is not null then 'next longer than the prompt'
    end as throughput_basis,
    throughput_at_target_ratio,
    round(-sized.throughput.slowness, 6) as output_tokens_per_gpu_second,
    round(requests_per_gpu_second, 6) as requests_per_gpu_second,

    -- what they cost
    gpu_hours_from,
    gpu_hours_per_day,
    working_days,
    usd_per_hour_low,
    usd_per_hour_high,
    round(gpu_usd(gpus_needed, gpu_hours_per_day, working_days, usd_per_hour_low), 6) as gpu_usd_low,
    round(gpu_usd(gpus_needed, gpu_hours_per_day, working_days, usd_per_hour_high), 6) as gpu_usd_high,
    round(1000000 * gpu_usd_low / nullif(gpu_demand_tokens, 0), 6) as gpu_usd_per_mtok_low,
    round(1000000 * gpu_usd_high / nullif(gpu_demand_tokens, 0), 6) as gpu_usd_per_mtok_high,
    round(
        gpu_tokens(
            1, gpu_hours_per_day, working_days, requests_per_gpu_second * (prompt_tokens + output_tokens), 1
        )
    )::bigint as most_tokens_per_gpu,
    round(gpu_demand_tokens / nullif(gpus_needed * most_tokens_per_gpu, 0), 6) as utilization_ratio,
    model_source,
    gpu_source
from sized
