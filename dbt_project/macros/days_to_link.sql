{# Pre-hook: names the days among which several observers may have seen the same call, for `is_day_to_link`. #}
{% macro set_days_to_link() -%}
    set variable days_to_link = (
        select coalesce(list(utc_date), cast([] as date[])) from {{ source('raw', 'paceline__days_to_link') }}
    )
{%- endmacro %}

{# A condition that files of other days fail before they are opened, as by a join they would not. Without the hook, all
   days meet it. #}
{% macro is_day_to_link(utc_date) -%}
    coalesce(list_contains(getvariable('days_to_link'), {{ utc_date }}), true)
{%- endmacro %}
