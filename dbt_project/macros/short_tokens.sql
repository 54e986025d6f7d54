{# A number of tokens as people say it: 18.6 M. #}
{% macro short_tokens(tokens) -%}
    case
        when {{ tokens }} >= 999500000 then format('{:.2f} B', {{ tokens }} / 1000000000)
        when {{ tokens }} >= 999500 then format('{:.2f} M', {{ tokens }} / 1000000)
        else format('{:.0f} k', {{ tokens }} / 1000)
    end
{%- endmacro %}
