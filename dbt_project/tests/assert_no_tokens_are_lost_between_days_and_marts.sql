-- Through the as-of date every mart that adds up all usage has the same months: calls, tokens and tokens by kind.

{{ config(meta={'dagster': {'ref': {'name': 'fct_usage_daily'}}}) }}

{% set measures = [
    'requests', 'failed_requests', 'cache_hit_requests', 'input_tokens', 'cache_read_tokens', 'cache_write_tokens',
    'output_tokens', 'reasoning_tokens', 'total_tokens', 'estimated_tokens',
] %}

with

days as (

    select
        date_trunc('month', usage_date)::date as month
        {% for measure in measures -%}
        , sum({{ measure }}) as {{ measure }}
        {% endfor %}
    from {{ ref('int_usage_daily') }}
    where usage_date <= (select as_of_date from {{ source('raw', 'paceline__run') }})
    group by 1

),

marts as (

    {% for mart, month in [
        (ref('fct_usage_daily'), "date_trunc('month', usage_date)::date"),
        (ref('developer_daily'), "date_trunc('month', usage_date)::date"),
        (ref('developer_monthly'), 'month'),
        (ref('team_monthly'), 'month'),
        (ref('model_daily'), "date_trunc('month', usage_date)::date"),
        (ref('task_type_monthly'), 'month'),
    ] -%}
    select
        '{{ mart.schema }}.{{ mart.identifier }}' as mart,
        {{ month }} as month
        {% for measure in measures -%}
        , sum({{ measure }}) as {{ measure }}
        {% endfor %}
    from {{ mart }}
    group by 1, 2
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

expected as (

    select names.mart, days.*
    from days
    cross join (select distinct mart from marts) as names

)

(select 'should be' as found, * from expected except select 'should be', * from marts)
union all
(select 'is' as found, * from marts except select 'is', * from expected)
