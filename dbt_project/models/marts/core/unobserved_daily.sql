-- Bypassing the gateway does not escape the cap. Where a developer's key is used through the gateway as well, no more
-- is taken for unobserved than the bill has beyond what the gateway saw. What is billed to a person in money alone
-- (credits of an agent's vendor) passed no gateway.

with

billed as (

    select
        utc_date,
        provider,
        model,
        sum(total_tokens) as billed_tokens,
        sum(total_tokens) filter (where developer_id is not null) as mapped_tokens
    from {{ ref('fct_billed_daily') }}
    group by utc_date, provider, model

),

observed as (

    -- Without what was only estimated: the bill has that in another amount, or not at all.
    select utc_date, provider, model, sum(total_tokens - estimated_tokens) as reported_tokens
    from {{ ref('fct_usage_daily') }}
    group by utc_date, provider, model

),

room as (

    select
        billed.utc_date,
        billed.provider,
        billed.model,
        case
            when billed.mapped_tokens > 0 then
                least(
                    1, greatest(0, billed.billed_tokens - coalesce(observed.reported_tokens, 0)) / billed.mapped_tokens
                )
            else 1
        end as unobserved_share
    from billed
    left join observed using (utc_date, provider, model)
    where billed.mapped_tokens is not null

)

select
    billed.utc_date as usage_date,
    billed.developer_id,
    coalesce(developers.team_id, 'unattributed') as team_id,
    billed.provider,
    billed.model,
    cast(sum(floor(billed.total_tokens * room.unobserved_share)) as bigint) as unobserved_tokens,
    cast(
        sum(coalesce(billed.billed_usd, billed.list_usd, 0) * room.unobserved_share) as decimal(38, 12)
    ) as unobserved_usd
from {{ ref('fct_billed_daily') }} as billed
inner join room using (utc_date, provider, model)
left join {{ ref('int_developers_dated') }} as developers
    on billed.developer_id = developers.developer_id
    and billed.utc_date between developers.valid_from and developers.valid_to
where billed.developer_id is not null and (billed.total_tokens > 0 or billed.key_kind != 'provider_api_key_id')
group by billed.utc_date, billed.developer_id, developers.team_id, billed.provider, billed.model
having unobserved_tokens > 0 or unobserved_usd > 0
