{# What is expected of so many days ahead: whole weeks of seven mean days, and the weekdays that follow. #}
{% macro forecast_rest(level, next_week, days) -%}
    round({{ level }} * ({{ days }} // 7 * 7 + coalesce(list_sum({{ next_week }}[1:({{ days }} % 7)]), 0)), 6)
{%- endmacro %}
