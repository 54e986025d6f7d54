-- What the rules of routing_rules.csv would have saved in the running month.
select null as team_id, sum(saved_usd) as saved_usd, sum(moved_cost_usd) as moved_cost_usd, min(month) as month
from plan.routing_savings
where month = (select max(month) from plan.cap_utilization)
having count(*) > 0;

select
    task_type, from_model as from_name, to_model as to_name, share_ratio, cost_usd, moved_tokens, moved_cost_usd,
    moved_cost_there_usd, saved_usd, saved_ratio, quality_risk as risk_note
from plan.routing_savings
where month = (select max(month) from plan.cap_utilization)
order by saved_usd desc, task_type, from_name;
