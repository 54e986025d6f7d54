-- The end of the event half: everything behind it reads days, not calls.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ replace_built_days() }}"
) }}

select
    utc_date,
    usage_date,
    source,
    observers,
    observer_layers,
    route,
    provider,
    model,
    price_provider,
    price_model,
    is_unpriced,
    {{ identity_key() }} as identity_key,
    user_email,
    user_id,
    key_alias,
    key_hash,
    gateway_team_id,
    agent_user,
    device,
    task_id,
    task_source,
    task_type,
    count(*) filter (where usage_quality in ('reported', 'estimated')) as requests,
    count(*) filter (where usage_quality = 'none') as failed_requests,
    count(*) filter (where usage_quality = 'cache_hit') as cache_hit_requests,
    sum(input_tokens) as input_tokens,
    sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_tokens) as cache_write_tokens,
    sum(cache_write_1h_tokens) as cache_write_1h_tokens,
    sum(output_tokens) as output_tokens,
    sum(reasoning_tokens) as reasoning_tokens,
    sum(total_tokens) as total_tokens,
    coalesce(sum(total_tokens) filter (where usage_quality = 'estimated'), 0) as estimated_tokens,
    sum(fresh_input_list_usd) as fresh_input_list_usd,
    sum(cache_read_list_usd) as cache_read_list_usd,
    sum(cache_write_5m_list_usd) as cache_write_5m_list_usd,
    sum(cache_write_1h_list_usd) as cache_write_1h_list_usd,
    sum(output_list_usd) as output_list_usd,
    sum(request_list_usd) as request_list_usd,
    sum(reported_usd) as reported_usd,
    min(started_at) as first_used_at,
    max(started_at) as last_used_at
from {{ ref('int_usage_priced') }}
group by
    utc_date, usage_date, source, observers, observer_layers, route,
    provider, model, price_provider, price_model, is_unpriced,
    user_email, user_id, key_alias, key_hash, gateway_team_id, agent_user, device,
    task_id, task_source, task_type

{{ or_kept_rows('usage_daily') }}
