-- Where a month ends, as forecast on the as-of date, and as it would have been on the judged days of months that are
-- over. A range is as wide as past misses of about as many days ahead; single people scatter more than their past
-- shows, so theirs takes in more of it.

{% set fewest_misses = 4 %}
{% set most_misses = 78 %}

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

-- A developer who leaves uses nothing from then on.
leaving as (

    select 'developer' as scope, developer_id as scope_id, max(valid_to) as leaves_on
    from {{ ref('int_developers_dated') }}
    group by developer_id

),

origins as (

    select
        origins.* exclude (actual_rests),
        date_trunc('month', origins.origin_date)::date as month,
        run.as_of_date,
        last_day(origins.origin_date) - origins.origin_date as days_left,
        greatest(0, least(days_left, coalesce(leaving.leaves_on - origins.origin_date, days_left))) as days_here,
        {{ forecast_rest('level', 'next_week', 'days_left') }} as own_rest,
        {{ forecast_rest('level', 'next_week', 'days_here') }} / nullif(own_rest, 0) as here_ratio
    from {{ ref('forecast_origins') }} as origins
    cross join run
    left join leaving using (scope, scope_id)
    where
        origins.origin_date = run.as_of_date
        or (
            measure = 'tokens'
            and day(origins.origin_date) in ({{ var('forecast_judged_days') | join(', ') }})
            and last_day(origins.origin_date) <= run.as_of_date
            -- With twelve weeks of history before the month, and some use of late: who was not here is not forecast.
            and month - (origins.origin_date - history_days + 1) >= 84
            and active_days_of_56 >= 2
        )

),

-- Children are never expected to use more than their parent: teams than the organisation, developers than their team.
-- What is left of the parent is that of others: calls without a team or developer, and people who are yet to come.
teams as (

    select
        team.* exclude (own_rest),
        team.own_rest * coalesce(least(1, org.own_rest / nullif(sum(team.own_rest) over whole, 0)), 1) as rest
    from origins as team
    left join origins as org on org.scope = 'org' and team.measure = org.measure and team.origin_date = org.origin_date
    where team.scope = 'team'
    window whole as (partition by team.measure, team.origin_date)

),

developers as (

    select
        developer.* exclude (own_rest),
        developer.own_rest
        * coalesce(least(1, teams.rest / nullif(sum(developer.own_rest) over whole, 0)), 1) as full_rest,
        full_rest * coalesce(developer.here_ratio, 1) as rest,
        full_rest * (1 - coalesce(developer.here_ratio, 1)) as gone_rest
    from origins as developer
    left join teams
        on developer.team_id = teams.scope_id
        and developer.measure = teams.measure
        and developer.origin_date = teams.origin_date
    where developer.scope = 'developer'
    window whole as (partition by developer.team_id, developer.measure, developer.origin_date)

),

gone as (

    select 'team' as scope, team_id as scope_id, measure, origin_date, sum(gone_rest) as gone_rest
    from developers
    group by team_id, measure, origin_date

    union all

    select 'org', 'org', measure, origin_date, sum(gone_rest)
    from developers
    group by measure, origin_date

),

expected as (

    select * exclude (full_rest, gone_rest) from developers

    union all by name

    select parents.* exclude (rest), greatest(0, rest - coalesce(gone_rest, 0)) as rest
    from (
        select * from teams

        union all by name

        select * exclude (own_rest), own_rest as rest from origins where scope = 'org'
    ) as parents
    left join gone using (scope, scope_id, measure, origin_date)

),

with_misses as (

    select
        expected.*,
        -- Past misses of about as many days ahead, of those that were known then.
        misses.misses[
            (greatest(0, newest_origin_date - expected.origin_date + horizon_days)
            + {{ var('forecast_step_days') }} - 1) // {{ var('forecast_step_days') }} + 1:
        ][:{{ most_misses }}] as own_misses
    from (
        select
            *,
            list_transform({{ var('forecast_horizons') }}, lambda horizon: abs(horizon - days_left)) as distances,
            {{ var('forecast_horizons') }}[list_position(distances, list_min(distances))] as horizon_days
        from expected
    ) as expected
    left join {{ ref('forecast_misses') }} as misses using (scope, scope_id, measure, horizon_days)

),

