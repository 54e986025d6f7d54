-- One row in, one row out, each with a price: two fitting prices or names would count the call twice, and a missing
-- amount would make it free.

{{ config(meta={'dagster': {'ref': {'name': 'int_usage_priced'}}}) }}

with

calls as (select utc_date, count(*) as calls from {{ ref('int_usage_unioned') }} group by utc_date),

priced as (

    select
        utc_date,
        count(*) as calls,
        count(
            fresh_input_list_usd + cache_read_list_usd + cache_write_5m_list_usd + cache_write_1h_list_usd
            + output_list_usd + request_list_usd
        ) as with_price
    from {{ ref('int_usage_priced') }}
    group by utc_date

)

select
    utc_date,
    calls.calls,
    priced.calls as priced_calls,
    priced.with_price
from calls
full join priced using (utc_date)
where calls.calls is distinct from priced.calls or priced.calls is distinct from priced.with_price
