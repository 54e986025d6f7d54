"""LiteLLM proxy: one record per model call, as its S3 callback writes them.

Docs    https://docs.litellm.ai/docs/proxy/logging_spec (StandardLoggingPayload)
Needs   LITELLM_LOGS, the folder or s3:// prefix that `s3_v2` writes to: single .json objects or .jsonl batches
        (`s3_batch_file_upload: true`), plain or .gz; or LITELLM_BASE_URL and LITELLM_MASTER_KEY (litellm_spend_api.py)
Quirks  `prompt_tokens` already includes cache reads and writes, for every provider. The date in the path is the
        proxy's local date. In streams `response_time` is the time to the first token, so it is not read.
        Prompts and completions (`messages`, `response`) are never read.
"""

from connectors._contract import Field, LogFeed, Source
from connectors.litellm_spend_api import daily_activity, log_record, spend_logs

# Where LiteLLM keeps the counts that are parts of prompt_tokens and completion_tokens. Cache reads and writes stand in
# two places each (its own and Anthropic's); staging takes the larger.
USAGE_PATHS = {
    "cached_tokens": "$.prompt_tokens_details.cached_tokens",
    "cache_read_input_tokens": "$.cache_read_input_tokens",
    "cache_creation_tokens": "$.prompt_tokens_details.cache_creation_tokens",
    "cache_creation_input_tokens": "$.cache_creation_input_tokens",
    "ephemeral_1h_input_tokens": "$.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "reasoning_tokens": "$.completion_tokens_details.reasoning_tokens",
    "service_tier": "$.service_tier",
}

# Where the provider's id of the request stands: LiteLLM hands on its headers, each under one or two names. Streams of
# `/v1/messages` and `/v1/responses` may have none.
REQUEST_IDS = (
    '"request-id"', '"llm_provider-request-id"', '"llm_provider-x-request-id"', '"llm_provider-x-amzn-requestid"',
    '"x-amzn-requestid"',
)  # fmt: skip
REQUEST_ID_COLUMNS = ", ".join(f"{name} VARCHAR" for name in REQUEST_IDS)


def usage(name: str) -> str:
    """The text of one entry of USAGE_PATHS."""
    return f"usage[{list(USAGE_PATHS).index(name) + 1}]"


CACHE_READS = "greatest(coalesce(cached_tokens, 0), coalesce(cache_read_input_tokens, 0))"
CACHE_WRITES = "greatest(coalesce(cache_creation_tokens, 0), coalesce(cache_creation_input_tokens, 0))"

