{# Tables and views are replaced in place: the build file is dbt's alone, DuckDB replaces in one transaction, and what
   the adapter does instead (a draft, two renames, a drop, columns looked up to be commented) costs more than most
   models of a quiet day. Incremental models and seeds are the adapter's. #}

{% materialization table, adapter='duckdb' %}
    {{ return(replace_in_place('table')) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(replace_in_place('view')) }}
{% endmaterialization %}

{% macro replace_in_place(type) %}
    {%- set relation = this.incorporate(type=type) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.type != type -%}
        {{ drop_relation_if_exists(existing) }}
    {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        create or replace {{ type }} {{ relation }} as ({{ compiled_code }}
        )
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do persist_docs(relation, model) -%}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{# All descriptions in one statement and without a look-up: a described column that does not exist stops the build. #}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) %}
    {%- if config.persist_relation_docs() -%}
    {%- call statement('comments') -%}
        comment on {{ relation.type }} {{ relation }} is {{ duckdb_escape_comment(model.description) }};
        {%- for name, column in model.columns.items() %}
        comment on column {{ relation }}.{{ name }} is {{ duckdb_escape_comment(column.description) }};
        {%- endfor %}
    {%- endcall -%}
    {%- endif -%}
{% endmacro %}
