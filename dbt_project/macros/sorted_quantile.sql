{# A quantile of a sorted list, between its neighbours: quantile_cont where the quantile is a column. #}
{% macro sorted_quantile(sorted, quantile) -%}
    (
        {{ sorted }}[floor({{ quantile }} * (len({{ sorted }}) - 1))::integer + 1]
        + ({{ quantile }} * (len({{ sorted }}) - 1) % 1) * (
            {{ sorted }}[ceil({{ quantile }} * (len({{ sorted }}) - 1))::integer + 1]
            - {{ sorted }}[floor({{ quantile }} * (len({{ sorted }}) - 1))::integer + 1]
        )
    )
{%- endmacro %}
