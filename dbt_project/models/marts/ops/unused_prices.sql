-- Agreed prices of models that nobody has used and no price list knows: they change nothing, and may be misspelled.

with

known as (

    select provider, model from {{ ref('dim_models') }}
    union distinct
    select price_provider as provider, price_model as model from {{ ref('list_prices') }}

),

unused as (

    select agreed.provider, agreed.model, agreed.valid_from, agreed.valid_to
    from {{ source('raw', 'org__price_overrides') }} as agreed
    left join known using (provider, model)
    where known.model is null

)

select
    unused.provider,
    unused.model,
    unused.valid_from,
    unused.valid_to,
    arg_max(
        known.provider || ',' || known.model,
        jaro_winkler_similarity(unused.model, known.model) + jaro_winkler_similarity(unused.provider, known.provider)
    ) as did_you_mean
from unused
left join known on jaro_winkler_similarity(unused.model, known.model) >= 0.9
group by unused.provider, unused.model, unused.valid_from, unused.valid_to
