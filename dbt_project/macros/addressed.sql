{# Findings of one kind with their keys, a name for people and whom to tell. They bring kind, level, urgency, is_firing,
   scope, scope_id, team_id, month, as_of_date, period (the end of the incident's key) and what is their own. #}
{% macro addressed(findings) -%}
select
    format('{}/{}/{}/{}', findings.kind, findings.scope, findings.scope_id, findings.period) as incident_key,
    incident_key || case when findings.level > 0 then format('/{}', findings.level) else '' end as alert_key,
    findings.kind,
    findings.level::integer as level,
    findings.urgency,
    findings.is_firing,
    findings.scope,
    findings.scope_id,
    case
        when findings.scope = 'developer' then coalesce(developers.name, findings.scope_id)
        when findings.scope in ('team', 'pool') then coalesce(teams.name, findings.scope_id)
        when findings.scope = 'org' then 'The organisation'
        else findings.scope_id
    end as scope_name,
    findings.team_id,
    coalesce(teams.name, findings.team_id) as team_name,
    findings.month,
    findings.as_of_date,
    teams.slack_channel,
    teams.lead_slack_id,
    developers.slack_id,
    coalesce(teams.shares_developers, false) as shares_developers,
    findings.* exclude (
        kind, level, urgency, is_firing, scope, scope_id, team_id, month, as_of_date, period
    )
from {{ findings }} as findings
left join {{ ref('dim_teams') }} as teams on findings.team_id = teams.team_id
left join {{ ref('dim_developers') }} as developers
    on findings.scope = 'developer' and findings.scope_id = developers.developer_id
{%- endmacro %}
