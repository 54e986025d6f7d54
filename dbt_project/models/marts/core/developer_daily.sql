select
    usage_date,
    developer_id,
    team_id,
    role,
    count(distinct task_id) as tasks,
    {{ usage_measures() }}
from {{ ref('fct_usage_daily') }}
group by usage_date, developer_id, team_id, role
