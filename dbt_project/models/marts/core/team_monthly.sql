select
    date_trunc('month', usage_date)::date as month,
    team_id,
    count(distinct developer_id) filter (where role = 'human' and total_tokens > 0) as developers,
    count(distinct task_id) as tasks,
    count(distinct usage_date) filter (where total_tokens > 0) as active_days,
    sum(total_tokens) / nullif(count(distinct usage_date) filter (where total_tokens > 0), 0) as tokens_per_active_day,
    {{ usage_measures() }}
from {{ ref('fct_usage_daily') }}
group by 1, 2
