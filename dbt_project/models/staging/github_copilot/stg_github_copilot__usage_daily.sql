-- Tokens are told for the CLI and the app only, and of no model: the agent stands for it. Credits: see the costs.

with

agents as (

    {% for agent in ['cli', 'app'] -%}
    select
        day,
        known_at,
        account_id,
        user_login,
        'copilot-{{ agent }}' as raw_model,
        {{ agent }}_requests as requests,
        {{ agent }}_input_tokens as input_tokens,
        {{ agent }}_output_tokens as output_tokens
    from {{ source('raw', 'github_copilot__users_daily') }}
    where {{ agent }}_requests is not null or {{ agent }}_input_tokens is not null
    {% if not loop.last %}union all{% endif %}

    {% endfor %}
)

select
    'github_copilot__users_daily' as feed,
    'github_copilot' as provider,
    day as utc_date,
    known_at,
    account_id,
    lower(user_login) as provider_api_key_id,
    'github' as key_kind,
    raw_model,
    sum(requests)::bigint as requests,
    sum(input_tokens)::bigint as input_tokens,
    cast(null as bigint) as cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    cast(null as bigint) as cache_write_1h_tokens,
    sum(output_tokens)::bigint as output_tokens
from agents
group by day, known_at, account_id, lower(user_login), raw_model
