-- Everything that any observer saw, so the same call may stand here more than once: nothing is counted from here.
-- A new source of calls is one line more.

-- A view over the lake, so it stands with staging and is not published.
{{ config(materialized='view', schema='staging') }}

select {{ call_columns() }} from {{ ref('stg_litellm__requests') }}
union all
select {{ call_columns() }} from {{ ref('stg_otel__calls') }}
union all
select {{ call_columns() }} from {{ ref('stg_claude_code__calls') }}
union all
select {{ call_columns() }} from {{ ref('stg_codex__calls') }}
union all
select {{ call_columns() }} from {{ ref('stg_gemini_cli__calls') }}
union all
select {{ call_columns() }} from {{ ref('stg_generic_jsonl__events') }}