caps as (

    select scope, scope_id, month, 'tokens' as measure, cap_tokens as cap
    from {{ ref('caps_effective') }}

    union all

    select scope, scope_id, month, 'usd' as measure, cap_usd as cap
    from {{ ref('caps_effective') }}

),

monthly as (

    select scope, scope_id, month, sum(tokens) as tokens
    from {{ ref('scope_daily') }}
    group by scope, scope_id, month

),

-- What a cap would have been by the rule: the mean of the three months before, and the buffer.
judged_caps as (

    select
        scope,
        scope_id,
        (month + to_months(later.months))::date as month,
        sum(tokens) / 3 * (1 + {{ assumption('buffer_ratio') }}) as cap
    from monthly
    cross join (values (1), (2), (3)) as later (months)
    group by all

),

ranged as (

    select
        with_misses.*,
        with_misses.as_of_date > with_misses.origin_date as is_judged,
        case
            when len(own_misses) >= {{ fewest_misses }} then own_misses
            else pooled.misses
        end as past_misses,
        list_aggregate(past_misses, 'quantile_cont', [0.065, 0.09, 0.91, 0.935]) as tails,
        rest + sqrt(rest) * tails[case when scope = 'developer' then 1 else 2 end] as low_rest,
        rest + sqrt(rest) * tails[case when scope = 'developer' then 4 else 3 end] as high_rest,
        case when is_judged then judged_caps.cap else caps.cap end as cap,
        case when is_judged then coalesce(monthly.tokens, 0) end as actual
    from with_misses
    left join {{ ref('forecast_misses_pooled') }} as pooled using (scope, measure, horizon_days)
    left join caps using (scope, scope_id, month, measure)
    left join judged_caps using (scope, scope_id, month)
    left join monthly using (scope, scope_id, month)

),

forecast as (

    select
        origin_date as forecast_date,
        is_judged,
        month,
        scope,
        scope_id,
        team_id,
        measure,
        history_days,
        level,
        next_week,
        days_here as forecast_days,
        used_in_month as used,
        round(rest, 6) as forecast_rest,
        -- Where nobody's past is long enough: how four teams and their members came out, whatever the day of the month.
        round(used + least(
            rest, greatest(0, coalesce(low_rest, rest * case when scope = 'developer' then 0 else 0.5 end))
        ), 6) as projected_p10,
        round(used + rest, 6) as projected_p50,
        round(used + greatest(
            rest, coalesce(high_rest, rest * case when scope = 'developer' then 4.9 else 2.4 end)
        ), 6) as projected_p90,
        coalesce(len(own_misses), 0) as misses,
        cap::double as cap,
        -- The share of past misses that would take the month to the cap; two are added to each side (the plus-four
        -- rule), for no number of them makes certain.
        round(case
            when used >= cap then 1
            when rest = 0 and cap > 0 then 0
            when cap > 0 then (
                len(list_filter(past_misses, lambda miss: used + rest + sqrt(rest) * miss >= cap)) + 2
            ) / (len(past_misses) + 4)
        end, 6) as probability_over,
        actual::double as actual,
        round(used * day(last_day(month)) / day(origin_date), 6) as run_rate
    from ranged

),

-- What is expected of a parent and of none of its children.
others as (

    select
        parent.forecast_date,
        parent.is_judged,
        parent.month,
        case parent.scope when 'org' then 'team' else 'developer' end as scope,
        'unattributed' as scope_id,
        parent.team_id,
        parent.measure,
        round(any_value(parent.forecast_rest) - coalesce(sum(child.forecast_rest), 0), 6) as forecast_rest
    from forecast as parent
    left join forecast as child
        on parent.forecast_date = child.forecast_date
        and parent.measure = child.measure
        and (
            parent.scope = 'org' and child.scope = 'team'
            or parent.scope = 'team' and child.scope = 'developer' and parent.team_id = child.team_id
        )
    where parent.scope in ('org', 'team') and not parent.is_judged
    group by all

)

select * from forecast

union all by name

select * from others
