-- The hours of a day and a caller have the calls with usage and the tokens of that day and caller.

{{ config(meta={'dagster': {'ref': {'name': 'int_usage_hourly'}}}) }}

with

hours as (

    select
        utc_date,
        usage_date,
        identity_key,
        sum(requests) as requests,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(total_tokens) as total_tokens
    from {{ ref('int_usage_hourly') }}
    group by utc_date, usage_date, identity_key

),

days as (

    select
        utc_date,
        usage_date,
        identity_key,
        sum(requests) as requests,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(total_tokens) as total_tokens
    from {{ ref('int_usage_daily') }}
    group by utc_date, usage_date, identity_key

)

(select 'in the days only' as found, * from days except select 'in the days only', * from hours)
union all
(select 'in the hours only' as found, * from hours except select 'in the hours only', * from days)
