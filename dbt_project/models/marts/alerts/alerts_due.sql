{% set kinds = [
    'cap_level', 'cap_forecast', 'burn_rate', 'spike', 'source_health', 'unknown_share', 'bill_gap', 'plan_due',
] -%}

{% for kind in kinds -%}
select * from {{ ref(kind) }}
{% if not loop.last %}
union all by name

{% endif %}
{%- endfor %}
