-- What tasks are worth against what their tokens cost, per month, with the assumptions it takes.
select
    if(scope = 'org', null, scope_id) as team_id, month, return_ratio, verdict, minutes_saved_per_task,
    minutes_saved_needed_per_task, developer_usd_per_hour, roi_low, cost_usd, value_usd
from plan.return_on_spend
qualify row_number() over (partition by scope, scope_id order by month desc) = 1;

select
    if(scope = 'org', null, scope_id) as team_id, month, tasks, task_unit, cost_usd, value_usd,
    return_ratio as dollars_per_dollar, verdict, minutes_saved_per_task, minutes_saved_needed_per_task,
    developer_usd_per_hour, worth_up_to_usd, worth_up_to_tokens
from plan.return_on_spend
order by team_id nulls first, month desc;
