-- A session is proven when the client named it, or when several calls share it on a day.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ replace_built_days() }}"
) }}

with

-- Grouped before any window: one over the calls themselves is sorted on disk when a day is large.
grouped as (

    select
        utc_date,
        usage_date,
        session_id,
        task_id,
        {{ identity_key() }} as identity_key,
        bool_or(is_session_sent) as is_sent_here,
        count(*) as requests
    from {{ ref('int_usage_unioned') }}
    where session_id is not null
    group by utc_date, usage_date, session_id, task_id, user_email, user_id, key_alias, key_hash, gateway_team_id,
        agent_user, device

)

select utc_date, usage_date, session_id, task_id, identity_key, requests
from grouped
qualify
    bool_or(is_sent_here) over (partition by utc_date, session_id)
    or sum(requests) over (partition by utc_date, session_id) > 1

{{ or_kept_rows('sessions_daily') }}
