{# What the lake keeps of days whose calls were removed, where this run builds them: the same columns. #}
{% macro kept_rows(table) -%}
    select kept.*
    from {{ source('raw', 'kept__' ~ table) }} as kept
    inner join {{ source('raw', 'paceline__days_to_build') }} as days using (utc_date)
    where days.is_kept
{%- endmacro %}
