-- The arithmetic that the functions for analysts and the marts of plan share, so that a formula stands once. Scalars
-- that rest on no table; sizes in decimal GB (10^9 bytes), bits as in "FP8 is 8".
--   select kv_bytes_per_token(80, 8, 128, 16)   -- Llama-3.3-70B: 327,680
--   select moved_ratio(3, 13, 0.196)            -- an Opus budget, three times stretched with DeepSeek V4 Flash: 0.68

-- ---- demand and prices ----

create or replace macro monthly_tokens(developers, tasks_per_day, tokens_per_task, working_days) as
    cast(developers as double) * tasks_per_day * tokens_per_task * working_days;
comment on macro monthly_tokens is 'Tokens of a month: developers x tasks per day x tokens per task x working days.';

create or replace macro mixed_usd_per_mtok(
    input_usd_per_mtok, cache_read_usd_per_mtok, output_usd_per_mtok, input_ratio, cache_read_ratio
) as
    cast(input_ratio as double) * (1 - cast(cache_read_ratio as double)) * cast(input_usd_per_mtok as double)
    + cast(input_ratio as double) * cast(cache_read_ratio as double) * cast(cache_read_usd_per_mtok as double)
    + (1 - cast(input_ratio as double)) * cast(output_usd_per_mtok as double);
comment on macro mixed_usd_per_mtok is
    'USD per million tokens of which input_ratio is input, and cache_read_ratio of that is read from a cache.';

create or replace macro moved_ratio(stretch, from_usd_per_mtok, to_usd_per_mtok) as
    case
        when cast(to_usd_per_mtok as double) * stretch <= from_usd_per_mtok
            then (1 - 1 / cast(stretch as double)) / (1 - cast(to_usd_per_mtok as double) / from_usd_per_mtok)
    end;
comment on macro moved_ratio is
    'Share of the tokens that has to move to a cheaper model for a budget to last stretch times as long; NULL where '
    'even all are not enough.';

-- ---- memory ----

-- All experts of a mixture are resident, so `parameters_b` are all parameters, in billions.
create or replace macro weights_gb(parameters_b, weight_bits) as cast(parameters_b as double) * weight_bits / 8;
comment on macro weights_gb is 'Memory of the weights in GB (10^9 bytes), of all parameters in billions.';

-- A key and a value for each layer, head and dimension.
create or replace macro kv_bytes_per_token(layers, kv_heads, head_dim, kv_bits) as
    cast(2 * layers * kv_heads * head_dim * kv_bits / 8 as bigint);
comment on macro kv_bytes_per_token is 'Bytes of keys and values that one token takes.';

create or replace macro kv_pool_gb(gpus, memory_gb, memory_utilization_ratio, weights_gb) as
    cast(gpus as double) * memory_gb * memory_utilization_ratio - weights_gb;
comment on macro kv_pool_gb is 'GB left for keys and values beside the weights.';

-- Requests that fit into the pool at once, at their full length; sharing of prefixes comes on top.
create or replace macro max_concurrency(kv_pool_gb, kv_bytes_per_token, tokens_per_request) as
    kv_pool_gb * 1000000000 / (cast(kv_bytes_per_token as double) * tokens_per_request);
comment on macro max_concurrency is 'Requests that fit into the pool at once, at their full length.';

-- ---- time ----

create or replace macro latency_seconds(first_token_ms, inter_token_ms, output_tokens) as
    (cast(first_token_ms as double) + (greatest(output_tokens, 1) - 1) * cast(inter_token_ms as double)) / 1000;
comment on macro latency_seconds is 'Seconds of a request: to the first token, then one by one.';

create or replace macro concurrency(requests_per_second, latency_seconds) as
    cast(requests_per_second as double) * latency_seconds;
comment on macro concurrency is 'Requests in flight, by Little''s law.';

-- What a GPU can take, by a row of core.gpu_throughput: limited by all tokens that it works on (input that is in no
-- cache, and output) and by output alone.
create or replace macro requests_per_gpu_second(
    output_tokens_per_second, row_input_tokens, row_output_tokens, fresh_input_tokens, output_tokens
) as
    least(
        cast(output_tokens_per_second as double) * (row_input_tokens + row_output_tokens) / row_output_tokens
        / (fresh_input_tokens + output_tokens),
        cast(output_tokens_per_second as double) / output_tokens
    );
comment on macro requests_per_gpu_second is 'Requests a second that a GPU can take, by a row of core.gpu_throughput.';

