{# The hour of the day, 0 to 23, of a UTC timestamp in a time zone. #}
{% macro company_hour(utc_timestamp, zone) -%}
    hour(timezone({{ zone }}, timezone('UTC', {{ utc_timestamp }})))
{%- endmacro %}
