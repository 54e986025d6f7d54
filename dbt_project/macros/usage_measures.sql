{# The measures that every usage mart adds up, in one place so that all of them have all of them. #}
{% macro usage_measures() -%}
    sum(requests) as requests,
    sum(failed_requests) as failed_requests,
    sum(cache_hit_requests) as cache_hit_requests,
    sum(input_tokens) as input_tokens,
    sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_tokens) as cache_write_tokens,
    sum(cache_write_1h_tokens) as cache_write_1h_tokens,
    sum(output_tokens) as output_tokens,
    sum(reasoning_tokens) as reasoning_tokens,
    sum(total_tokens) as total_tokens,
    sum(estimated_tokens) as estimated_tokens,
    coalesce(sum(total_tokens) filter (where is_unpriced), 0) as unpriced_tokens,
    sum(cost_usd) as cost_usd,
    sum(list_usd) as list_usd,
    sum(reported_usd) as reported_usd,
    bool_or(is_unpriced) as is_unpriced
{%- endmacro %}
