-- Written after the daily tables: a day stands here only once it is built from exactly these inputs.

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ replace_built_days() }}"
) }}

-- depends_on: {{ ref('int_usage_daily') }}
-- depends_on: {{ ref('int_sessions_daily') }}
-- depends_on: {{ ref('int_concurrency_daily') }}
-- depends_on: {{ ref('int_suspected_daily') }}

select
    utc_date,
    fingerprint,
    (select ran_at from {{ source('raw', 'paceline__run') }}) as built_at
from {{ source('raw', 'paceline__days_to_build') }}
