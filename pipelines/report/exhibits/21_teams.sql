-- Caps of teams and of their overflow pools in the running month: passed ones first, then by what is forecast.
with caps as (
    from plan.cap_utilization
    where month = date_trunc('month', as_of_date) and scope in ('team', 'pool') and status != 'no_cap'
)
select
    team_id, count(*) filter (where scope = 'team') as caps,
    count(*) filter (where scope = 'team' and status = 'over') as over,
    count(*) filter (where scope = 'team' and status != 'over' and is_likely_over) as passing,
    count(*) filter (where scope = 'pool' and is_likely_over) as short_pools
from caps
group by grouping sets ((), (team_id))
having count(*) > 0 and not (team_id is null and grouping(team_id) = 0);

select
    caps.team_id,
    if(scope = 'pool', 'Pool of ', '')
    || coalesce(if(count(*) over (partition by scope, name) > 1, name || ' (' || scope_id || ')', name), scope_id)
        as who,
    status, used_ratio, projected_ratio_p50, projected_ratio_p10, projected_ratio_p90, probability_over,
    crosses_cap_on, used_tokens, cap_tokens, used_usd, cap_usd, cap_source
from plan.cap_utilization as caps
left join core.dim_teams on caps.team_id = dim_teams.team_id
where month = date_trunc('month', as_of_date) and scope in ('team', 'pool') and status != 'no_cap'
order by status = 'over' desc, is_likely_over desc, projected_ratio_p50 desc nulls last, who;
