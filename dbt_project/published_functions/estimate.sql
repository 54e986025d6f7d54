-- What a demand would cost on each reference model, at the list prices of a day. Grain: model.
--   from estimate(10, 30, 50000, as_of := '2026-06-06')
-- Prices are those of small calls (below the first context tier) at noon UTC. `cache_read_ratio` is the share of input
-- that is read from a cache; what writing it costs is left out. `stretch_3x_moved_ratio` is the share of a model's
-- tokens that has to move to the cheapest model for its budget to last three times as long; NULL where it cannot.
-- Rests on core.list_prices.
create or replace macro estimate(
    developers,
    tasks_per_day,
    tokens_per_task,
    as_of := current_date,
    input_ratio := 0.6,
    working_days := 22,
    cache_read_ratio := 0
) as table

with

demand as (

    select
        developers as developers,
        monthly_tokens(developers, tasks_per_day, tokens_per_task, working_days) as demand_tokens

),

priced as (

    select
        models.provider,
        models.model,
        prices.input_usd_per_mtok,
        prices.cache_read_usd_per_mtok,
        prices.output_usd_per_mtok,
        demand.developers,
        demand.demand_tokens,
        mixed_usd_per_mtok(
            prices.input_usd_per_mtok, prices.cache_read_usd_per_mtok, prices.output_usd_per_mtok,
            input_ratio, cache_read_ratio
        ) as usd_per_mtok,
        demand.demand_tokens * usd_per_mtok / 1000000 as monthly_usd,
        min(usd_per_mtok) over () as cheapest_usd_per_mtok
    from intermediate.reference_models as models
    cross join demand
    inner join core.list_prices as prices
        on models.provider = prices.price_provider
        and models.model = prices.price_model
        and prices.service_tier = 'standard'
        and cast(as_of as date) between prices.valid_from and prices.valid_to
        and 720 >= prices.from_utc_minute
        and 720 < prices.to_utc_minute
        and prices.above_input_tokens < 0

)

select
    provider,
    model,
    input_usd_per_mtok,
    cache_read_usd_per_mtok,
    output_usd_per_mtok,
    cast(round(demand_tokens) as bigint) as monthly_tokens,
    round(monthly_usd, 6) as monthly_usd,
    round(monthly_usd / nullif(developers, 0), 6) as usd_per_developer,
    usd_per_mtok / nullif(cheapest_usd_per_mtok, 0) as times_the_cheapest,
    usd_per_mtok,
    first(model) over (order by usd_per_mtok, model) as cheapest_model,
    round(moved_ratio(3, usd_per_mtok, cheapest_usd_per_mtok), 6) as stretch_3x_moved_ratio,
    round(moved_ratio(5, usd_per_mtok, cheapest_usd_per_mtok), 6) as stretch_5x_moved_ratio
from priced
order by monthly_usd desc, model;

comment on macro table estimate is
    'What a demand would cost on each reference model, at the list prices of a day: from estimate(10, 30, 50000, '
    'as_of := ''2026-06-06''). One row per model.';
