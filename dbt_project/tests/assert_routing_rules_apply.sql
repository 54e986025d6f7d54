{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'fct_usage_daily'}}}) }}

select rules.task_type, rules.to_provider, rules.to_model
from {{ source('raw', 'org__routing_rules') }} as rules
where
    rules.task_type not in (select task_type from {{ ref('fct_usage_daily') }} where task_type is not null)
    or (rules.to_provider, rules.to_model) not in (
        select row(price_provider, price_model) from {{ ref('list_prices') }}
    )
