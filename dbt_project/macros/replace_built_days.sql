{# Pre-hook of the event half's incremental models: the days to build are emptied first, so that a day that became
   empty is empty. Runs in the transaction that inserts them again. #}
{% macro replace_built_days() -%}
    {% if is_incremental() -%}
        delete from {{ this }} where utc_date in (select utc_date from {{ source('raw', 'paceline__days_to_build') }})
    {%- else -%}
        select 1
    {%- endif %}
{%- endmacro %}
