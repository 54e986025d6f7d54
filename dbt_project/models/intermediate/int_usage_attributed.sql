-- Daily usage with its developer and team as of the day, at the price that was agreed, up to the as-of date.

with

usage_daily as (select * from {{ ref('int_usage_daily') }}),

run as (select as_of_date from {{ source('raw', 'paceline__run') }}),

agreed as (select * from {{ source('raw', 'org__price_overrides') }})

select
    usage_daily.* exclude (
        user_email, user_id, key_alias, key_hash, gateway_team_id, agent_user, device, is_unpriced
    ),
    is_unpriced and (agreed.input_usd_per_mtok is null or agreed.output_usd_per_mtok is null) as is_unpriced,
    people.developer_id,
    people.team_id,
    people.role,
    fresh_input_list_usd + cache_read_list_usd + cache_write_5m_list_usd + cache_write_1h_list_usd
    + output_list_usd + request_list_usd as list_usd,
    -- An agreed price replaces the list price of its kind and leaves the others.
    coalesce(
        (input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0))
        * {{ usd_per_token('agreed.input_usd_per_mtok') }},
        fresh_input_list_usd
    )
    + coalesce(
        coalesce(cache_read_tokens, 0) * {{ usd_per_token('agreed.cache_read_usd_per_mtok') }}, cache_read_list_usd
    )
    + coalesce(
        (coalesce(cache_write_tokens, 0) - coalesce(cache_write_1h_tokens, 0))
        * {{ usd_per_token('agreed.cache_write_usd_per_mtok') }},
        cache_write_5m_list_usd
    )
    + coalesce(
        coalesce(cache_write_1h_tokens, 0) * {{ usd_per_token('agreed.cache_write_1h_usd_per_mtok') }},
        cache_write_1h_list_usd
    )
    + coalesce(output_tokens * {{ usd_per_token('agreed.output_usd_per_mtok') }}, output_list_usd)
    + request_list_usd as cost_usd
from usage_daily
cross join run
inner join {{ ref('int_identities_resolved') }} as people
    on usage_daily.identity_key = people.identity_key and usage_daily.usage_date = people.usage_date
left join agreed
    on usage_daily.provider = agreed.provider
    and usage_daily.model = agreed.model
    and usage_daily.usage_date between agreed.valid_from and coalesce(agreed.valid_to, date '9999-12-31')
where usage_daily.usage_date <= run.as_of_date
