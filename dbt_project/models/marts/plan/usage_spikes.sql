-- A day is a spike when it is far above the usual day: relatively, absolutely, and against how far such weekdays lie
-- from their median (1.4826 makes a standard deviation of that); and larger than any day of the eight weeks before.
-- Usual is the median of the same weekday in these weeks, or of all their days with use where that is more, for some
-- people work in bursts.

with

used as (

    select
        scope,
        scope_id,
        usage_date,
        tokens,
        usd,
        min(usage_date) filter (where tokens > 0) over (partition by scope, scope_id) as first_date,
        max(tokens) over (
            partition by scope, scope_id
            order by usage_date
            range between interval 56 days preceding and interval 1 day preceding
        ) as largest_before_tokens
    from {{ ref('scope_daily') }}

),

candidates as (

    select *, least(8, (usage_date - first_date) // 7)::integer as weeks
    from used
    where
        weeks >= 4
        and tokens > coalesce(largest_before_tokens, 0)
        and tokens >= {{ assumption('spike_min_tokens') }}

),

before as (

    select
        candidates.scope,
        candidates.scope_id,
        candidates.usage_date,
        list(used.tokens) filter (where (candidates.usage_date - used.usage_date) % 7 = 0) as weekday_tokens,
        list(used.usd) filter (where (candidates.usage_date - used.usage_date) % 7 = 0) as weekday_usd,
        median(used.tokens) filter (where used.tokens > 0) as usual_day_tokens,
        median(used.usd) filter (where used.tokens > 0) as usual_day_usd
    from candidates
    inner join used
        on candidates.scope = used.scope
        and candidates.scope_id = used.scope_id
        and used.usage_date between candidates.usage_date - candidates.weeks * 7 and candidates.usage_date - 1
    group by candidates.scope, candidates.scope_id, candidates.usage_date

),

-- A day without use is a measured zero.
compared as (

    select
        candidates.* exclude (largest_before_tokens),
        coalesce(candidates.largest_before_tokens, 0) as largest_before_tokens,
        list_resize(coalesce(before.weekday_tokens, []), candidates.weeks, 0) as weekday_tokens,
        list_resize(coalesce(before.weekday_usd, []), candidates.weeks, 0) as weekday_usd,
        list_aggregate(weekday_tokens, 'mad') as deviation_tokens,
        greatest(list_aggregate(weekday_tokens, 'median'), coalesce(before.usual_day_tokens, 0)) as usual_tokens,
        greatest(list_aggregate(weekday_usd, 'median'), coalesce(before.usual_day_usd, 0)) as usual_usd,
        {{ assumption('spike_min_ratio') }} as min_ratio,
        {{ assumption('spike_min_tokens') }} as min_tokens,
        {{ assumption('spike_min_deviations') }} as min_deviations
    from candidates
    left join before using (scope, scope_id, usage_date)

),

spikes as (

    select *, tokens - usual_tokens as above_tokens
    from compared
    where
        tokens >= usual_tokens * min_ratio
        and tokens - usual_tokens >= min_tokens
        and tokens - usual_tokens >= 1.4826 * deviation_tokens * min_deviations

),

usage_daily as (

    select usage_date, developer_id, team_id, model, task_type, task_id, total_tokens
    from {{ ref('fct_usage_daily') }}

    union all

    select usage_date, developer_id, team_id, model, null, null, unobserved_tokens
    from {{ ref('unobserved_daily') }}

),

usage_of_spikes as (

    {% for scope, scope_id in [('developer', 'developer_id'), ('team', 'team_id'), ('org', "'org'")] -%}
    select spikes.scope, spikes.scope_id, usage_daily.*
    from spikes
    inner join usage_daily
        on spikes.usage_date = usage_daily.usage_date
        and spikes.scope_id = {{ 'usage_daily.' if not loop.last }}{{ scope_id }}
    where spikes.scope = '{{ scope }}'
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

),

parts as (

    select usage.scope, usage.scope_id, usage.usage_date, part.what, part.name, sum(usage.total_tokens) as tokens
    from usage_of_spikes as usage
    cross join lateral (
        values ('developer', developer_id), ('model', model), ('task_type', task_type), ('task', task_id)
    ) as part (what, name)
    where part.name is not null
    group by usage.scope, usage.scope_id, usage.usage_date, part.what, part.name

),

drivers as (

    select
        scope,
        scope_id,
        usage_date,
        {% for what, name in [
            ('developer', 'developer_id'), ('model', 'model'), ('task_type', 'task_type'), ('task', 'task_id'),
        ] -%}
        max_by(name, (tokens, name)) filter (where what = '{{ what }}') as top_{{ name }},
        max(tokens) filter (where what = '{{ what }}') as top_{{ what }}_tokens,
        {% endfor -%}
    from parts
    group by scope, scope_id, usage_date

)

select
    spikes.usage_date,
    spikes.scope,
    spikes.scope_id,
    spikes.tokens,
    spikes.usual_tokens,
    spikes.largest_before_tokens,
    spikes.above_tokens,
    spikes.tokens / nullif(spikes.usual_tokens, 0) as times_usual_ratio,
    round(spikes.above_tokens / nullif(1.4826 * spikes.deviation_tokens, 0), 3) as deviations,
    spikes.weeks,
    spikes.usd as cost_usd,
    spikes.usual_usd,
    spikes.usd - spikes.usual_usd as above_usd,
    spikes.min_ratio,
    spikes.min_tokens,
    spikes.min_deviations,
    drivers.top_developer_id,
    drivers.top_developer_tokens,
    drivers.top_model,
    drivers.top_model_tokens,
    drivers.top_task_type,
    drivers.top_task_type_tokens,
    drivers.top_task_id,
    drivers.top_task_tokens
from spikes
left join drivers using (scope, scope_id, usage_date)
