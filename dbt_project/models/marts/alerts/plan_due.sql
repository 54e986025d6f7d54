-- Plans whose month is about to begin or has just begun, with changes that nobody has decided: one row for each team's
-- lead, and one for the organisation about its teams. What is not decided carries the old cap over.

with

run as (

    select as_of_date, date_trunc('month', as_of_date)::date as month
    from {{ source('raw', 'paceline__run') }}

),

-- After the as-of date so many working days are left before the month begins.
months as (

    select
        run.as_of_date,
        planned.plan_month,
        count(*) filter (where calendar.is_working_day) as working_days_left
    from run
    cross join lateral (
        values (run.month), ((run.month + interval 1 month)::date)
    ) as planned (plan_month)
    left join {{ ref('dim_calendar') }} as calendar
        on calendar.calendar_date > run.as_of_date and calendar.calendar_date < planned.plan_month
    group by run.as_of_date, planned.plan_month

),

plans as (

    select plans.*, months.as_of_date as run_date
    from {{ ref('issued_plans') }} as plans
    inner join months using (plan_month)
    where
        months.working_days_left <= {{ assumption('plan_due_days') }}
        and months.as_of_date < plans.plan_month + {{ assumption('plan_due_until_day') }}::integer
    qualify plans.issued_at = max(plans.issued_at) over (partition by plans.plan_month)

),

-- Here, or by hand in caps.csv.
decided as (

    select scope, scope_id, month from {{ ref('cap_decisions') }}

    union

    select scope, case when scope = 'org' then 'org' else scope_id end as scope_id, month
    from {{ source('raw', 'org__caps') }}

),

proposals as (

    select
        plans.run_date,
        plans.plan_month,
        plans.stage,
        plans.issued_at,
        plans.scope,
        case when plans.scope = 'team' then plans.scope_id else plans.team_id end as team_id,
        decided.scope is not null as is_decided
    from plans
    left join decided
        on plans.scope = decided.scope and plans.scope_id = decided.scope_id and plans.plan_month = decided.month
    -- A cap that stays needs nobody.
    where
        plans.recommended_cap_tokens is distinct from plans.current_cap_tokens
        -- Nor does an organisation that has none.
        and (plans.scope != 'org' or coalesce(plans.current_cap_tokens, plans.current_cap_usd) is not null)

),

waiting as (

    select
        'team' as scope,
        team_id as scope_id,
        team_id,
        'lead' as audience,
        plan_month,
        run_date,
        stage,
        issued_at,
        is_decided
    from proposals
    where scope in ('team', 'developer') and team_id != 'unattributed'

    union all

    select
        'org' as scope,
        'org' as scope_id,
        null as team_id,
        'channel' as audience,
        plan_month,
        run_date,
        stage,
        issued_at,
        is_decided
    from proposals
    where scope in ('team', 'org')

),

findings as (

    select
        'plan_due' as kind,
        0 as level,
        'digest' as urgency,
        true as is_firing,
        strftime(plan_month, '%Y-%m') as period,
        scope,
        scope_id,
        team_id,
        plan_month as month,
        run_date as as_of_date,
        audience,
        count(*) filter (where not is_decided) as undecided,
        count(*) filter (where is_decided) as decided,
        stage as plan_stage,
        issued_at as plan_issued_at,
        issued_at::date as plan_issued_date,
        plan_month - run_date as begins_in_days,
        case scope
            when 'org'
                then format(
                    'select * from plan.issued_plans where plan_month = ''{}'' and scope in (''team'', ''org'') '
                    || 'order by issued_at desc, scope, scope_id', plan_month
                )
            else format(
                'select * from plan.issued_plans where plan_month = ''{}'' and team_id = ''{}'' '
                || 'order by issued_at desc, scope, scope_id', plan_month, replace(scope_id, '''', '''''')
            )
        end as query
    from waiting
    group by scope, scope_id, team_id, audience, plan_month, run_date, stage, issued_at
    having count(*) filter (where not is_decided) > 0

)

{{ addressed('findings') }}