-- The row of a list of rows that a prompt is sized by: one that holds the latency target or does not say its latency
-- (at full load, so only `throughput_at_target_ratio` of it counts); the next longer input, else the longest.
create or replace macro throughput_row(
    throughput_rows, prompt_tokens, first_token_ms, inter_token_ms, throughput_at_target_ratio
) as
    list_min([
        {
            'is_shorter': r.input_tokens < prompt_tokens,
            'distance': abs(r.input_tokens - prompt_tokens),
            'slowness':
            -r.output_tokens_per_second / r.gpus
            * case when r.first_token_ms is null then cast(throughput_at_target_ratio as double) else 1 end,
            'input_tokens': r.input_tokens,
            'output_tokens': r.output_tokens,
            'concurrency': r.concurrency
        }
        for r in throughput_rows
        if coalesce(r.first_token_ms, 0) <= first_token_ms and coalesce(r.inter_token_ms, 0) <= inter_token_ms
    ]);
comment on macro throughput_row is
    'The row of a list of measured rows that a prompt is sized by: the next longer input that holds the latency '
    'target, else the longest.';

-- ---- how many GPUs ----

-- The least GPUs that hold the requests in flight and carry the rate at peak, as whole replicas of 1 to 32 GPUs (or of
-- `gpus_per_replica`), each with all weights and room for at least one request. NULL where nothing fits.
create or replace macro replicas(
    memory_gb, memory_utilization_ratio, weights_gb, kv_bytes_per_token, tokens_per_request, peak_concurrency,
    peak_requests_per_second, requests_per_gpu_second, gpus_per_replica
) as
    list_min([
        {
            'gpus': greatest(
                ceil(peak_concurrency / r.max_concurrency) * r.gpus,
                ceil(cast(peak_requests_per_second as double) / requests_per_gpu_second / r.gpus) * r.gpus
            ),
            'gpus_per_replica': r.gpus,
            'kv_pool_gb': r.kv_pool_gb,
            'max_concurrency': r.max_concurrency,
            'gpus_for_concurrency': ceil(peak_concurrency / r.max_concurrency) * r.gpus,
            'gpus_for_throughput':
            ceil(cast(peak_requests_per_second as double) / requests_per_gpu_second / r.gpus) * r.gpus
        }
        for r in [
            {
                'gpus': g,
                'kv_pool_gb': kv_pool_gb(g, memory_gb, memory_utilization_ratio, weights_gb),
                'max_concurrency': max_concurrency(
                    kv_pool_gb(g, memory_gb, memory_utilization_ratio, weights_gb),
                    kv_bytes_per_token, tokens_per_request
                )
            }
            for g in case when gpus_per_replica is null then [1, 2, 4, 8, 16, 32] else [gpus_per_replica] end
        ]
        if r.max_concurrency >= 1
    ]);
comment on macro replicas is
    'The least GPUs that hold the requests in flight and carry the rate at peak, as whole replicas; NULL where '
    'nothing fits.';

-- ---- what they cost, and against what ----

create or replace macro gpu_usd(gpus, hours_per_day, working_days, usd_per_gpu_hour) as
    cast(gpus as double) * hours_per_day * working_days * usd_per_gpu_hour;
comment on macro gpu_usd is 'USD of GPUs in so many hours a day and working days.';

create or replace macro gpu_tokens(gpus, hours_per_day, working_days, tokens_per_second, utilization_ratio) as
    cast(gpus as double) * hours_per_day * working_days * 3600 * tokens_per_second * utilization_ratio;
comment on macro gpu_tokens is 'Tokens that GPUs give in that time, busy for a share of it.';

-- Tokens from which on own GPUs cost no more than an API: staff and the least GPUs are paid whatever the use, beyond
-- them each token costs its share of a GPU. NULL where that share alone costs more than the API.
create or replace macro break_even_tokens(staff_usd, least_gpu_usd, gpu_usd_per_mtok, api_usd_per_mtok) as
    case
        when cast(gpu_usd_per_mtok as double) < api_usd_per_mtok
            then 1000000 * greatest(
                (cast(staff_usd as double) + least_gpu_usd) / api_usd_per_mtok,
                cast(staff_usd as double) / (api_usd_per_mtok - gpu_usd_per_mtok)
            )
    end;
comment on macro break_even_tokens is
    'Tokens a month from which on own GPUs cost no more than an API; NULL is never.';

create or replace macro is_enough(needed, low, high) as
    case when low >= needed then 'enough' when high >= needed then 'enough at best' else 'not enough' end;
comment on macro is_enough is 'Whether a range of capacity covers a need: enough, enough at best, or not enough.';
