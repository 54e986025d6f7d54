with

run as (

    select as_of_date, date_trunc('month', as_of_date)::date as as_of_month
    from {{ source('raw', 'paceline__run') }}

),

-- Every cap in force, used or not.
caps as (

    select scope, scope_id, month, cap_tokens, cap_usd, cap_source
    from {{ ref('caps_effective') }}

    union all

    select 'pool' as scope, teams.team_id as scope_id, months.month, monthly_pool_tokens, monthly_pool_usd, 'set'
    from {{ ref('dim_teams') }} as teams
    cross join (select distinct month from {{ ref('caps_effective') }}) as months
    where monthly_pool_tokens is not null or monthly_pool_usd is not null

),

used as (

    select
        scope,
        scope_id,
        month,
        sum(tokens) as used_tokens,
        sum(usd) as used_usd,
        max(team_id) as team_id,
        sum(estimated_tokens) as estimated_tokens,
        sum(unobserved_tokens) as unobserved_tokens
    from {{ ref('cap_use_daily') }}
    group by scope, scope_id, month

),

billed_months as (select distinct date_trunc('month', utc_date)::date as month from {{ ref('fct_billed_history') }}),

forecast as (

    select forecast.*
    from {{ ref('month_end_forecast') }} as forecast
    inner join run on forecast.forecast_date = run.as_of_date

),

projected as (

    select
        month,
        scope,
        scope_id,
        max(projected_p50) filter (where measure = 'tokens') as projected_tokens,
        max(projected_p50) filter (where measure = 'usd') as projected_usd,
        max(projected_p10 / nullif(cap, 0)) as projected_ratio_p10,
        max(projected_p90 / nullif(cap, 0)) as projected_ratio_p90,
        max(probability_over) filter (where cap > 0) as probability_over
    from forecast
    group by month, scope, scope_id

    union all

    -- A pool ends where its developers end beyond their caps.
    select
        forecast.month,
        'pool' as scope,
        used.team_id as scope_id,
        sum(greatest(0, projected_p50 - cap)) filter (where measure = 'tokens') as projected_tokens,
        sum(greatest(0, projected_p50 - cap)) filter (where measure = 'usd') as projected_usd,
        null as projected_ratio_p10,
        null as projected_ratio_p90,
        null as probability_over
    from forecast
    inner join used using (month, scope, scope_id)
    where forecast.scope = 'developer'
    group by forecast.month, used.team_id

),

crossings as (

    select
        month,
        scope,
        scope_id,
        min(crossed_on) filter (where level = round({{ assumption('alert_level_near') }} * 100)) as near_cap_on,
        min(crossed_on) filter (where level = round({{ assumption('alert_level_full') }} * 100)) as crossed_cap_on
    from {{ ref('cap_crossings') }}
    group by month, scope, scope_id

),

will_cross as (

    select
        path.scope,
        path.scope_id,
        run.as_of_month as month,
        min(path.usage_date) as crosses_cap_on
    from {{ ref('month_end_path') }} as path
    cross join run
    inner join caps on path.scope = caps.scope and path.scope_id = caps.scope_id and run.as_of_month = caps.month
    where path.projected_tokens >= caps.cap_tokens or path.projected_usd >= caps.cap_usd
    group by path.scope, path.scope_id, run.as_of_month

),

measured as (

    select
        run.as_of_date,
        caps.month,
        caps.scope,
        caps.scope_id,
        case
            when caps.scope in ('team', 'pool') then caps.scope_id
            when caps.scope = 'developer' then coalesce(used.team_id, developers.team_id)
        end as team_id,
        caps.cap_tokens,
        caps.cap_usd,
        caps.cap_source,
        case when caps.scope != 'pool' then coalesce(used.used_tokens - coalesce(used.unobserved_tokens, 0), 0) end
            as observed_tokens,
        -- Without a bill it is unknown, not 0. A pool is used by what is beyond caps, whoever observed it.
        case
            when caps.scope != 'pool' and billed_months.month is not null then coalesce(used.unobserved_tokens, 0)
        end as unobserved_tokens,
        coalesce(used.used_tokens, 0) as used_tokens,
        coalesce(used.used_usd, 0) as used_usd,
        case when caps.scope != 'pool' then coalesce(used.estimated_tokens, 0) end as estimated_tokens,
        coalesce(used.used_tokens, 0)::double / nullif(caps.cap_tokens, 0) as tokens_ratio,
        coalesce(used.used_usd, 0)::double / nullif(caps.cap_usd, 0) as usd_ratio,
        projected.projected_ratio_p10,
        projected.projected_ratio_p90,
        projected.probability_over,
        coalesce(round(projected.projected_tokens), used.used_tokens, 0)::bigint as projected_tokens,
        coalesce(projected.projected_usd, used.used_usd, 0)::decimal(18, 6) as projected_usd,
        crossings.near_cap_on,
        coalesce(crossings.crossed_cap_on, will_cross.crosses_cap_on) as crosses_cap_on
    from caps
    cross join run
    left join used using (scope, scope_id, month)
    left join billed_months using (month)
    left join projected using (scope, scope_id, month)
    left join crossings using (scope, scope_id, month)
    left join will_cross using (scope, scope_id, month)
    left join {{ ref('dim_developers') }} as developers
        on caps.scope = 'developer' and caps.scope_id = developers.developer_id
    where caps.month <= run.as_of_month

),

bound as (

    select
        *,
        greatest(tokens_ratio, usd_ratio) as used_ratio,
        case
            when tokens_ratio is null and usd_ratio is null then null
            when usd_ratio is null or tokens_ratio >= usd_ratio then 'tokens'
            else 'usd'
        end as binding_measure,
        greatest(
            projected_tokens::double / nullif(cap_tokens, 0), projected_usd::double / nullif(cap_usd, 0)
        ) as projected_ratio_p50
    from measured

),

-- A pool has room in the measure that a developer's cap is reached in, or none for that developer.
pools as (

    select month, team_id, 'tokens' as binding_measure, tokens_ratio as pool_ratio
    from bound
    where scope = 'pool'

    union all

    select month, team_id, 'usd' as binding_measure, usd_ratio as pool_ratio
    from bound
    where scope = 'pool'

)

select
    as_of_date,
    month,
    scope,
    scope_id,
    team_id,
    cap_tokens,
    cap_usd,
    cap_source,
    observed_tokens,
    unobserved_tokens,
    used_tokens,
    used_usd,
    estimated_tokens,
    used_ratio,
    binding_measure,
    projected_tokens,
    projected_usd,
    -- A month that is over ended as it did.
    coalesce(projected_ratio_p10, case when month < (select as_of_month from run) then used_ratio end)
        as projected_ratio_p10,
    projected_ratio_p50,
    coalesce(projected_ratio_p90, case when month < (select as_of_month from run) then used_ratio end)
        as projected_ratio_p90,
    coalesce(
        probability_over, case when month < (select as_of_month from run) then (used_ratio >= 1)::integer end
    ) as probability_over,
    coalesce(used_ratio >= 1 or coalesce(probability_over >= 0.5, projected_ratio_p50 >= 1), false) as is_likely_over,
    near_cap_on,
    crosses_cap_on,
    case
        when used_ratio is null then 'no_cap'
        when used_ratio >= {{ assumption('alert_level_full') }} and scope = 'developer' and pool_ratio < 1
            then 'drawing_from_pool'
        when used_ratio >= {{ assumption('alert_level_full') }} then 'over'
        when used_ratio >= {{ assumption('alert_level_near') }} then 'near'
        else 'ok'
    end as status
from bound
left join pools using (month, team_id, binding_measure)
