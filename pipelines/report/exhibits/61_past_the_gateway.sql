-- Who went past the gateway in the running month, as far as bills name a key of theirs: it counts against the cap.
with past as (
    from plan.cap_utilization
    where month = date_trunc('month', as_of_date) and scope = 'developer' and unobserved_tokens > 0
)
select team_id, count(*) as people
from past
group by grouping sets ((), (team_id))
having people > 0 and not (team_id is null and grouping(team_id) = 0);

select
    caps.team_id,
    coalesce(if(count(*) over (partition by name) > 1, name || ' (' || scope_id || ')', name), scope_id) as who,
    unobserved_tokens, observed_tokens, used_tokens, used_ratio
from plan.cap_utilization as caps
left join core.dim_developers on scope_id = developer_id
where month = date_trunc('month', as_of_date) and scope = 'developer' and unobserved_tokens > 0
order by unobserved_tokens desc, who;
