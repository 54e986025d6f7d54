-- A pool for the bursts that personal caps do not hold. Everybody's own reserve, from the cap to the p90, would take
-- some; but bursts do not come together, so a team needs less than the sum of personal p90s, and by that difference the
-- pool is smaller than the reserves.

with

assumed as (

    select
        {{ assumption('buffer_ratio') }}::double as buffer_ratio,
        {{ assumption('growth_assumed_ratio') }}::double as growth_assumed_ratio,
        {{ assumption('stopped_chance_ratio') }}::double as stopped_chance_ratio,
        {{ assumption('pool_chance_ratio') }}::double as pool_chance_ratio

),

recommended as (select * from {{ ref('cap_recommendations') }}),

-- Nothing is said of a team as long as nothing can be said of one of its people.
people as (

    select
        scopes.scope,
        scopes.scope_id,
        count(*) as developers,
        sum(recommended.recommended_cap_tokens) as sum_of_caps_tokens,
        case when count(*) = count(recommended.range_cap_tokens) then sum(recommended.range_cap_tokens) end
            as sum_of_personal_p90_tokens,
        case
            when count(*) = count(recommended.range_cap_tokens)
                then sum(greatest(0, recommended.range_cap_tokens - recommended.recommended_cap_tokens))
        end as own_reserves_tokens
    from recommended
    cross join lateral (
        values ('team', recommended.team_id), ('org', 'org')
    ) as scopes (scope, scope_id)
    where recommended.scope = 'developer' and scopes.scope_id is not null
    group by scopes.scope, scopes.scope_id

),

sized as (

    select
        recommended.plan_month,
        people.*,
        recommended.baseline_tokens,
        recommended.usd_per_mtok,
        misses.misses_source,
        misses.windows as misses_windows,
        round({{ sorted_quantile('misses.miss_ratios', '(1 - assumed.pool_chance_ratio)') }}, 6)
            as miss_at_pool_chance_ratio,
        round(recommended.baseline_tokens * (1 + miss_at_pool_chance_ratio))::bigint as pool_p95_tokens,
        people.sum_of_personal_p90_tokens - pool_p95_tokens as sharing_saves_tokens,
        case
            when sharing_saves_tokens is not null
                then greatest(0, people.own_reserves_tokens - greatest(0, sharing_saves_tokens))
        end as needed_tokens,
        {{ round_up('needed_tokens') }} as recommended_pool_tokens
    from people
    cross join assumed
    inner join recommended using (scope, scope_id)
    left join {{ ref('baseline_misses') }} as misses using (scope, scope_id)

),

-- In hindsight: caps made by the same rule before each month that is over, and what went beyond them.
monthly as (

    select
        scope_daily.month,
        scope_daily.scope_id as developer_id,
        arg_max(scope_daily.team_id, scope_daily.usage_date) as team_id,
        sum(scope_daily.tokens) as used_tokens
    from {{ ref('scope_daily') }} as scope_daily
    inner join {{ source('raw', 'paceline__run') }} as run on last_day(scope_daily.month) <= run.as_of_date
    where scope_daily.scope = 'developer'
    group by scope_daily.month, scope_daily.scope_id

),

replayed as (

    select
        scopes.scope,
        scopes.scope_id,
        monthly.month,
        sum(baselines.baseline_tokens * (1 + assumed.growth_assumed_ratio) * (1 + assumed.buffer_ratio)) as caps_tokens,
        sum(
            greatest(
                0,
                monthly.used_tokens
                - baselines.baseline_tokens * (1 + assumed.growth_assumed_ratio) * (1 + assumed.buffer_ratio)
            )
        ) as overflow_tokens
    from monthly
    cross join assumed
    inner join {{ ref('baselines') }} as baselines
        on baselines.scope = 'developer'
        and monthly.developer_id = baselines.scope_id
        and monthly.month = baselines.month
        and baselines.measured_until_date < monthly.month
    cross join lateral (
        values ('team', monthly.team_id), ('org', 'org')
    ) as scopes (scope, scope_id)
    group by scopes.scope, scopes.scope_id, monthly.month

),

-- A pool in proportion to the caps of then.
tested as (

    select
        sized.scope,
        sized.scope_id,
        count(*) as backtest_months,
        sum(replayed.overflow_tokens) as blocked_without_pool_tokens,
        sum(sized.recommended_pool_tokens * replayed.caps_tokens / nullif(sized.sum_of_caps_tokens, 0)) as pools_tokens,
        sum(
            least(
                replayed.overflow_tokens,
                sized.recommended_pool_tokens * replayed.caps_tokens / nullif(sized.sum_of_caps_tokens, 0)
            )
        ) as drawn_tokens
    from sized
    inner join replayed using (scope, scope_id)
    where sized.recommended_pool_tokens is not null
    group by sized.scope, sized.scope_id

)

select
    sized.plan_month,
    sized.scope,
    sized.scope_id,
    sized.developers,
    sized.sum_of_caps_tokens,
    assumed.stopped_chance_ratio,
    sized.sum_of_personal_p90_tokens,
    sized.own_reserves_tokens,
    sized.baseline_tokens,
    assumed.pool_chance_ratio,
    sized.misses_source,
    sized.misses_windows,
    sized.miss_at_pool_chance_ratio,
    sized.pool_p95_tokens,
    sized.sharing_saves_tokens,
    sized.recommended_pool_tokens,
    round(sized.recommended_pool_tokens * sized.usd_per_mtok / 1000000, 2)::decimal(18, 2) as recommended_pool_usd,
    round(sized.recommended_pool_tokens / nullif(sized.sum_of_caps_tokens, 0), 6) as pool_of_caps_ratio,
    teams.monthly_pool_tokens as current_pool_tokens,
    assumed.growth_assumed_ratio,
    assumed.buffer_ratio,
    coalesce(tested.backtest_months, 0) as backtest_months,
    round(tested.blocked_without_pool_tokens)::bigint as blocked_without_pool_tokens,
    round(tested.drawn_tokens)::bigint as blocked_avoided_tokens,
    round(tested.drawn_tokens / nullif(tested.blocked_without_pool_tokens, 0), 6) as blocked_avoided_ratio,
    round(tested.drawn_tokens / nullif(tested.pools_tokens, 0), 6) as pool_used_ratio
from sized
cross join assumed
left join tested using (scope, scope_id)
left join {{ ref('dim_teams') }} as teams on sized.scope = 'team' and sized.scope_id = teams.team_id
