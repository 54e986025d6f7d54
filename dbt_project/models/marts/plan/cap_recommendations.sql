-- The next plan: measured baseline x growth x buffer, for people and the teams they will be in. Beside the fixed buffer
-- stands the one that the range of past months implies for a stated chance of being stopped.

with

run as (

    select
        run.as_of_date,
        run.plan_month,
        (
            select count(*) from {{ ref('dim_calendar') }} as calendar
            where calendar.month = run.plan_month and calendar.is_working_day
        ) as working_days,
        {{ assumption('buffer_ratio') }}::double as buffer_ratio,
        {{ assumption('growth_assumed_ratio') }}::double as growth_assumed_ratio,
        {{ assumption('growth_band_high') }}::double as growth_most_ratio,
        {{ assumption('stopped_chance_ratio') }}::double as stopped_chance_ratio,
        {{ assumption('floor_of_median_ratio') }}::double as floor_of_median_ratio
    from {{ source('raw', 'paceline__run') }} as run

),

-- Who works here in the planned month, for how many of its working days, and where at last. Without a developers.csv,
-- who used anything in the days measured.
people as (

    select
        developers.developer_id,
        max_by(developers.team_id, developers.valid_from) as team_id,
        max_by(developers.role, developers.valid_from) as role,
        bool_or(developers.is_derived) as is_derived,
        count(distinct calendar.calendar_date) as working_days_here
    from {{ ref('int_developers_dated') }} as developers
    cross join run
    inner join {{ ref('dim_calendar') }} as calendar
        on calendar.month = run.plan_month
        and calendar.is_working_day
        and calendar.calendar_date between developers.valid_from and developers.valid_to
    group by developers.developer_id

),

baselines as (

    select baselines.*
    from {{ ref('baselines') }} as baselines
    inner join run on baselines.month = run.plan_month

),

measured as (

    select
        people.* exclude (is_derived),
        baselines.baseline_days,
        baselines.baseline_tokens as own_tokens,
        baselines.baseline_usd as own_usd,
        median(own_tokens) filter (where role = 'human' and own_tokens > 0) over (partition by team_id)
            as team_median_tokens,
        median(own_tokens) filter (where role = 'human' and own_tokens > 0) over () as org_median_tokens
    from people
    left join baselines on baselines.scope = 'developer' and people.developer_id = baselines.scope_id
    where not people.is_derived or baselines.baseline_tokens is not null

),

developers as (

    select
        'developer' as scope,
        developer_id as scope_id,
        team_id,
        role,
        baseline_days,
        case
            when own_tokens is not null then 'measured'
            when role = 'human' and team_median_tokens is not null then 'team median'
            when role = 'human' and org_median_tokens is not null then 'org median'
        end as baseline_source,
        coalesce(own_tokens, case when role = 'human' then coalesce(team_median_tokens, org_median_tokens) end)
        * working_days_here / working_days as baseline_tokens,
        working_days_here,
        org_median_tokens,
        own_usd * 1000000 / nullif(own_tokens, 0) as usd_per_mtok
    from measured
    cross join run

),

-- Calls that no developer can be given: per working day, as in the baseline of their team.
unattributed as (

    select
        baselines.scope,
        baselines.scope_id,
        sum(usage_daily.total_tokens)
        / any_value(nullif(baselines.measured_working_days, 0)) * any_value(baselines.working_days) as tokens
    from baselines
    inner join {{ ref('fct_usage_daily') }} as usage_daily
        on usage_daily.usage_date between baselines.measured_from_date and baselines.measured_until_date
        and usage_daily.developer_id = 'unattributed'
        and (baselines.scope = 'org' or baselines.scope = 'team' and baselines.scope_id = usage_daily.team_id)
    group by baselines.scope, baselines.scope_id

),

parents as (

    select
        members.scope,
        members.scope_id,
        case when members.scope = 'team' then members.scope_id end as team_id,
        baselines.baseline_days,
        'members' as baseline_source,
        members.members,
        members.services,
        members.members_baseline_tokens,
        coalesce(unattributed.tokens, 0) as unattributed_baseline_tokens,
        members.members_baseline_tokens + coalesce(unattributed.tokens, 0) as baseline_tokens,
        baselines.baseline_usd * 1000000 / nullif(baselines.baseline_tokens, 0) as usd_per_mtok
    from (
        select
            'team' as scope,
            team_id as scope_id,
            count(*) filter (where role = 'human') as members,
            count(*) filter (where role != 'human') as services,
            coalesce(sum(baseline_tokens), 0) as members_baseline_tokens
        from developers
        where team_id is not null
        group by team_id

        union all

        select
            'org',
            'org',
            count(*) filter (where role = 'human'),
            count(*) filter (where role != 'human'),
            coalesce(sum(baseline_tokens), 0)
        from developers
    ) as members
    left join baselines using (scope, scope_id)
    left join unattributed using (scope, scope_id)

),

