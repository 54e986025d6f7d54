{# SQL, as text, that shows where the tokens of a scope went between two days. #}
{% macro usage_query(scope, scope_id, first_date, last_date) -%}
    format(
        'select usage_date, model, task_id, total_tokens, cost_usd from core.fct_usage_daily where {}'
        || 'usage_date between ''{}'' and ''{}'' order by total_tokens desc',
        case
            when {{ scope }} = 'org' then ''
            else format(
                '{} = ''{}'' and ',
                case when {{ scope }} = 'developer' then 'developer_id' else 'team_id' end,
                replace({{ scope_id }}, '''', '''''')
            )
        end,
        {{ first_date }},
        {{ last_date }}
    )
{%- endmacro %}
