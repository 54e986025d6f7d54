select
    usage_date,
    utc_date,
    route,
    provider,
    model,
    developer_id,
    team_id,
    role,
    task_id,
    task_type,
    min(task_source) as task_source,
    {{ usage_measures() }},
    min(first_used_at) as first_used_at,
    max(last_used_at) as last_used_at
from {{ ref('int_usage_attributed') }}
group by usage_date, utc_date, route, provider, model, developer_id, team_id, role, task_id, task_type
