{# Where DuckDB and Spark have no word in common. Models of the event half say everything else alike: the rest of what
   Spark lacks are functions that pipelines/spark_words.py gives it under DuckDB's names (starts_with, epoch_us ...). #}

{# True on Spark, as text: what is not dbt (sqlfluff, benchmarks/models.py) knows no target, and means DuckDB. #}
{% macro on_spark() -%}{{ 'yes' if target is defined and target.type == 'spark' else '' }}{%- endmacro %}

{# The calendar date of a UTC timestamp in a time zone. #}
{% macro company_date(utc_timestamp, zone) -%}
    {%- if on_spark() -%}
    cast(from_utc_timestamp({{ utc_timestamp }}, {{ zone }}) as date)
    {%- else -%}
    cast(timezone({{ zone }}, timezone('UTC', {{ utc_timestamp }})) as date)
    {%- endif -%}
{%- endmacro %}

{# The hour of the day, 0 to 23, of a UTC timestamp in a time zone. #}
{% macro company_hour(utc_timestamp, zone) -%}
    {%- if on_spark() -%}
    hour(from_utc_timestamp({{ utc_timestamp }}, {{ zone }}))
    {%- else -%}
    hour(timezone({{ zone }}, timezone('UTC', {{ utc_timestamp }})))
    {%- endif -%}
{%- endmacro %}

{# What stands behind `name:` in the alphabetically first of the tags that have it; NULL where it is nothing. #}
{% macro first_tagged(tags, name) -%}
    {%- set start = name ~ ':' -%}
    {%- if on_spark() -%}
    substr(
        array_min(filter({{ tags }}, tag -> startswith(tag, '{{ start }}') and len(tag) > {{ start | length }})),
        {{ start | length + 1 }}
    )
    {%- else -%}
    substr(
        list_min(list_filter({{ tags }}, lambda tag: starts_with(tag, '{{ start }}') and len(tag) > {{ start | length }})),
        {{ start | length + 1 }}
    )
    {%- endif -%}
{%- endmacro %}

{# The text in a Base64 text; NULL where there is none in it. #}
{% macro text_of_base64(encoded) -%}
    {%- if on_spark() -%}
    try_validate_utf8(cast(try_to_binary({{ encoded }}, 'base64') as string))
    {%- else -%}
    try(decode(from_base64({{ encoded }})))
    {%- endif -%}
{%- endmacro %}

{# Aggregate: the value of the row that comes first in an order without NULLs. #}
{% macro earliest(value, order) -%}
    {%- if on_spark() -%}
    min_by({{ value }}, struct({{ order }}))
    {%- else -%}
    first({{ value }} order by {{ order }})
    {%- endif -%}
{%- endmacro %}

{# Columns of a relation as one value. #}
{% macro together_as_one(relation, columns) -%}
    {%- if on_spark() -%}
    struct({% for column in columns %}{{ relation }}.{{ column }}{{ '' if loop.last else ', ' }}{% endfor %})
    {%- else -%}
    struct_pack({% for column in columns %}{{ column }} := {{ relation }}.{{ column }}{{ '' if loop.last else ', ' }}{% endfor %})
    {%- endif -%}
{%- endmacro %}

{# Aggregate: the distinct values as a list. #}
{% macro distinct_list(value) -%}
    {%- if on_spark() -%}
    collect_set({{ value }})
    {%- else -%}
    list(distinct {{ value }})
    {%- endif -%}
{%- endmacro %}

{# Aggregate: the distinct values in alphabetical order, as text. #}
{% macro distinct_text(value) -%}
    {%- if on_spark() -%}
    array_join(array_sort(collect_set({{ value }})), ', ')
    {%- else -%}
    string_agg(distinct {{ value }}, ', ' order by {{ value }})
    {%- endif -%}
{%- endmacro %}

{# As many rows as there are expressions. #}
{% macro a_row_each() -%}
    {%- if on_spark() -%}
    explode(array({{ varargs | join(', ') }}))
    {%- else -%}
    unnest([{{ varargs | join(', ') }}])
    {%- endif -%}
{%- endmacro %}

{# As many rows as quarters of an hour begin from the hour of one timestamp to the other. #}
{% macro quarter_hours(first, last) -%}
    {%- if on_spark() -%}
    explode(sequence(cast(date_trunc('hour', {{ first }}) as timestamp_ntz), {{ last }}, interval 15 minutes))
    {%- else -%}
    unnest(range(date_trunc('hour', {{ first }}), {{ last }}, interval 15 minutes))
    {%- endif -%}
{%- endmacro %}

{# Pre-hook: names the days among which several observers may have seen the same call, for `is_day_to_link`. #}
{% macro set_days_to_link() -%}
    {%- if on_spark() -%}
    select 1
    {%- else -%}
    set variable days_to_link = (
        select coalesce(list(utc_date), cast([] as date[])) from {{ source('raw', 'paceline__days_to_link') }}
    )
    {%- endif -%}
{%- endmacro %}

{# A condition that files of other days fail before they are opened: on DuckDB not so by a join. Without the hook, all
   days meet it there. #}
{% macro is_day_to_link(utc_date) -%}
    {%- if on_spark() -%}
    {{ utc_date }} in (select utc_date from {{ source('raw', 'paceline__days_to_link') }})
    {%- else -%}
    coalesce(list_contains(getvariable('days_to_link'), {{ utc_date }}), true)
    {%- endif -%}
{%- endmacro %}

{# Beside the rows that a model makes of calls, those that the lake keeps; Spark builds no days without calls. #}
{% macro or_kept_rows(table) -%}
    {%- if not on_spark() -%}
    union all by name

    {{ kept_rows(table) }}
    {%- endif -%}
{%- endmacro %}