-- Over three complete months or more; one month against another says nothing yet.
growth as (

    select
        trends.scope,
        trends.scope_id,
        max_by(trends.fitted_monthly_growth_ratio, trends.month) as fitted_ratio
    from {{ ref('growth_trends') }} as trends
    cross join run
    where
        trends.scope in ('team', 'org')
        and trends.fitted_months >= 3
        and trends.is_complete
        and trends.month >= run.plan_month - interval 3 months
    group by trends.scope, trends.scope_id

),

worth as (

    select worth_up_to_tokens / nullif(demand.developers, 0) as worth_up_to_tokens
    from {{ ref('return_on_spend') }} as returns
    inner join {{ ref('demand') }} as demand using (month, scope, scope_id)
    where returns.scope = 'org'
    qualify row_number() over (order by month desc) = 1

),

expected as (

    select
        run.*,
        scopes.*,
        coalesce(scopes.usd_per_mtok, org.usd_per_mtok) as priced_usd_per_mtok,
        case
            when team_growth.fitted_ratio is not null then 'team'
            when org_growth.fitted_ratio is not null then 'org'
            else 'assumed'
        end as growth_source,
        coalesce(team_growth.fitted_ratio, org_growth.fitted_ratio) as fitted_growth_ratio,
        -- The plan follows growth, within the band that was agreed; it never shrinks by a trend.
        case growth_source
            when 'assumed' then run.growth_assumed_ratio
            else greatest(0, least(run.growth_most_ratio, fitted_growth_ratio))
        end as growth_ratio,
        scopes.baseline_tokens * (1 + growth_ratio) as expected_tokens,
        misses.misses_source,
        misses.windows,
        misses.miss_ratios,
        round({{ sorted_quantile('misses.miss_ratios', '(1 - run.stopped_chance_ratio)') }}, 6) as miss_at_chance_ratio,
        case when scopes.role = 'human' then worth.worth_up_to_tokens end as worth_up_to_tokens,
        case
            when scopes.role = 'human'
                then least(run.floor_of_median_ratio * scopes.org_median_tokens, worth.worth_up_to_tokens)
                    * scopes.working_days_here / run.working_days
        end as floor_tokens,
        {{ round_up("greatest(expected_tokens * (1 + run.buffer_ratio), coalesce(floor_tokens, 0))") }} as cap_tokens
    from (
        select * from developers

        union all by name

        select * from parents
    ) as scopes
    cross join run
    left join parents as org on org.scope = 'org'
    left join growth as team_growth on team_growth.scope = 'team' and scopes.team_id = team_growth.scope_id
    left join growth as org_growth on org_growth.scope = 'org'
    left join {{ ref('baseline_misses') }} as misses
        on scopes.scope = misses.scope and scopes.scope_id = misses.scope_id
    left join worth on true
    -- Who used nothing in all those days has at least the floor.
    where cap_tokens > 0

),

previous as (

    select plans.*
    from {{ source('raw', 'paceline__plans') }} as plans
    inner join run on plans.plan_month = run.plan_month - interval 1 month
    qualify plans.issued_at = max(plans.issued_at) over ()

),

current_caps as (

    select caps.scope, caps.scope_id, caps.cap_tokens, caps.cap_usd, caps.cap_source
    from {{ ref('caps_effective') }} as caps
    inner join run on caps.month = date_trunc('month', run.as_of_date)

),

-- What is decided of the planned month already.
decided as (

    select caps.*
    from {{ ref('caps_stated') }} as caps
    inner join run on caps.month = run.plan_month

)

