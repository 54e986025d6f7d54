-- Parts are never more than what they are part of, nothing is negative, and the total is input and output.

select
    source,
    request_id,
    utc_date,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    total_tokens
from {{ ref('int_usage_priced') }}
where
    coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0) > input_tokens
    or coalesce(cache_write_1h_tokens, 0) > coalesce(cache_write_tokens, 0)
    or coalesce(reasoning_tokens, 0) > output_tokens
    or least(
        input_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens
    ) < 0
    or total_tokens is distinct from input_tokens + output_tokens
