select
    versions.utc_date,
    versions.provider,
    lines.account_id,
    lines.provider_api_key_id,
    any_value(lines.key_kind) as key_kind,
    lines.model,
    versions.known_at,
    versions.superseded_at,
    sum(lines.requests) as requests,
    coalesce(sum(lines.input_tokens), 0) as input_tokens,
    coalesce(sum(lines.cache_read_tokens), 0) as cache_read_tokens,
    coalesce(sum(lines.cache_write_tokens), 0) as cache_write_tokens,
    coalesce(sum(lines.cache_write_1h_tokens), 0) as cache_write_1h_tokens,
    coalesce(sum(lines.output_tokens), 0) as output_tokens,
    coalesce(sum(lines.input_tokens + lines.output_tokens), 0) as total_tokens,
    sum(lines.billed_usd) as billed_usd,
    coalesce(sum(lines.list_usd), sum(lines.priced_usd)) as list_usd
from {{ ref('int_billing_versions') }} as versions
inner join {{ ref('int_billed_lines') }} as lines
    on versions.feed = lines.feed
    and versions.utc_date = lines.utc_date
    and versions.version_known_at = lines.known_at
group by
    versions.utc_date, versions.provider, lines.account_id, lines.provider_api_key_id, lines.model,
    versions.known_at, versions.superseded_at
