{# The one price row of a model that holds for small calls of the standard tier at noon UTC of a day. #}
{% macro price_of_small_calls(prices, day) -%}
    {{ prices }}.service_tier = 'standard'
    and {{ day }} between {{ prices }}.valid_from and {{ prices }}.valid_to
    and 720 >= {{ prices }}.from_utc_minute
    and 720 < {{ prices }}.to_utc_minute
    and {{ prices }}.above_input_tokens < 0
{%- endmacro %}
