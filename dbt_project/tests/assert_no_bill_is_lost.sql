-- What the newest versions of the reports say is in the daily bill; the daily bill of the days told is in the
-- reconciliation, where observed and unobserved are billed; and what is observed and unobserved is in the use of the
-- organisation, and counts against caps.

{{ config(meta={'dagster': {'ref': {'name': 'fct_reconciliation_daily'}}}) }}

with

newest as (

    select feed, utc_date, version_known_at as known_at
    from {{ ref('int_billing_versions') }}
    where superseded_at is null

),

lines as (

    select sum(input_tokens + output_tokens) as tokens, sum(billed_usd) as usd
    from {{ ref('int_billed_lines') }}
    inner join newest using (feed, utc_date, known_at)

),

bill as (select sum(total_tokens) as tokens, sum(billed_usd) as usd from {{ ref('fct_billed_daily') }}),

bill_told as (

    select sum(total_tokens) as tokens, sum(billed_usd) as usd
    from {{ ref('fct_billed_daily') }}
    inner join (
        select distinct provider, utc_date
        from {{ ref('int_billing_versions') }}
        where report = 'usage'
    ) as told using (provider, utc_date)

),

reconciled as (

    select
        sum(billed_tokens) as tokens,
        sum(observed_tokens + unobserved_tokens) as parts_tokens,
        sum(billed_usd) as usd
    from {{ ref('fct_reconciliation_daily') }}

),

counted as (select sum(total_tokens) as tokens, sum(cost_usd) as usd from {{ ref('fct_usage_daily') }}),

bypassed as (select sum(unobserved_tokens) as tokens, sum(unobserved_usd) as usd from {{ ref('unobserved_daily') }}),

org as (select sum(tokens) as tokens, sum(usd) as usd from {{ ref('scope_daily') }} where scope = 'org'),

compared as (

    select 'lines and daily bill' as what, lines.tokens as should_be, bill.tokens as tokens, lines.usd as should_be_usd,
        bill.usd
    from lines
    cross join bill

    union all

    select 'daily bill and reconciliation', bill_told.tokens, reconciled.tokens, bill_told.usd, reconciled.usd
    from bill_told
    cross join reconciled

    union all

    select 'observed and unobserved are billed', tokens, parts_tokens, usd, usd
    from reconciled

    union all

    select
        'use and bypass in the organisation''s use',
        coalesce(counted.tokens, 0) + coalesce(bypassed.tokens, 0),
        org.tokens,
        coalesce(counted.usd, 0) + coalesce(bypassed.usd, 0),
        org.usd
    from counted
    cross join bypassed
    cross join org

)

select *
from compared
where
    coalesce(should_be, 0) != coalesce(tokens, 0)
    or abs(coalesce(should_be_usd, 0) - coalesce(usd, 0)) > 0.000001
