-- The caps that the next plan recommends, and what each was made of: teams and the organisation, then developers.
select
    if(scope = 'org', null, scope_id) as team_id, plan_month, recommended_cap_tokens, recommended_cap_usd,
    current_cap_tokens, change_ratio
from plan.cap_recommendations
where scope in ('org', 'team');

select
    coalesce(recommended.team_id, if(scope = 'team', scope_id, null)) as team_id, scope,
    coalesce(people.name, teams.name, if(scope = 'org', 'Organisation', scope_id)) as who, current_cap_tokens,
    recommended_cap_tokens, change_ratio, recommended_cap_usd, baseline_tokens,
    stopped_chance_at_cap_ratio, reason
from plan.cap_recommendations as recommended
left join core.dim_teams as teams on scope = 'team' and scope_id = teams.team_id
left join core.dim_developers as people on scope = 'developer' and scope_id = developer_id
order by array_position(['org', 'team', 'developer'], scope), recommended_cap_tokens desc, who;