requests = LogFeed(
    source="litellm",
    name="requests",
    variable="LITELLM_LOGS",
    description="Model calls as the LiteLLM proxy logged them: who, which model, how many tokens, when.",
    json_columns={
        "id": "VARCHAR",
        "litellm_call_id": "VARCHAR",
        "trace_id": "VARCHAR",
        "call_type": "VARCHAR",
        "status": "VARCHAR",
        "cache_hit": "VARCHAR",
        "custom_llm_provider": "VARCHAR",
        "model": "VARCHAR",
        "model_group": "VARCHAR",
        "startTime": "VARCHAR",
        "endTime": "VARCHAR",
        "prompt_tokens": "VARCHAR",
        "completion_tokens": "VARCHAR",
        "response_cost": "VARCHAR",
        "request_tags": "JSON",
        "error_information": "JSON",
        "hidden_params": f"STRUCT(additional_headers STRUCT({REQUEST_ID_COLUMNS}))",
        "metadata": """STRUCT(
            user_api_key_hash VARCHAR, user_api_key_alias VARCHAR, user_api_key_user_id VARCHAR,
            user_api_key_user_email VARCHAR, user_api_key_team_id VARCHAR, user_api_key_request_route VARCHAR,
            user_agent VARCHAR, usage_object JSON, spend_logs_metadata JSON,
            requester_metadata STRUCT(session_id VARCHAR),
            requester_custom_headers STRUCT(
                "x-claude-code-session-id" VARCHAR, "x-litellm-session-id" VARCHAR, "x-client-request-id" VARCHAR,
                "x-gemini-api-privileged-user-id" VARCHAR))""",
    },
    parsed={"usage": f"json_extract_string(metadata.usage_object, {list(USAGE_PATHS.values())})"},
    fields={
        "id": Field("VARCHAR", "id", required=True),
        "litellm_call_id": Field("VARCHAR", "litellm_call_id"),
        "provider_request_id": Field(
            "VARCHAR", f"coalesce({', '.join(f'hidden_params.additional_headers.{name}' for name in REQUEST_IDS)})"
        ),
        "trace_id": Field("VARCHAR", "trace_id"),
        "sent_session_id": Field(
            "VARCHAR",
            "coalesce(metadata.requester_metadata.session_id,"
            ' metadata.requester_custom_headers."x-claude-code-session-id",'
            ' metadata.requester_custom_headers."x-litellm-session-id",'
            # Codex gives every request of a session the session's id.
            ' metadata.requester_custom_headers."x-client-request-id")',
        ),
        "call_type": Field("VARCHAR", "call_type"),
        "status": Field("VARCHAR", "status", required=True),
        "error_code": Field("VARCHAR", "json_extract_string(error_information, '$.error_code')"),
        "cache_hit": Field("BOOLEAN", "cache_hit"),
        "custom_llm_provider": Field("VARCHAR", "custom_llm_provider"),
        "model": Field("VARCHAR", "model", required=True),
        "model_group": Field("VARCHAR", "model_group"),
        "started_at": Field("EPOCH", "startTime", required=True),
        "ended_at": Field("EPOCH", "endTime"),
        "prompt_tokens": Field("BIGINT", "prompt_tokens", required=True),
        "completion_tokens": Field("BIGINT", "completion_tokens", required=True),
        **{name: Field("VARCHAR" if name == "service_tier" else "BIGINT", usage(name)) for name in USAGE_PATHS},
        "response_cost_usd": Field("DECIMAL(18,9)", "response_cost"),
        "key_hash": Field("VARCHAR", "metadata.user_api_key_hash"),
        "key_alias": Field("VARCHAR", "metadata.user_api_key_alias"),
        "user_id": Field("VARCHAR", "metadata.user_api_key_user_id"),
        "user_email": Field("VARCHAR", "metadata.user_api_key_user_email"),
        "team_id": Field("VARCHAR", "metadata.user_api_key_team_id"),
        "task_id": Field("VARCHAR", "json_extract_string(metadata.spend_logs_metadata, '$.task_id')"),
        "request_tags": Field("VARCHAR[]", "request_tags"),
        "user_agent": Field("VARCHAR", "metadata.user_agent"),
        # Gemini CLI names the installation, as in its telemetry, and no session.
        "device": Field("VARCHAR", 'metadata.requester_custom_headers."x-gemini-api-privileged-user-id"'),
    },
    recorded_at="started_at",
    record_id="id",
    model_names=("custom_llm_provider", "model"),
    over_http=spend_logs,
    from_http=log_record,
    shapes=(
        # DuckDB reads a metadata that is not an object as NULLs; every real record has at least one of these.
        (
            "coalesce(metadata.user_api_key_hash, metadata.user_api_key_request_route, metadata.user_agent) is null",
            "'metadata is not an object, or has no key hash, route and user agent'",
        ),
        ("metadata.usage_object not like '{%'", "'metadata.usage_object is not an object'"),
        ("error_information not like '{%'", "'error_information is not an object'"),
    ),
    rules=(
        (
            f"{CACHE_READS} + {CACHE_WRITES} > prompt_tokens",
            "format('cache reads {} and writes {} are more than prompt_tokens {}',"
            f" {CACHE_READS}, {CACHE_WRITES}, prompt_tokens)",
        ),
        (
            f"ephemeral_1h_input_tokens > {CACHE_WRITES}",
            f"format('1-hour cache writes {{}} are more than all {{}}', ephemeral_1h_input_tokens, {CACHE_WRITES})",
        ),
        (
            "reasoning_tokens > completion_tokens",
            "format('reasoning_tokens {} are more than completion_tokens {}', reasoning_tokens, completion_tokens)",
        ),
    ),
)

source = Source(
    name="litellm",
    title="LiteLLM proxy",
    feeds=(requests, daily_activity),
)
