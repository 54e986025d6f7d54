-- Where a month ends, as forecast on the as-of date, and as it would have been on the judged days of months that are
-- over. A range is as wide as past misses of about as many days ahead; single people scatter more than their past
-- shows, so theirs takes in more of it.

{% set fewest_misses = 4 %}
{% set most_misses = 78 %}

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

holidays as (

    select coalesce(list(distinct holiday_date), []) as dates
    from {{ source('raw', 'org__holidays') }}

),

-- A developer who leaves uses nothing from then on. Past origins did not know.
leaving as (

    select 'developer' as scope, developers.developer_id as scope_id, max(developers.valid_to) as leaves_on
    from {{ ref('int_developers_dated') }} as developers
    group by developers.developer_id

),

origins as (

    select
        origins.* exclude (actual_rests),
        date_trunc('month', origins.origin_date)::date as month,
        run.as_of_date,
        origins.origin_date < run.as_of_date as is_judged,
        last_day(origins.origin_date) - origins.origin_date as days_left,
        case
            when is_judged then days_left
            else greatest(0, least(days_left, coalesce(leaving.leaves_on - origins.origin_date, days_left)))
        end as days_here,
        -- Each day by its weekday; a holiday like the quietest of them.
        list_transform(
            range(1, days_left + 1),
            lambda day: case
                when list_contains(holidays.dates, origins.origin_date + day::integer) then list_min(next_week)
                else next_week[(day - 1) % 7 + 1]
            end
        ) as next_days,
        round(origins.level * coalesce(list_sum(next_days), 0), 6) as own_rest,
        round(origins.level * coalesce(list_sum(next_days[1:days_here]), 0), 6) as here_rest
    from {{ ref('forecast_origins') }} as origins
    cross join run
    cross join holidays
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

-- A parent is never expected to use less than its children together: a newcomer shows there first.
developers_of_team as (

    select
        team_id as scope_id,
        measure,
        origin_date,
        sum(here_rest) as children_rest,
        sum(own_rest - here_rest) as gone_rest
    from origins
    where scope = 'developer'
    group by team_id, measure, origin_date

),

teams as (

    select
        origins.*,
        greatest(origins.own_rest - coalesce(children.gone_rest, 0), children.children_rest, 0) as rest
    from origins
    left join developers_of_team as children using (scope_id, measure, origin_date)
    where origins.scope = 'team'

),

teams_of_org as (

    select
        measure,
        origin_date,
        sum(rest) as children_rest,
        sum(greatest(0, own_rest - rest)) as gone_rest
    from teams
    group by measure, origin_date

),

expected as (

    select *, here_rest as rest from origins where scope = 'developer'

    union all by name

    select * from teams

    union all by name

    select
        origins.*,
        greatest(origins.own_rest - coalesce(children.gone_rest, 0), children.children_rest, 0) as rest
    from origins
    left join teams_of_org as children using (measure, origin_date)
    where origins.scope = 'org'

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
        -- Everybody's are ratios of the forecast, for people differ in size.
        case
            when len(own_misses) >= {{ fewest_misses }} then own_misses
            else list_transform(pooled.miss_ratios, lambda ratio: ratio * sqrt(rest))
        end as past_misses,
        list_aggregate(past_misses, 'quantile_cont', [0.065, 0.09, 0.91, 0.935]) as tails,
        round(tails[case when scope = 'developer' then 1 else 2 end], 6) as low_miss,
        round(tails[case when scope = 'developer' then 4 else 3 end], 6) as high_miss,
        rest + sqrt(rest) * low_miss as low_rest,
        rest + sqrt(rest) * high_miss as high_rest,
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
        days_here as forecast_days,
        case when not is_judged then next_days[1:days_here] end as next_days,
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
        low_miss,
        high_miss,
        len(past_misses) as misses,
        case when len(own_misses) >= {{ fewest_misses }} then 'own' when misses > 0 then 'pooled' end as misses_source,
        cap::double as cap,
        case
            when cap > 0 then len(list_filter(past_misses, lambda miss: used + rest + sqrt(rest) * miss >= cap))
        end as misses_over,
        -- Two are added to each side (the plus-four rule), for no number of misses makes certain.
        round(case
            when used >= cap then 1
            when rest = 0 and cap > 0 then 0
            else (misses_over + 2) / (misses + 4)
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
