-- Developers to their team, teams to the organisation, to a millionth of a token or dollar per child.

with

forecast as (

    select * from {{ ref('month_end_forecast') }} where not is_judged

),

children as (

    select measure, 'team' as scope, team_id as scope_id, sum(forecast_rest) as rest, count(*) as children
    from forecast
    -- Who has no team has no parent but the organisation: the row 'unattributed' is what its teams leave of it.
    where scope = 'developer' and team_id != 'unattributed'
    group by measure, team_id

    union all

    select measure, 'org' as scope, 'org' as scope_id, sum(forecast_rest) as rest, count(*) as children
    from forecast
    where scope = 'team'
    group by measure

)

select parents.scope, parents.scope_id, parents.measure, parents.forecast_rest, children.rest
from forecast as parents
inner join children using (measure, scope, scope_id)
where abs(parents.forecast_rest - children.rest) > 0.000001 * (children.children + 1) or children.rest is null
