-- What every demand of scenarios.csv would cost on each reference model, with the mix that the scope itself has.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

mixes as (

    select scope, scope_id, month as mix_month, input_ratio, cache_read_ratio
    from {{ ref('demand') }}
    where demand_tokens > 0
    qualify row_number() over (partition by scope, scope_id order by month desc) = 1

),

scenarios as (

    select
        stated.scenario,
        stated.scope,
        case when stated.scope = 'org' then 'org' else stated.scope_id end as scope_id,
        stated.month,
        stated.developers,
        stated.tasks_per_day,
        stated.tokens_per_task,
        coalesce(stated.working_days, {{ assumption('working_days') }}) as working_days
    from {{ source('raw', 'org__scenarios') }} as stated

),

priced as (

    select
        scenarios.*,
        round(
            monthly_tokens(
                scenarios.developers, scenarios.tasks_per_day, scenarios.tokens_per_task, scenarios.working_days
            )
        )::bigint as demand_tokens,
        models.provider,
        models.model,
        prices.input_usd_per_mtok,
        prices.cache_read_usd_per_mtok,
        prices.output_usd_per_mtok,
        run.as_of_date as prices_of_date,
        mixes.mix_month,
        round(coalesce(mixes.input_ratio, {{ assumption('input_ratio') }}::double), 6) as input_ratio,
        round(coalesce(mixes.cache_read_ratio, 0), 6) as cache_read_ratio
    from scenarios
    cross join run
    cross join {{ ref('reference_models') }} as models
    inner join {{ ref('list_prices') }} as prices
        on models.provider = prices.price_provider
        and models.model = prices.price_model
        and {{ price_of_small_calls('prices', 'run.as_of_date') }}
    left join mixes on scenarios.scope = mixes.scope and scenarios.scope_id = mixes.scope_id

)

select
    scenario,
    scope,
    scope_id,
    month,
    provider,
    model,
    developers,
    tasks_per_day,
    tokens_per_task,
    working_days,
    demand_tokens,
    input_ratio,
    cache_read_ratio,
    mix_month,
    prices_of_date,
    input_usd_per_mtok,
    cache_read_usd_per_mtok,
    output_usd_per_mtok,
    round(
        mixed_usd_per_mtok(
            input_usd_per_mtok, cache_read_usd_per_mtok, output_usd_per_mtok, input_ratio, cache_read_ratio
        ),
        6
    ) as usd_per_mtok,
    round(
        demand_tokens / 1000000 * mixed_usd_per_mtok(
            input_usd_per_mtok, cache_read_usd_per_mtok, output_usd_per_mtok, input_ratio, cache_read_ratio
        ),
        6
    ) as demand_usd
from priced
