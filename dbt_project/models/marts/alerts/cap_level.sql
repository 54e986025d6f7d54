-- A level fires once it was reached and holds until well below it, as after a cap was raised a little.

{% set full_level %}round({{ assumption('alert_level_full') }} * 100)::integer{% endset %}

with

levels as (

    select round({{ assumption('alert_level_near') }} * 100)::integer as level, 'digest' as urgency

    union all

    select {{ full_level }} as level, 'immediate' as urgency

),

crossings as (

    select month, scope, scope_id, level, min(crossed_on) as reached_on
    from {{ ref('cap_crossings') }}
    group by month, scope, scope_id, level

),

findings as (

    select
        'cap_level' as kind,
        levels.level,
        -- While the pool has room nobody is stopped, and nobody can act in a month that is over.
        case
            when caps.status = 'drawing_from_pool' or not caps.is_as_of_month then 'digest'
            else levels.urgency
        end as urgency,
        crossings.reached_on is not null as is_firing,
        strftime(caps.month, '%Y-%m') as period,
        caps.* exclude (is_as_of_month),
        crossings.reached_on,
        case
            when caps.scope = 'org'
                then 'select * from plan.cap_utilization where scope = ''org'''
            else {{ usage_query('caps.scope', 'caps.scope_id', 'caps.month', 'last_day(caps.month)') }}
        end as query
    from {{ ref('caps_watched') }} as caps
    cross join levels
    left join crossings
        on caps.month = crossings.month
        and caps.scope = crossings.scope
        and caps.scope_id = crossings.scope_id
        and levels.level = crossings.level
    where
        -- Of a month that is over only a cap that its last days passed is news.
        (caps.is_as_of_month or (levels.level = {{ full_level }} and crossings.reached_on >= caps.as_of_date - 3))
        and (
            crossings.reached_on is not null
            or caps.used_ratio >= levels.level / 100 - {{ assumption('alert_clear_ratio') }}::double
        )

),

addressed as ({{ addressed('findings') }})

select
    * replace (
        -- When the pool that carried a developer is used up, that is told, too.
        alert_key || case
            when scope = 'developer' and level = {{ full_level }} and status = 'over' and pool_left_tokens is not null
                then '/over'
            else ''
        end as alert_key
    )
from addressed
