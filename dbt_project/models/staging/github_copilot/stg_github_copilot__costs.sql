-- The bill knows models and no members, the members' report credits and no models. So a line is shared out by the
-- credits of the day, as the members' report has them now; what they do not explain stays without a member. The parts
-- add up to the line.

with

bill as (

    select
        *,
        row_number() over (order by day, known_at, account_id, model, sku, credits, list_usd, billed_usd) as line,
        sum(credits) over (partition by account_id, day, known_at) as billed_credits
    from {{ source('raw', 'github_copilot__ai_credits') }}

),

members as (

    select account_id, day, lower(user_login) as login, sum(credits) as credits
    from {{ source('raw', 'github_copilot__users_daily') }}
    where credits > 0
    group by account_id, day, lower(user_login), known_at
    qualify known_at = max(known_at) over (partition by account_id, day)

),

shared as (

    select
        bill.*,
        members.login,
        members.credits / greatest(
            bill.billed_credits, sum(members.credits) over (partition by bill.line)
        ) as share
    from bill
    inner join members using (account_id, day)
    where bill.billed_credits > 0

),

parts as (

    select
        line,
        login,
        cast(list_usd * share as decimal(38, 12)) as list_usd,
        cast(billed_usd * share as decimal(38, 12)) as billed_usd
    from shared

    union all

    select
        bill.line,
        null as login,
        bill.list_usd - coalesce(sum(cast(shared.list_usd * shared.share as decimal(38, 12))), 0) as list_usd,
        bill.billed_usd - coalesce(sum(cast(shared.billed_usd * shared.share as decimal(38, 12))), 0) as billed_usd
    from bill
    left join shared using (line)
    group by bill.line, bill.list_usd, bill.billed_usd

)

select
    'github_copilot__ai_credits' as feed,
    'github_copilot' as provider,
    bill.day as utc_date,
    bill.known_at,
    bill.account_id,
    parts.login as provider_api_key_id,
    'github' as key_kind,
    bill.model as raw_model,
    parts.billed_usd,
    parts.list_usd
from parts
inner join bill using (line)
where parts.list_usd != 0 or parts.billed_usd != 0
