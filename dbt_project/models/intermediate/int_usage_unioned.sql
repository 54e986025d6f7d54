-- Every source that counts: one line each.

-- A view over the lake, so it stands with staging and is not published.
{{ config(materialized='view', schema='staging') }}

select * from {{ ref('stg_litellm__requests') }}
