select
    date_trunc('month', usage_date)::date as month,
    task_type,
    count(distinct task_id) as tasks,
    count(distinct developer_id) filter (where role = 'human' and total_tokens > 0) as developers,
    {{ usage_measures() }}
from {{ ref('fct_usage_daily') }}
group by 1, 2
