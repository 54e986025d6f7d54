-- Days far above the usual one, back to the last working day before the as-of day: a Friday's is in Monday's digest.
-- Where one person made most of a team's spike, or one team most of the organisation's, only the narrower is told.

with

run as (

    select run.as_of_date, coalesce(max(calendar.calendar_date), run.as_of_date - 1) as from_date
    from {{ source('raw', 'paceline__run') }} as run
    left join {{ ref('dim_calendar') }} as calendar
        on calendar.calendar_date < run.as_of_date and calendar.is_working_day
    group by run.as_of_date

),

spikes as (

    select
        spikes.*,
        scope_daily.team_id,
        run.as_of_date,
        date_trunc('month', spikes.usage_date)::date as month
    from {{ ref('usage_spikes') }} as spikes
    inner join run on spikes.usage_date between run.from_date and run.as_of_date
    left join {{ ref('scope_daily') }} as scope_daily using (scope, scope_id, usage_date)

),

told as (

    select *
    from spikes as wider
    where not exists (
        select 1
        from spikes as narrower
        where
            narrower.usage_date = wider.usage_date
            and (
                (wider.scope = 'org' and narrower.scope in ('team', 'developer'))
                or (wider.scope = 'team' and narrower.scope = 'developer' and narrower.team_id = wider.scope_id)
            )
            and narrower.above_tokens >= wider.above_tokens * {{ assumption('spike_explained_ratio') }}
    )

),

findings as (

    select
        'spike' as kind,
        0 as level,
        case
            -- A fast burn of the same day is told at once already.
            when burning.alert_key is not null then 'digest'
            when
                told.above_usd >= {{ assumption('spike_immediate_usd') }}
                or (
                    told.above_tokens >= caps.cap_tokens * {{ assumption('spike_immediate_cap_ratio') }}
                    and told.above_usd >= {{ assumption('immediate_min_usd') }}
                )
                then 'immediate'
            else 'digest'
        end as urgency,
        true as is_firing,
        strftime(told.usage_date, '%Y-%m-%d') as period,
        told.scope,
        told.scope_id,
        told.team_id,
        told.month,
        told.as_of_date,
        told.usage_date,
        told.tokens,
        told.usual_tokens,
        told.largest_before_tokens,
        told.above_tokens,
        told.times_usual_ratio,
        told.cost_usd,
        told.usual_usd,
        told.above_usd,
        caps.cap_tokens,
        caps.cap_usd,
        caps.used_tokens,
        caps.used_usd,
        caps.used_ratio,
        round(told.above_tokens::double / nullif(caps.cap_tokens, 0), 6) as cap_share_ratio,
        freshness.data_through_at,
        freshness.data_age_days,
        list_filter(
            [
                {% for what, name in [('model', 'model'), ('task_type', 'task_type'), ('task', 'task_id')] -%}
                struct_pack(
                    what := '{{ what }}',
                    name := told.top_{{ name }},
                    tokens := told.top_{{ what }}_tokens,
                    share_ratio := told.top_{{ what }}_tokens::double / told.tokens
                ),
                {% endfor -%}
                struct_pack(
                    what := 'developer',
                    name := case
                        when told.scope = 'team' and teams.shares_developers
                            then nullif(told.top_developer_id, 'unattributed')
                    end,
                    tokens := told.top_developer_tokens,
                    share_ratio := told.top_developer_tokens::double / told.tokens
                )
            ],
            lambda driver: driver.name is not null
        ) as drivers,
        {{ usage_query('told.scope', 'told.scope_id', 'told.usage_date', 'told.usage_date') }} as query
    from told
    left join {{ ref('cap_utilization') }} as caps
        on told.month = caps.month and told.scope = caps.scope and told.scope_id = caps.scope_id
    left join {{ ref('burn_rate') }} as burning
        on told.scope = burning.scope
        and told.scope_id = burning.scope_id
        and told.usage_date = burning.as_of_date
        and burning.urgency = 'immediate'
        and burning.is_firing
    left join {{ ref('dim_teams') }} as teams on told.scope = 'team' and told.scope_id = teams.team_id
    cross join {{ ref('data_freshness') }} as freshness

)

{{ addressed('findings') }}
