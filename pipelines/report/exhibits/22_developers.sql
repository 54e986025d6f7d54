-- Caps of developers and service accounts in the running month: passed ones first, then by what is forecast.
with caps as (
    from plan.cap_utilization where month = date_trunc('month', as_of_date) and scope = 'developer'
)
select
    team_id, count(*) filter (where status != 'no_cap') as caps,
    count(*) filter (where status in ('over', 'drawing_from_pool')) as over,
    count(*) filter (where status not in ('over', 'drawing_from_pool') and is_likely_over) as passing
from caps
group by grouping sets ((), (team_id))
having caps > 0 and not (team_id is null and grouping(team_id) = 0);

select
    caps.team_id,
    coalesce(if(count(*) over (partition by name) > 1, name || ' (' || scope_id || ')', name), scope_id) as who,
    status, used_ratio, projected_ratio_p50, projected_ratio_p10, projected_ratio_p90, probability_over, crosses_cap_on,
    used_tokens, cap_tokens, cap_usd
from plan.cap_utilization as caps
left join core.dim_developers on scope_id = developer_id
where month = date_trunc('month', as_of_date) and scope = 'developer' and status != 'no_cap'
order by
    array_position(['over', 'drawing_from_pool'], status) nulls last, is_likely_over desc,
    projected_ratio_p50 desc nulls last, used_ratio desc nulls last, who;
