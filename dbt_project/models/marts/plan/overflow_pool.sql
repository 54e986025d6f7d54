-- A pool for the bursts that personal caps do not hold. Were everybody given an own reserve, a team would need the sum
-- of personal p90s; together it needs no more than its own p95. The pool is what that p95 lies above the caps, and at
-- least what the median month of the back-test would have drawn.

with

assumed as (

    select
        {{ assumption('buffer_ratio') }}::double as buffer_ratio,
        {{ assumption('growth_assumed_ratio') }}::double as growth_assumed_ratio,
        {{ assumption('stopped_chance_ratio') }}::double as stopped_chance_ratio,
        {{ assumption('pool_chance_ratio') }}::double as pool_chance_ratio

),

recommended as (select * from {{ ref('cap_recommendations') }}),

together as (

    select
        recommended.plan_month,
        recommended.scope,
        recommended.scope_id,
        recommended.level_tokens,
        recommended.growth_ratio,
        recommended.expected_tokens,
        list_sort(
            case when len(own.misses) >= 15 then own.misses when pooled.pooled_misses >= 15 then pooled.misses end
        ) as past_misses,
        round({{ sorted_quantile('past_misses', '(1 - assumed.pool_chance_ratio)') }}, 6) as miss_at_pool_chance,
        (level_tokens + sqrt(level_tokens) * miss_at_pool_chance) * (1 + recommended.growth_ratio) as p95_tokens
    from recommended
    cross join assumed
    left join {{ ref('forecast_misses_pooled') }} as pooled
        on recommended.scope = pooled.scope and pooled.measure = 'tokens' and pooled.horizon_days = 30
    left join {{ ref('forecast_misses') }} as own
        on recommended.scope = own.scope
        and recommended.scope_id = own.scope_id
        and own.measure = 'tokens'
        and own.horizon_days = 30
    where recommended.scope in ('team', 'org')

),

summed as (

    select
        scopes.scope,
        scopes.scope_id,
        count(*) as members,
        sum(recommended.recommended_cap_tokens) as sum_of_caps_tokens,
        sum(recommended.range_cap_tokens) as sum_of_personal_p90_tokens
    from recommended
    cross join lateral (
        values ('team', recommended.team_id), ('org', 'org')
    ) as scopes (scope, scope_id)
    where recommended.scope = 'developer' and scopes.scope_id is not null
    group by scopes.scope, scopes.scope_id

),

-- Had caps been made by the same rule before each month that is over: what went beyond them.
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

sized as (

    select
        together.*,
        summed.members,
        summed.sum_of_caps_tokens,
        summed.sum_of_personal_p90_tokens,
        medians.backtest_overflow_p50_tokens,
        greatest(0, together.p95_tokens - summed.sum_of_caps_tokens, medians.backtest_overflow_p50_tokens)
            as needed_tokens,
        {{ round_up('needed_tokens') }} as recommended_pool_tokens
    from together
    inner join summed using (scope, scope_id)
    left join (
        select scope, scope_id, median(overflow_tokens) as backtest_overflow_p50_tokens
        from replayed
        group by scope, scope_id
    ) as medians using (scope, scope_id)

),

tested as (

    select
        sized.scope,
        sized.scope_id,
        count(*) as backtest_months,
        sum(replayed.overflow_tokens) as blocked_without_pool_tokens,
        sum(greatest(0, replayed.overflow_tokens - sized.recommended_pool_tokens)) as blocked_with_pool_tokens,
        avg(least(replayed.overflow_tokens, sized.recommended_pool_tokens)) as drawn_tokens
    from sized
    inner join replayed using (scope, scope_id)
    group by sized.scope, sized.scope_id

)

select
    sized.plan_month,
    sized.scope,
    sized.scope_id,
    sized.members,
    sized.sum_of_caps_tokens,
    assumed.stopped_chance_ratio,
    sized.sum_of_personal_p90_tokens,
    assumed.pool_chance_ratio,
    sized.level_tokens,
    sized.miss_at_pool_chance,
    sized.growth_ratio,
    round(sized.p95_tokens)::bigint as pool_p95_tokens,
    sized.sum_of_personal_p90_tokens - round(sized.p95_tokens)::bigint as sharing_saves_tokens,
    round(sized.backtest_overflow_p50_tokens)::bigint as backtest_overflow_p50_tokens,
    sized.recommended_pool_tokens,
    round(sized.recommended_pool_tokens / nullif(sized.sum_of_caps_tokens, 0), 6) as pool_of_caps_ratio,
    teams.monthly_pool_tokens as current_pool_tokens,
    assumed.growth_assumed_ratio,
    assumed.buffer_ratio,
    coalesce(tested.backtest_months, 0) as backtest_months,
    round(tested.blocked_without_pool_tokens)::bigint as blocked_without_pool_tokens,
    round(tested.blocked_with_pool_tokens)::bigint as blocked_with_pool_tokens,
    round(1 - tested.blocked_with_pool_tokens / nullif(tested.blocked_without_pool_tokens, 0), 6)
        as blocked_avoided_ratio,
    round(tested.drawn_tokens / nullif(sized.recommended_pool_tokens, 0), 6) as pool_used_ratio
from sized
cross join assumed
left join tested using (scope, scope_id)
left join {{ ref('dim_teams') }} as teams on sized.scope = 'team' and sized.scope_id = teams.team_id
