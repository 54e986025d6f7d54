-- The running month of the organisation and of each team against its cap, and where it will end.
with ends as (
    select scope, scope_id, max(projected_p10_tokens) as p10_tokens, max(projected_p90_tokens) as p90_tokens
    from plan.month_end_path
    group by all
)
select
    if(scope = 'org', null, scope_id) as team_id, coalesce(name, 'The organisation') as name, month, status, used_ratio,
    used_tokens, cap_tokens, cap_usd, projected_ratio_p50, probability_over, is_likely_over, crosses_cap_on,
    projected_tokens, p10_tokens, p90_tokens, used_usd, projected_usd
from plan.cap_utilization
left join ends using (scope, scope_id)
left join core.dim_teams on scope = 'team' and scope_id = dim_teams.team_id
where scope in ('org', 'team') and month = date_trunc('month', as_of_date);

-- Day by day, summed from the first of the month: used, then expected.
select
    if(scope = 'org', null, scope_id) as team_id, usage_date, if(is_past, projected_tokens, null) as used_tokens,
    projected_tokens, projected_p10_tokens, projected_p90_tokens, projected_usd, cap_tokens
from plan.month_end_path
left join (
    from plan.cap_utilization select scope, scope_id, cap_tokens where month = date_trunc('month', as_of_date)
) using (scope, scope_id)
where scope in ('org', 'team')
order by team_id nulls first, usage_date;
