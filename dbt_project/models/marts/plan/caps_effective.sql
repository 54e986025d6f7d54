-- The cap in force per month: what was approved for it, else the month's own row of caps.csv, else the last one before
-- it, else the measured baseline and a buffer. A row with both caps empty says: no cap.

with

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

-- What was granted for one month and is not carried over.
increases as (select * from {{ ref('cap_decisions') }} where is_for_month_only),

stated as (select * from {{ ref('caps_stated') }}),

-- Months in which somebody used something or worked here.
months as (

    select distinct month
    from {{ ref('scope_daily') }}

    union

    select date_trunc('month', as_of_date)::date from run

    union

    -- On the last day of a month, the caps of the one that begins.
    select date_trunc('month', as_of_date + 1)::date from run

),

scope_months as (

    select scope, scope_id, month
    from {{ ref('scope_daily') }}

    union

    select 'developer' as scope, developers.developer_id as scope_id, months.month
    from {{ ref('int_developers_dated') }} as developers
    cross join months
    where
        developers.valid_from <= last_day(months.month)
        and developers.valid_to >= months.month
        and not developers.is_derived

    union

    select 'team' as scope, teams.team_id as scope_id, months.month
    from {{ ref('dim_teams') }} as teams
    cross join months

    union

    select 'org' as scope, 'org' as scope_id, months.month
    from months

),

nearest as (

    select
        scope_months.*,
        stated.month as stated_month,
        stated.cap_tokens,
        stated.cap_usd,
        stated.cap_source
    from scope_months
    asof left join stated
        on scope_months.scope = stated.scope
        and scope_months.scope_id = stated.scope_id
        and scope_months.month >= stated.month

)

select
    nearest.scope,
    nearest.scope_id,
    nearest.month,
    case
        when increases.cap_tokens is not null then increases.cap_tokens
        when stated_month is not null then nearest.cap_tokens
        -- The measured baseline is in tokens; no cap is ever made up for the organisation as a whole.
        when nearest.scope != 'org' and increases.month is null
            then ceil(nullif(baselines.baseline_tokens, 0) * (1 + {{ assumption('buffer_ratio') }}))::bigint
    end as cap_tokens,
    coalesce(increases.cap_usd, case when stated_month is not null then nearest.cap_usd end) as cap_usd,
    case
        when increases.month is not null then 'approved'
        when stated_month = nearest.month then nearest.cap_source
        when stated_month is not null then 'carried'
        when nearest.scope != 'org' and baselines.baseline_tokens > 0 then 'baseline'
    end as cap_source
from nearest
left join increases
    on nearest.scope = increases.scope and nearest.scope_id = increases.scope_id and nearest.month = increases.month
left join {{ ref('baselines') }} as baselines
    on nearest.scope = baselines.scope
    and nearest.scope_id = baselines.scope_id
    and nearest.month = baselines.month