select
    expected.plan_month,
    expected.scope,
    expected.scope_id,
    expected.team_id,
    expected.as_of_date,
    expected.working_days,
    coalesce(expected.working_days_here, expected.working_days) as working_days_here,
    expected.baseline_days,
    expected.baseline_source,
    expected.members,
    expected.services,
    round(expected.members_baseline_tokens)::bigint as members_baseline_tokens,
    round(expected.unattributed_baseline_tokens)::bigint as unattributed_baseline_tokens,
    round(expected.baseline_tokens)::bigint as baseline_tokens,
    expected.growth_source,
    expected.fitted_growth_ratio,
    expected.growth_ratio,
    round(expected.expected_tokens)::bigint as expected_tokens,
    expected.buffer_ratio,
    round(expected.floor_tokens)::bigint as floor_tokens,
    expected.floor_of_median_ratio,
    round(expected.worth_up_to_tokens)::bigint as worth_up_to_tokens,
    expected.cap_tokens as recommended_cap_tokens,
    round(expected.priced_usd_per_mtok, 6) as usd_per_mtok,
    round(expected.cap_tokens * expected.priced_usd_per_mtok / 1000000, 2)::decimal(18, 2) as recommended_cap_usd,
    expected.stopped_chance_ratio,
    expected.misses_source,
    expected.windows as misses_windows,
    len(expected.miss_ratios) as misses,
    expected.miss_at_chance_ratio,
    round(expected.baseline_tokens * (1 + expected.miss_at_chance_ratio))::bigint as range_cap_tokens,
    round(range_cap_tokens / nullif(expected.expected_tokens, 0) - 1, 6) as range_buffer_ratio,
    len(list_filter(
        expected.miss_ratios, lambda ratio: expected.baseline_tokens * (1 + ratio) >= expected.cap_tokens
    )) as misses_over,
    -- Two are added to each side (the plus-four rule), for no number of misses makes certain.
    round((misses_over + 2) / (misses + 4), 6) as stopped_chance_at_cap_ratio,
    current_caps.cap_tokens as current_cap_tokens,
    current_caps.cap_usd as current_cap_usd,
    current_caps.cap_source as current_cap_source,
    decided.cap_tokens as decided_cap_tokens,
    decided.cap_usd as decided_cap_usd,
    decided.cap_source as decided_cap_source,
    round(
        coalesce(
            expected.cap_tokens / nullif(current_caps.cap_tokens, 0),
            (recommended_cap_usd / nullif(current_caps.cap_usd, 0))::double
        ) - 1,
        6
    ) as change_ratio,
    previous.baseline_tokens as previous_baseline_tokens,
    previous.recommended_cap_tokens as previous_recommended_cap_tokens,
    case expected.baseline_source
        when 'measured' then format(
            '{} measured over {} days, for {} working days',
            {{ short_tokens('expected.baseline_tokens') }}, expected.baseline_days, expected.working_days_here
        )
        when 'members' then format(
            '{} of {} people{}{}, for {} working days',
            {{ short_tokens('expected.baseline_tokens') }}, expected.members,
            case
                when expected.services = 1 then ', 1 service'
                when expected.services > 1 then format(', {} services', expected.services)
                else ''
            end,
            case when expected.unattributed_baseline_tokens > 0 then ' and of calls without a developer' else '' end,
            expected.working_days
        )
        else format(
            'new, so the {} of {} is taken, for {} working days',
            expected.baseline_source, {{ short_tokens('expected.baseline_tokens') }}, expected.working_days_here
        )
    end
    || format(
        '; {:.0f} % growth ({}{}), {:.0f} % buffer',
        {{ whole_percent('expected.growth_ratio') }},
        case expected.growth_source
            when 'assumed' then 'assumed, for too few whole months are measured'
            else 'measured for the ' || expected.growth_source
        end,
        case
            when expected.fitted_growth_ratio > expected.growth_most_ratio
                then format(' at {:.0f} %, above the band', {{ whole_percent('expected.fitted_growth_ratio') }})
            when expected.fitted_growth_ratio < 0
                then format(
                    ' at {:.0f} %, but no cap shrinks by a trend', {{ whole_percent('expected.fitted_growth_ratio') }}
                )
            else ''
        end,
        {{ whole_percent('expected.buffer_ratio') }}
    )
    || case
        when expected.floor_tokens > expected.expected_tokens * (1 + expected.buffer_ratio)
            then '; raised to the floor, so that nobody has to ration'
        else ''
    end
    || '.' as reason,
    case
        when previous.plan_month is null then 'No plan for the month before.'
        else format(
            'Baseline {:+.0f} % against the plan before; growth {:.0f} % (was {:.0f} %).',
            {{ whole_percent('expected.baseline_tokens / nullif(previous.baseline_tokens, 0) - 1') }},
            {{ whole_percent('expected.growth_ratio') }},
            {{ whole_percent('previous.growth_ratio') }}
        )
    end as change_reason
from expected
left join current_caps using (scope, scope_id)
left join decided using (scope, scope_id)
left join previous using (scope, scope_id)
