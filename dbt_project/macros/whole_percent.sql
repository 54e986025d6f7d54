{# A ratio in whole percent, cut as in messages. Rounded before, for 0.29 * 100 is 28.999999999999996. #}
{% macro whole_percent(ratio) -%}
    trunc(round(({{ ratio }}) * 100, 6))
{%- endmacro %}
