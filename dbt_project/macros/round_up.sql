{# A whole number rounded up to three digits, as people write caps: 18,643,001 is 18,700,000. #}
{% macro round_up(number) -%}
    (
        ceil(round({{ number }})::hugeint / pow(10, greatest(0, len(round({{ number }})::hugeint::varchar) - 3)))
        * pow(10, greatest(0, len(round({{ number }})::hugeint::varchar) - 3))
    )::bigint
{%- endmacro %}
