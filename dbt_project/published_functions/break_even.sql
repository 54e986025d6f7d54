-- Own GPUs against the API of each reference model, for a demand in tokens a month. Grain: model.
--   from break_even(330e6, as_of := '2026-06-06')   -- three A100s at 2 to 4 USD an hour, 30 to 50 tokens/s each
--   from break_even(5e9, gpus := 16, usd_per_gpu_hour := [2.5, 5], tokens_per_second := [200, 400], staff_usd := 3000)
-- `usd_per_gpu_hour` and `tokens_per_second` (output, of each GPU) are ranges, so the break-even is a line:
-- `same_money_tokens` is what the API sells for the cost of the GPUs at the low and at the high price;
-- `break_even_tokens` is from where on they cost no more at best (low price, high speed) and at worst. NULL is never:
-- a token then costs more on these GPUs than on the API even when they are never idle. Time to read the input is not
-- counted: size_self_hosted counts it. Rests on core.list_prices.
create or replace macro break_even(
    tokens,
    as_of := current_date,
    input_ratio := 0.6,
    cache_read_ratio := 0,
    gpus := 3,
    hours_per_day := 10,
    working_days := 22,
    usd_per_gpu_hour := [2, 4],
    tokens_per_second := [30, 50],
    utilization_ratio := 1,
    staff_usd := 0
) as table

with

own as (

    select
        cast(tokens as double) as demand_tokens,
        demand_tokens * (1 - cast(input_ratio as double)) as demand_output_tokens,
        gpu_usd(gpus, hours_per_day, working_days, list_min(usd_per_gpu_hour)) as gpu_usd_low,
        gpu_usd(gpus, hours_per_day, working_days, list_max(usd_per_gpu_hour)) as gpu_usd_high,
        gpu_tokens(gpus, hours_per_day, working_days, list_min(tokens_per_second), utilization_ratio)
            as gpu_output_tokens_low,
        gpu_tokens(gpus, hours_per_day, working_days, list_max(tokens_per_second), utilization_ratio)
            as gpu_output_tokens_high,
        is_enough(demand_output_tokens, gpu_output_tokens_low, gpu_output_tokens_high) as capacity

),

compared as (

    select
        prices.provider,
        prices.model,
        prices.usd_per_mtok,
        own.*,
        own.demand_tokens * prices.usd_per_mtok / 1000000 as api_usd,
        1000000 * own.gpu_usd_low * (1 - cast(input_ratio as double)) / nullif(own.gpu_output_tokens_high, 0)
            as gpu_usd_per_mtok_low,
        1000000 * own.gpu_usd_high * (1 - cast(input_ratio as double)) / nullif(own.gpu_output_tokens_low, 0)
            as gpu_usd_per_mtok_high
    from estimate(
        1, 1, 1, as_of := as_of, input_ratio := input_ratio, cache_read_ratio := cache_read_ratio
    ) as prices
    cross join own

)

select
    provider,
    model,
    usd_per_mtok,
    cast(round(demand_tokens) as bigint) as demand_tokens,
    round(api_usd, 6) as api_usd,
    gpus as gpus,
    round(gpu_usd_low, 6) as gpu_usd_low,
    round(gpu_usd_high, 6) as gpu_usd_high,
    staff_usd as staff_usd,
    cast(round(demand_output_tokens) as bigint) as demand_output_tokens,
    cast(round(gpu_output_tokens_low) as bigint) as gpu_output_tokens_low,
    cast(round(gpu_output_tokens_high) as bigint) as gpu_output_tokens_high,
    capacity,
    round(gpu_usd_per_mtok_low, 6) as gpu_usd_per_mtok_low,
    round(gpu_usd_per_mtok_high, 6) as gpu_usd_per_mtok_high,
    cast(round(1000000 * gpu_usd_low / nullif(usd_per_mtok, 0)) as bigint) as same_money_tokens_low,
    cast(round(1000000 * gpu_usd_high / nullif(usd_per_mtok, 0)) as bigint) as same_money_tokens_high,
    cast(round(break_even_tokens(staff_usd, gpu_usd_low, gpu_usd_per_mtok_low, usd_per_mtok)) as bigint)
        as break_even_tokens_low,
    cast(round(break_even_tokens(staff_usd, gpu_usd_high, gpu_usd_per_mtok_high, usd_per_mtok)) as bigint)
        as break_even_tokens_high,
    case
        when api_usd <= gpu_usd_low + staff_usd then 'API'
        when capacity = 'not enough' then 'API, or more GPUs'
        when api_usd > gpu_usd_high + staff_usd and capacity = 'enough' then 'own GPUs'
        else 'depends on price and speed'
    end as verdict
from compared
order by usd_per_mtok desc, model;

comment on macro table break_even is
    'Own GPUs against the API of each reference model, for a demand in tokens a month: from break_even(330e6, as_of '
    ':= ''2026-06-06''). NULL break_even_tokens is never. One row per model.';
