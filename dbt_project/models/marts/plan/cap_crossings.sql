with

levels as (

    select round({{ assumption('alert_level_near') }} * 100)::integer as level

    union all

    select round({{ assumption('alert_level_full') }} * 100)::integer as level

),

cap_use as (

    select scope, scope_id, month, usage_date, 'tokens' as measure, used_tokens as used, cap_tokens as cap
    from {{ ref('cap_use_daily') }}
    where cap_tokens > 0

    union all

    select scope, scope_id, month, usage_date, 'usd' as measure, used_usd as used, cap_usd as cap
    from {{ ref('cap_use_daily') }}
    where cap_usd > 0

)

select
    cap_use.month,
    cap_use.scope,
    cap_use.scope_id,
    cap_use.measure,
    levels.level,
    min(cap_use.usage_date) as crossed_on
from cap_use
cross join levels
where cap_use.used * 100 >= cap_use.cap * levels.level
group by cap_use.month, cap_use.scope, cap_use.scope_id, cap_use.measure, levels.level
