-- A session is proven when the client named it, or when several calls share it on a day.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ replace_built_days() }}"
) }}

select
    utc_date,
    usage_date,
    session_id,
    task_id,
    {{ identity_key() }} as identity_key,
    count(*) as requests
from (
    select
        *,
        bool_or(is_session_sent) over (partition by utc_date, session_id) as is_named,
        count(*) over (partition by utc_date, session_id) as calls
    from {{ ref('int_usage_unioned') }}
    where session_id is not null
) as calls_of_sessions
where is_named or calls > 1
group by utc_date, usage_date, session_id, task_id, user_email, user_id, key_alias, key_hash, gateway_team_id,
    agent_user, device

{{ or_kept_rows('sessions_daily') }}
