-- Every call of the days just built is in their daily rows: calls, tokens and tokens by kind agree, day by day. So are
-- the rows that were kept of days whose calls were removed.

{{ config(meta={'dagster': {'ref': {'name': 'int_usage_daily'}}}) }}

with

calls as (

    select
        utc_date,
        sum(calls) as calls,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(total_tokens) as total_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(reasoning_tokens) as reasoning_tokens
    from (
        select
            utc_date,
            1 as calls,
            input_tokens,
            output_tokens,
            total_tokens,
            cache_read_tokens,
            cache_write_tokens,
            reasoning_tokens
        from {{ ref('int_usage_priced') }}

        union all

        select
            utc_date,
            requests + failed_requests + cache_hit_requests as calls,
            input_tokens,
            output_tokens,
            total_tokens,
            cache_read_tokens,
            cache_write_tokens,
            reasoning_tokens
        from ({{ kept_rows('usage_daily') }}) as kept_usage
    ) as told
    group by utc_date

),

days as (

    select
        utc_date,
        sum(requests + failed_requests + cache_hit_requests) as calls,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(total_tokens) as total_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(reasoning_tokens) as reasoning_tokens
    from {{ ref('int_usage_daily') }}
    where utc_date in (select utc_date from {{ source('raw', 'paceline__days_to_build') }})
    group by utc_date

)

(select 'in the calls only' as found, * from calls except select 'in the calls only', * from days)
union all
(select 'in the days only' as found, * from days except select 'in the days only', * from calls)
