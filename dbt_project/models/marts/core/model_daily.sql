select
    usage_date,
    provider,
    model,
    count(distinct developer_id) filter (where role = 'human' and total_tokens > 0) as developers,
    count(distinct task_id) as tasks,
    {{ usage_measures() }}
from {{ ref('fct_usage_daily') }}
group by usage_date, provider, model
