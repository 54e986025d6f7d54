{# A CTE of a long query: `call step('name')` around its SELECT. DuckDB works out once what is read several times. Spark
   works it out as often as it is read: there it is a table, made before the query. #}
{% macro step(name) -%}
    {%- set sql = caller() -%}
    {%- if not on_spark() -%}
    {{ name }} as ({{ sql }}),
    {%- elif execute -%}
    {{ make_step(name, sql) }}
    {%- endif -%}
{%- endmacro %}

{# On Spark: a table of the default schema, so that a query finds it by its bare name. #}
{% macro make_step(name, sql) -%}
    {%- set _ = run_query('drop table if exists ' ~ name) -%}
    {%- set _ = run_query('create table ' ~ name ~ ' using parquet as ' ~ sql) -%}
{%- endmacro %}
