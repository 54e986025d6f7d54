-- Every source that counts: one line each.

select * from {{ ref('stg_litellm__requests') }}
