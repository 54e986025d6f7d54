-- List price and reported cost agree from the calls of the days just built to their daily rows, and from all days
-- through the as-of date to every mart; the cost at agreed prices agrees from the attributed days to every mart.

{{ config(meta={'dagster': {'ref': {'name': 'fct_usage_daily'}}}) }}

{% set list_usd -%}
    fresh_input_list_usd + cache_read_list_usd + cache_write_5m_list_usd + cache_write_1h_list_usd + output_list_usd
    + request_list_usd
{%- endset %}

with

calls as (

    select 'calls' as layer, utc_date, sum(list_usd) as list_usd, sum(reported_usd) as reported_usd
    from (
        select utc_date, {{ list_usd }} as list_usd, reported_usd
        from {{ ref('int_usage_priced') }}

        union all

        -- Of days whose calls were removed, what was kept.
        select utc_date, {{ list_usd }} as list_usd, reported_usd
        from ({{ kept_rows('usage_daily') }}) as kept_usage
    ) as told
    group by utc_date

),

built_days as (

    select 'days' as layer, utc_date, sum({{ list_usd }}) as list_usd, sum(reported_usd) as reported_usd
    from {{ ref('int_usage_daily') }}
    where utc_date in (select utc_date from {{ source('raw', 'paceline__days_to_build') }})
    group by utc_date

),

attributed as (select sum(cost_usd) as cost_usd from {{ ref('int_usage_attributed') }}),

days as (

    select
        sum({{ list_usd }}) as list_usd,
        sum(reported_usd) as reported_usd,
        any_value(attributed.cost_usd) as cost_usd
    from {{ ref('int_usage_daily') }}
    cross join attributed
    where usage_date <= (select as_of_date from {{ source('raw', 'paceline__run') }})

),

marts as (

    {% for mart in [
        ref('fct_usage_daily'), ref('developer_daily'), ref('developer_monthly'), ref('team_monthly'),
        ref('model_daily'), ref('task_type_monthly'),
    ] -%}
    select
        '{{ mart.schema }}.{{ mart.identifier }}' as layer,
        sum(list_usd) as list_usd,
        sum(reported_usd) as reported_usd,
        sum(cost_usd) as cost_usd
    from {{ mart }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    utc_date,
    'calls and their days' as layer,
    calls.list_usd as should_be_list_usd,
    built_days.list_usd,
    calls.reported_usd as should_be_reported_usd,
    built_days.reported_usd,
    null as should_be_cost_usd,
    null as cost_usd
from calls
full join built_days using (utc_date)
where
    calls.list_usd is distinct from built_days.list_usd or calls.reported_usd is distinct from built_days.reported_usd

union all

select
    null as utc_date,
    marts.layer,
    days.list_usd as should_be_list_usd,
    marts.list_usd,
    days.reported_usd as should_be_reported_usd,
    marts.reported_usd,
    days.cost_usd as should_be_cost_usd,
    marts.cost_usd
from marts
cross join days
where
    marts.list_usd is distinct from days.list_usd
    or marts.reported_usd is distinct from days.reported_usd
    or marts.cost_usd is distinct from days.cost_usd
