{# The calendar date of a UTC timestamp in a time zone. #}
{% macro company_date(utc_timestamp, zone) -%}
    cast(timezone({{ zone }}, timezone('UTC', {{ utc_timestamp }})) as date)
{%- endmacro %}
