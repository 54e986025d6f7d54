-- How much faster than planned a cap is used: the share of the cap that a window of days took, over the share of the
-- month that is expected in these days by weekday. 1 is the plan. The long window says that it matters, the short one
-- that it still goes on: fast (level 3) looks at one day, medium (2) at three, slow (1) at seven. Windows end on the
-- as-of date and lie whole in its month, for that is what the cap is for.

with

run as (

    select as_of_date, date_trunc('month', as_of_date)::date as month
    from {{ source('raw', 'paceline__run') }}

),

month_days as (

    select
        calendar.calendar_date as usage_date,
        calendar.calendar_date - run.as_of_date as days_ahead,
        calendar.is_working_day,
        calendar.holiday is not null as is_holiday
    from {{ ref('dim_calendar') }} as calendar
    inner join run on calendar.month = run.month

),

windows as (

    select levels.*
    from run
    cross join (
        select 3 as level, 1 as window_days, {{ assumption('burn_fast_ratio') }}::double as limit_ratio
        union all
        select 2 as level, 3 as window_days, {{ assumption('burn_medium_ratio') }}::double as limit_ratio
        union all
        select 1 as level, 7 as window_days, {{ assumption('burn_slow_ratio') }}::double as limit_ratio
    ) as levels
    where levels.window_days <= day(run.as_of_date)

),

-- The next seven days of forecast_origins have the weekdays of all others, too.
weighted as (

    select
        origins.scope,
        origins.scope_id,
        origins.measure,
        month_days.days_ahead,
        case
            when origins.history_days < {{ assumption('burn_profile_min_days') }}
                then month_days.is_working_day::integer
            when month_days.is_holiday then list_min(origins.next_week)
            else origins.next_week[(month_days.days_ahead + 34) % 7 + 1]
        end as weight
    from {{ ref('forecast_origins') }} as origins
    inner join run on origins.origin_date = run.as_of_date
    cross join month_days

),

expected as (

    select
        weighted.scope,
        weighted.scope_id,
        weighted.measure,
        windows.level,
        windows.window_days,
        windows.limit_ratio,
        sum(weight) filter (where days_ahead <= 0 and days_ahead > -window_days) / nullif(sum(weight), 0)
            as expected_ratio
    from weighted
    cross join windows
    group by all

),

used as (

    select
        scope_daily.scope,
        scope_daily.scope_id,
        windows.window_days,
        coalesce(sum(tokens) filter (where usage_date > as_of_date - window_days), 0) as window_tokens,
        coalesce(sum(usd) filter (where usage_date > as_of_date - window_days), 0) as window_usd
    from {{ ref('scope_daily') }} as scope_daily
    inner join run on scope_daily.usage_date between run.as_of_date - 6 and run.as_of_date
    cross join windows
    group by scope_daily.scope, scope_daily.scope_id, windows.window_days

),

burning as (

    select
        caps.* exclude (is_as_of_month, binding_measure),
        expected.measure as binding_measure,
        expected.level,
        expected.window_days,
        expected.limit_ratio,
        used.window_tokens,
        used.window_usd,
        case expected.measure when 'tokens' then used.window_tokens else used.window_usd end as window_used,
        case expected.measure when 'tokens' then caps.cap_tokens else caps.cap_usd end as cap,
        case expected.measure when 'tokens' then caps.used_tokens else caps.used_usd end as cap_used,
        round(window_used::double / nullif(cap, 0), 6) as cap_share_ratio,
        round(window_used::double / nullif(cap, 0) / nullif(expected.expected_ratio, 0), 6) as burn_ratio,
        round(greatest(0, cap - cap_used)::double * expected.window_days / nullif(window_used, 0), 3) as would_last_days
    from {{ ref('caps_watched') }} as caps
    inner join expected using (scope, scope_id)
    inner join used using (scope, scope_id, window_days)
    where caps.is_as_of_month

),

compared as (

    select
        *,
        max(burn_ratio) filter (where window_days = 1) over of_scope as burn_1d_ratio,
        max(burn_ratio) filter (where window_days = 3) over of_scope as burn_3d_ratio,
        max(burn_ratio) filter (where window_days = 7) over of_scope as burn_7d_ratio,
        burn_ratio >= limit_ratio and case level
            -- It cannot wait for the next digest.
            when 3
                then cap_share_ratio >= {{ assumption('burn_fast_cap_ratio') }}
                and would_last_days <= {{ assumption('burn_fast_lasts_days') }}
            when 2
                then burn_1d_ratio >= {{ assumption('burn_medium_1d_ratio') }}
                and cap_share_ratio >= {{ assumption('burn_medium_cap_ratio') }}
                and coalesce(probability_over, 1) >= {{ assumption('burn_calm_probability') }}
            when 1
                then burn_3d_ratio >= {{ assumption('burn_slow_3d_ratio') }}
                and probability_over >= {{ assumption('burn_calm_probability') }}
        end as is_burning
    from burning
    where burn_ratio is not null
    window of_scope as (partition by scope, scope_id, binding_measure)

),

findings as (

    select
        'burn_rate' as kind,
        case when level = 3 and window_usd >= {{ assumption('immediate_min_usd') }} then 'immediate' else 'digest' end
            as urgency,
        -- A cap that is used up is cap_level's, and so is one that is nearly used up where nothing is urgent. One used
        -- up today with room in the pool is told at once only here.
        coalesce(
            is_burning
            and status != 'over'
            and (crosses_cap_on is null or crosses_cap_on >= as_of_date)
            and (level = 3 or used_ratio < {{ assumption('alert_level_near') }}),
            false
        ) as is_firing,
        strftime(month, '%Y-%m') as period,
        * exclude (window_used, cap, cap_used, is_burning),
        {{ usage_query('scope', 'scope_id', '(as_of_date - window_days + 1)', 'as_of_date') }} as query
    from compared
    where is_burning or burn_ratio >= 1 + (limit_ratio - 1) * {{ assumption('burn_clear_ratio') }}
    qualify row_number() over (
        partition by scope, scope_id, level order by is_firing desc, burn_ratio desc, binding_measure
    ) = 1

)

{{ addressed('findings') }}
