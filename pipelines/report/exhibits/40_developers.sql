-- Who costs the most in the running month, and how much the ten dearest take. What belongs to nobody is no member.
with ranked as (
    select *, row_number() over (partition by scope, scope_id order by rank_by_cost) as place
    from plan.usage_patterns
    where
        dimension = 'developer' and member != 'unattributed' and month = (select max(month) from plan.cap_utilization)
)
select
    if(scope = 'org', null, scope_id) as team_id, count(*) as members,
    any_value(coalesce(dim_developers.name, member)) filter (where place = 1) as who,
    any_value(cost_ratio) filter (where place = 1) as cost_ratio,
    sum(cost_ratio) filter (where place <= 10) as first_ten_ratio
from ranked
left join core.dim_developers on member = developer_id
group by scope, scope_id;

-- What each developer and service account used. Shares are of the organisation.
select
    monthly.team_id,
    coalesce(if(count(*) over (partition by name) > 1, name || ' (' || developer_id || ')', name), developer_id) as who,
    monthly.role, monthly.total_tokens, token_ratio, monthly.cost_usd, cost_ratio,
    tokens_per_active_day as active_day_tokens, active_days, monthly.tasks, segment
from core.developer_monthly as monthly
left join core.dim_developers using (developer_id)
left join plan.usage_patterns as patterns
    on patterns.month = monthly.month and member = developer_id and dimension = 'developer' and scope = 'org'
where monthly.month = (select max(month) from plan.cap_utilization)
order by monthly.cost_usd desc, monthly.total_tokens desc, who;
