-- Hours by the company's clock. When it is put back, an hour stands for two; when it is put forward, one is missing.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ replace_built_days() }}"
) }}

select
    utc_date,
    usage_date,
    {{ company_hour('started_at', 'run.timezone') }} as usage_hour,
    {{ identity_key() }} as identity_key,
    count(*) filter (where usage_quality in ('reported', 'estimated')) as requests,
    sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens,
    sum(input_tokens + output_tokens) as total_tokens
from {{ ref('int_usage_unioned') }}
cross join {{ source('raw', 'paceline__run') }} as run
group by utc_date, usage_date, usage_hour, user_email, user_id, key_alias, key_hash, gateway_team_id,
    agent_user, device

{{ or_kept_rows('usage_hourly') }}
