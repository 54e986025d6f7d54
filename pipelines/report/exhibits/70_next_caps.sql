-- The caps that the next plan recommends: of the organisation and of each team.
select
    if(scope = 'org', null, scope_id) as team_id, plan_month, recommended_cap_tokens, recommended_cap_usd,
    current_cap_tokens, change_ratio, decided_cap_tokens, last_issued.stage, last_issued.issued_date
from plan.cap_recommendations
left join (
    select plan_month, max_by(stage, issued_at) as stage, max(issued_at)::date as issued_date
    from plan.issued_plans
    group by plan_month
) as last_issued using (plan_month)
where scope in ('org', 'team');

-- Those and the developers', each with what it was made of.
with caps as (
    select
        recommended.*, coalesce(people.name, teams.name, if(scope = 'org', 'Organisation', null)) as name,
        coalesce(recommended.team_id, if(scope = 'team', scope_id, null)) as its_team_id
    from plan.cap_recommendations as recommended
    left join core.dim_teams as teams on scope = 'team' and scope_id = teams.team_id
    left join core.dim_developers as people on scope = 'developer' and scope_id = developer_id
)
select
    its_team_id as team_id, scope,
    coalesce(if(count(*) over (partition by scope, name) > 1, name || ' (' || scope_id || ')', name), scope_id) as who,
    current_cap_tokens, recommended_cap_tokens, decided_cap_tokens, change_ratio, recommended_cap_usd, baseline_tokens,
    stopped_chance_at_cap_ratio, reason
from caps
order by array_position(['org', 'team', 'developer'], scope), recommended_cap_tokens desc, who;
