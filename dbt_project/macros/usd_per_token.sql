{# A price per million tokens as an exact decimal per token: six digits of a price per million need twelve here. #}
{% macro usd_per_token(usd_per_mtok) -%}
    (cast({{ usd_per_mtok }} as decimal(18, 6)) * cast(0.000001 as decimal(7, 6)))
{%- endmacro %}
