"""LiteLLM's spend API: the calls of its database, for who has no log files, and its own daily sums, as a control.

Docs    https://docs.litellm.ai/docs/proxy/cost_tracking (/spend/logs/v2, /user/daily/activity)
Needs   LITELLM_BASE_URL, the proxy's address, and LITELLM_MASTER_KEY, its master key or an admin's key
Quirks  Both ends of a time span are included; pages reach 10,000 calls. Calls that failed have a guessed
        prompt_tokens (and some a cost), which the log files do not have, and a model that LiteLLM does not know is
        `unknown-model`. A retried call is one row. There are no email addresses, and no sessions that the client
        named. A day's sums may be spread over several pages.
"""

import json
from datetime import UTC, datetime
from typing import Any

from connectors._contract import Api, ApiFeed, Column, Window

API = Api(
    base_url_variable="LITELLM_BASE_URL",
    base_url="",
    key_variable="LITELLM_MASTER_KEY",
    headers={"Authorization": "Bearer {key}"},
    key_hint="the proxy's master key, or the key of a proxy admin",
)
METADATA = ("user_api_key_alias", "user_api_key_user_id", "user_api_key_user_email", "user_api_key_team_id",
            "user_agent", "usage_object", "spend_logs_metadata")  # fmt: skip

spend_logs = ApiFeed(
    source="litellm", name="spend_logs", api=API, path="/spend/logs/v2", columns={},
    description="Model calls in LiteLLM's own database.",
    window=Window("start_date", "end_date", "datetime", 1, "startTime"),
    params={"page_size": 1000, "sort_by": "startTime", "sort_order": "asc"},
    page_count="total_pages", capped="total_is_capped", restated_days=2,
)  # fmt: skip
daily_activity = ApiFeed(
    source="litellm", name="daily_activity", api=API, path="/user/daily/activity", entries="results",
    description="LiteLLM's own sums per UTC day, to find calls that its logs lack.",
    window=Window("start_date", "end_date", "date", 31, "date", end_is_last=True),
    params={"page_size": 1000}, page_count="metadata.total_pages", restated_days=3, may_be_missing=True,
    columns={
        "requests": Column("BIGINT", "metrics.api_requests", required=True),
        "failed_requests": Column("BIGINT", "metrics.failed_requests"),
        "prompt_tokens": Column("BIGINT", "metrics.prompt_tokens", required=True),
        "completion_tokens": Column("BIGINT", "metrics.completion_tokens", required=True),
        "spend_usd": Column("USD", "metrics.spend"),
    },
)  # fmt: skip


def log_record(row: dict) -> dict:
    """A row of `spend_logs` as the log files have it. What is odd stays odd, and is refused where files are."""
    metadata, cache_hit = row.get("metadata"), row.get("cache_hit")
    if isinstance(metadata, str):
        metadata = _parsed(metadata)
    known = metadata if isinstance(metadata, dict) else {}
    has_usage = row.get("status") != "failure" or row.get("completion_tokens")
    return {
        "id": row.get("request_id"),
        "litellm_call_id": row.get("litellm_call_id"),
        "trace_id": row.get("session_id"),
        "call_type": row.get("call_type"),
        "status": row.get("status") or "success",
        "cache_hit": {"True": True, "False": False}.get(cache_hit) if isinstance(cache_hit, str) else None,
        "custom_llm_provider": row.get("custom_llm_provider"),
        "model": row.get("model"),
        "model_group": row.get("model_group"),
        "startTime": _seconds(row.get("startTime")),
        "endTime": _seconds(row.get("endTime")),
        "prompt_tokens": row.get("prompt_tokens") if has_usage else 0,
        "completion_tokens": row.get("completion_tokens"),
        "response_cost": row.get("spend") if has_usage else 0,
        "request_tags": _parsed(row.get("request_tags")),
        "error_information": _error(known.get("error_information")),
        "metadata": {
            "user_api_key_hash": row.get("api_key"),
            **{name: known[name] for name in METADATA if known.get(name) is not None},
        },
    }


def _parsed(value: Any) -> Any:
    """JSON that came as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _error(error: Any) -> dict | None:
    return {"error_code": error.get("error_code")} if isinstance(error, dict) else None


def _seconds(value: Any) -> Any:
    """Seconds since 1970 of a time that is in UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
