{# One value for everything a source said about who made a call. #}
{% macro identity_key() -%}
    md5(concat_ws('|',
        coalesce(user_email, '-'), coalesce(user_id, '-'), coalesce(key_alias, '-'), coalesce(key_hash, '-'),
        coalesce(gateway_team_id, '-'), coalesce(agent_user, '-'), coalesce(device, '-')))
{%- endmacro %}
