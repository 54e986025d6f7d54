{# The columns that every observer's calls have, in one order. #}
{% macro call_columns(relation=none) -%}
    {%- set columns = [
        'source', 'request_id', 'observer_layer', 'route', 'provider_response_id', 'provider_request_id', 'agent_name',
        'utc_date', 'usage_date', 'started_at', 'ended_at',
        'user_email', 'user_id', 'key_alias', 'key_hash', 'device', 'gateway_team_id',
        'task_id', 'task_source', 'task_type', 'session_id', 'is_session_sent',
        'raw_provider', 'raw_model', 'service_tier', 'usage_quality',
        'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'cache_write_1h_tokens', 'output_tokens',
        'reasoning_tokens', 'reported_usd',
    ] -%}
    {%- for column in columns -%}
        {{ relation ~ '.' if relation else '' }}{{ column }}{{ '' if loop.last else ', ' }}
    {%- endfor -%}
{%- endmacro %}
