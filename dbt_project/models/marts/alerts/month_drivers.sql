-- What used the most, in each way of looking at it. Developers only where their team wants them named.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

usage_daily as (

    select usage_daily.*, teams.shares_developers
    from {{ ref('fct_usage_daily') }} as usage_daily
    inner join run on usage_daily.usage_date >= date_trunc('month', run.as_of_date) - interval 1 month
    left join {{ ref('dim_teams') }} as teams using (team_id)

),

usage_by_scope as (

    select 'developer' as scope, developer_id as scope_id, null as named_developer_id, *
    from usage_daily

    union all

    {% for scope in ['team', 'pool'] -%}
    select
        '{{ scope }}' as scope,
        team_id as scope_id,
        case when shares_developers then nullif(developer_id, 'unattributed') end as named_developer_id,
        *
    from usage_daily

    union all

    {% endfor -%}
    select 'org' as scope, 'org' as scope_id, null as named_developer_id, *
    from usage_daily

),

looked_at as (

    select
        usage_by_scope.scope,
        usage_by_scope.scope_id,
        date_trunc('month', usage_by_scope.usage_date)::date as month,
        parts.what,
        parts.name,
        sum(usage_by_scope.total_tokens) as tokens
    from usage_by_scope
    cross join lateral (
        values ('model', model), ('task_type', task_type), ('task', task_id), ('developer', named_developer_id)
    ) as parts (what, name)
    group by all

),

largest as (

    select
        *,
        tokens / nullif(sum(tokens) over (partition by scope, scope_id, month, what), 0) as share_ratio
    from looked_at
    qualify row_number() over (
        partition by scope, scope_id, month, what
        order by name is null, tokens desc, name
    ) = 1

)

select
    month,
    scope,
    scope_id,
    list(
        struct_pack(what := what, name := name, tokens := tokens, share_ratio := share_ratio)
        order by tokens desc, what
    ) as drivers
from largest
where name is not null and tokens > 0
group by month, scope, scope_id
