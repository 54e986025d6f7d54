{# The value of a named assumption in force on the as-of date. #}
{% macro assumption(name) -%}
    (select value from {{ ref('int_assumptions') }} where name = '{{ name }}')
{%- endmacro %}
