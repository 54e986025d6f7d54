-- Tokens that nobody owns, and tokens at a price that nobody knows: too large a share of the month so far.

with

run as (

    select as_of_date, date_trunc('month', as_of_date)::date as month
    from {{ source('raw', 'paceline__run') }}

),

usage_daily as (

    select
        usage_daily.*,
        -- Names of keys, not people: who is meant is the question.
        case
            when names.key_alias is not null then names.key_alias
            when names.key_hash is not null then 'key ' || left(names.key_hash, 8)
            else names.user_id
        end as caller
    from {{ ref('int_usage_attributed') }} as usage_daily
    inner join run on usage_daily.usage_date between run.month and run.as_of_date
    left join (
        select
            identity_key,
            any_value(key_alias) as key_alias,
            any_value(key_hash) as key_hash,
            any_value(user_id) as user_id
        from {{ ref('int_usage_daily') }}
        group by identity_key
    ) as names using (identity_key)

),

parts as (

    select
        'unattributed' as scope_id,
        caller as name,
        developer_id = 'unattributed' as is_unknown,
        sum(total_tokens) as part_tokens,
        sum(cost_usd) as part_usd
    from usage_daily
    group by all

    union all

    select
        'unpriced' as scope_id,
        model as name,
        is_unpriced as is_unknown,
        sum(total_tokens) as part_tokens,
        sum(cost_usd) as part_usd
    from usage_daily
    group by all

),

shares as (

    select
        scope_id,
        coalesce(sum(part_tokens) filter (where is_unknown), 0) as tokens,
        coalesce(sum(part_usd) filter (where is_unknown), 0) as usd,
        sum(part_tokens) as total_tokens,
        round(tokens::double / nullif(total_tokens, 0), 6) as share_ratio,
        list(struct_pack(name := name, tokens := part_tokens) order by part_tokens desc, name)
            filter (where is_unknown and name is not null and part_tokens > 0) as names
    from parts
    group by scope_id

),

findings as (

    select
        'unknown_share' as kind,
        0 as level,
        'digest' as urgency,
        shares.share_ratio > limits.limit_ratio as is_firing,
        strftime(run.month, '%Y-%m') as period,
        'pipeline' as scope,
        shares.scope_id,
        null::varchar as team_id,
        run.month,
        run.as_of_date,
        shares.share_ratio,
        limits.limit_ratio,
        shares.tokens,
        shares.total_tokens,
        shares.usd,
        shares.names[:3] as names,
        len(shares.names) as names_in_all,
        freshness.data_through_at,
        freshness.data_age_days,
        limits.query
    from shares
    inner join (
        select
            'unattributed' as scope_id,
            {{ assumption('unattributed_warn_ratio') }}::double as limit_ratio,
            'select usage_date, model, total_tokens, cost_usd from core.fct_usage_daily '
            || 'where developer_id = ''unattributed'' order by usage_date desc, total_tokens desc' as query
        union all
        select
            'unpriced' as scope_id,
            {{ assumption('unpriced_warn_ratio') }}::double as limit_ratio,
            'select usage_date, provider, model, total_tokens, cost_usd from core.fct_usage_daily '
            || 'where is_unpriced order by usage_date desc, total_tokens desc' as query
    ) as limits using (scope_id)
    cross join run
    cross join {{ ref('data_freshness') }} as freshness
    where
        shares.share_ratio > limits.limit_ratio
        or shares.share_ratio >= limits.limit_ratio * {{ assumption('warn_clear_ratio') }}

)

{{ addressed('findings') }}
