-- Weekday-aware run rate for the as-of month: each day left is expected to be like its weekday has been lately, scaled
-- by how this month has gone so far against those weekdays.

with

run as (select as_of_date, date_trunc('month', as_of_date)::date as month from {{ source('raw', 'paceline__run') }}),

days as (

    select unnest(generate_series(as_of_date - 55, last_day(as_of_date), interval 1 day))::date as usage_date
    from run

),

cap_use as (select * from {{ ref('cap_use_daily') }}),

-- From its first day on, a scope has every day: one without use is a measured zero.
scope_days as (

    select firsts.scope, firsts.scope_id, days.usage_date
    from (
        select scope, scope_id, min(usage_date) as first_date from cap_use group by scope, scope_id
    ) as firsts
    inner join days on days.usage_date >= firsts.first_date

),

measured as (

    select
        scope_days.*,
        isodow(scope_days.usage_date) as weekday,
        scope_days.usage_date <= run.as_of_date as is_past,
        scope_days.usage_date >= run.month as is_in_month,
        coalesce(cap_use.tokens, 0) as tokens,
        coalesce(cap_use.usd, 0) as usd
    from scope_days
    cross join run
    left join cap_use using (scope, scope_id, usage_date)

),

expected as (

    select
        *,
        -- A weekday not seen yet is like the mean day.
        coalesce(
            avg(tokens) filter (where is_past) over (partition by scope, scope_id, weekday),
            avg(tokens) filter (where is_past) over (partition by scope, scope_id)
        ) as expected_tokens,
        coalesce(
            avg(usd) filter (where is_past) over (partition by scope, scope_id, weekday),
            avg(usd) filter (where is_past) over (partition by scope, scope_id)
        ) as expected_usd
    from measured

),

paced as (

    select
        *,
        coalesce(
            sum(tokens) filter (where is_past) over scope_month
            / nullif(sum(expected_tokens) filter (where is_past) over scope_month, 0),
            0
        ) as pace_tokens_ratio,
        coalesce(
            sum(usd) filter (where is_past) over scope_month
            / nullif(sum(expected_usd) filter (where is_past) over scope_month, 0),
            0
        ) as pace_usd_ratio
    from expected
    where is_in_month
    window scope_month as (partition by scope, scope_id)

)

select
    scope,
    scope_id,
    usage_date,
    is_past,
    -- Rounded, for a forecast has no digits behind the token, and sums of floats differ from run to run.
    round(
        sum(case when is_past then tokens else expected_tokens * pace_tokens_ratio end) over to_date
    )::bigint as projected_tokens,
    round(
        sum(case when is_past then usd else expected_usd * pace_usd_ratio end) over to_date, 6
    )::decimal(18, 6) as projected_usd
from paced
window to_date as (partition by scope, scope_id order by usage_date)
