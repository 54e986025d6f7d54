{# How close to the provider an observer stands, from 1 on. #}
{% macro layer_rank(observer_layer) -%}
    case {{ observer_layer }}
        when 'gateway' then 1
        when 'provider' then 2
        when 'server' then 2
        when 'agent_transcript' then 4
        else 3
    end
{%- endmacro %}
