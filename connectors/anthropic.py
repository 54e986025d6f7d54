"""Anthropic: usage and cost as the provider bills them, and who owns which key.

Docs    https://platform.claude.com/docs/en/manage-claude/usage-cost-api and .../claude-code-analytics-api
Needs   ANTHROPIC_ADMIN_KEY, an Admin key (sk-ant-admin01-...) or a key with the scope read:analytics
Quirks  Amounts are decimal strings in cents. Input excludes cache reads and writes. The new reports (analytics/*) reach
        back 365 days, not before 2026-01-01, and may be revised for 30 days; the legacy ones fill what they lack. A
        workspace_id of NULL is the default workspace in the legacy reports only. Several rows of a day may look alike.
"""

from datetime import date

from connectors._contract import Api, ApiFeed, Column, Source, Window

API = Api(
    base_url_variable="ANTHROPIC_BASE_URL",
    base_url="https://api.anthropic.com",
    key_variable="ANTHROPIC_ADMIN_KEY",
    headers={"x-api-key": "{key}", "anthropic-version": "2023-06-01"},
    key_hint="an Admin key (sk-ant-admin01-...), made by an admin of the organisation under Settings, Admin keys",
)
ANALYTICS = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
GROUPING = ["actor", "api_key_id", "model", "product", "workspace_id"]
BY_DAY = Window("starting_at", "ending_at", "iso", 31, "starting_at", oldest=date(2026, 1, 1), oldest_days=364)
LEGACY = Window("starting_at", "ending_at", "iso", 31, "starting_at")
LIST = {"params": {"limit": 1000}, "cursor": ("after_id", "last_id")}


def counts(below: str, five_minutes: str, one_hour: str) -> dict[str, Column]:
    """The token columns, which every report names alike."""
    return {
        "uncached_input_tokens": Column("BIGINT", f"{below}uncached_input_tokens", required=True),
        "cache_read_tokens": Column("BIGINT", f"{below}cache_read_input_tokens", required=True),
        "cache_write_5m_tokens": Column("BIGINT", f"{below}{five_minutes}", required=True),
        "cache_write_1h_tokens": Column("BIGINT", f"{below}{one_hour}", required=True),
        "output_tokens": Column("BIGINT", f"{below}output_tokens", required=True),
    }


TOKENS = ("cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens")
KEYS = {
    "account_id": Column("VARCHAR", "group.workspace_id"),
    "provider_api_key_id": Column("VARCHAR", "group.api_key_id"),
    "model": Column("VARCHAR", "group.model"),
    "product": Column("VARCHAR", "group.product"),
    "actor_type": Column("VARCHAR", "group.actor.type"),
    "actor_email": Column("VARCHAR", "group.actor.email_address"),
}

usage = ApiFeed(
    source="anthropic", name="usage", api=API, headers=ANALYTICS, window=BY_DAY, restated_days=31, may_be_missing=True,
    description="Tokens per day, actor, key, model, product and workspace, as Anthropic bills them.",
    path="/v1/organizations/analytics/usage",
    params={"time_bucket_width": "1d", "limit": 1000, "order_by": "time", "order": "asc", "group_by[]": GROUPING},
    columns=KEYS | counts("usage.", *TOKENS) | {"requests": Column("BIGINT", "usage.requests")},
    watermark="data_refreshed_at", model_name="model",
)  # fmt: skip
cost = ApiFeed(
    source="anthropic", name="cost", api=API, headers=ANALYTICS, window=BY_DAY, restated_days=31, may_be_missing=True,
    description="Dollars per day, actor, key, model, product, workspace and kind of cost, before and after discounts.",
    path="/v1/organizations/analytics/cost",
    params={
        "time_bucket_width": "1d", "limit": 1000, "order_by": "time", "order": "asc",
        "group_by[]": [*GROUPING, "cost_type"],
    },
    columns=KEYS | {
        "cost_type": Column("VARCHAR", "group.cost_type"),
        "billed_usd": Column("CENTS", "cost.amount", required=True),
        "list_usd": Column("CENTS", "cost.list_amount"),
        "currency": Column("VARCHAR", "cost.currency", required=True),
    },
    watermark="data_refreshed_at", model_name="model",
)  # fmt: skip
usage_legacy = ApiFeed(
    source="anthropic", name="usage_legacy", api=API, window=LEGACY, rows="results", restated_days=4,
    description="Tokens per day, key, model and workspace from the legacy report, for days the new one lacks.",
    path="/v1/organizations/usage_report/messages", fallback_for=usage, model_name="model",
    params={"bucket_width": "1d", "limit": 31, "group_by[]": ["api_key_id", "model", "workspace_id", "service_tier"]},
    columns={
        "account_id": Column("VARCHAR", "workspace_id"),
        "provider_api_key_id": Column("VARCHAR", "api_key_id"),
        "model": Column("VARCHAR", "model"),
        "service_tier": Column("VARCHAR", "service_tier"),
        **counts("", *TOKENS),
    },
)  # fmt: skip
cost_legacy = ApiFeed(
    source="anthropic", name="cost_legacy", api=API, window=LEGACY, rows="results", restated_days=4,
    description="Dollars per day, model and workspace from the legacy report, which knows no key and no Priority Tier.",
    path="/v1/organizations/cost_report", fallback_for=cost, model_name="model",
    params={"bucket_width": "1d", "limit": 31, "group_by[]": ["workspace_id", "description"]},
    columns={
        "account_id": Column("VARCHAR", "workspace_id"),
        "model": Column("VARCHAR", "model"),
        "description": Column("VARCHAR", "description"),
        "cost_type": Column("VARCHAR", "cost_type"),
        "token_type": Column("VARCHAR", "token_type"),
        "billed_usd": Column("CENTS", "amount", required=True),
        "currency": Column("VARCHAR", "currency", required=True),
    },
)  # fmt: skip
claude_code = ApiFeed(
    source="anthropic", name="claude_code", api=API, rows="model_breakdown", restated_days=3, may_be_missing=True,
    description="Claude Code per day, developer and model: tokens, and Anthropic's own estimate of their cost.",
    path="/v1/organizations/usage_report/claude_code", params={"limit": 1000}, model_name="model",
    window=Window("starting_at", None, "date", 1, "date"),
    columns={
        "actor_type": Column("VARCHAR", "actor.type", required=True),
        "actor_email": Column("VARCHAR", "actor.email_address"),
        "api_key_name": Column("VARCHAR", "actor.api_key_name"),
        "customer_type": Column("VARCHAR", "customer_type"),
        "terminal_type": Column("VARCHAR", "terminal_type"),
        "is_remote": Column("BOOLEAN", "is_remote"),
        "model": Column("VARCHAR", "model", required=True),
        "uncached_input_tokens": Column("BIGINT", "tokens.input", required=True),
        "cache_read_tokens": Column("BIGINT", "tokens.cache_read", required=True),
        "cache_write_tokens": Column("BIGINT", "tokens.cache_creation", required=True),
        "output_tokens": Column("BIGINT", "tokens.output", required=True),
        "estimated_usd": Column("CENTS", "estimated_cost.amount"),
    },
)  # fmt: skip
users = ApiFeed(
    source="anthropic", name="users", api=API, path="/v1/organizations/users", **LIST,
    description="Members of the organisation.",
    columns={"id": Column("VARCHAR", "id", required=True), "email": Column("VARCHAR", "email")},
)  # fmt: skip
workspaces = ApiFeed(
    source="anthropic", name="workspaces", api=API, path="/v1/organizations/workspaces",
    cursor=LIST["cursor"], params=LIST["params"] | {"include_archived": "true", "include_default": "true"},
    description="Workspaces, archived ones too, for their names.",
    columns={"id": Column("VARCHAR", "id", required=True), "name": Column("VARCHAR", "name")},
)  # fmt: skip
api_keys = ApiFeed(
    source="anthropic", name="api_keys", api=API, path="/v1/organizations/api_keys", **LIST,
    description="API keys and who made them or whom they act for.",
    columns={
        "id": Column("VARCHAR", "id", required=True),
        "name": Column("VARCHAR", "name"),
        "status": Column("VARCHAR", "status"),
        "owner_id": Column("VARCHAR", "principal.user_id"),
        "created_by_id": Column("VARCHAR", "created_by.id"),
    },
)  # fmt: skip

source = Source(
    name="anthropic",
    title="Anthropic",
    feeds=(usage, cost, usage_legacy, cost_legacy, claude_code, users, workspaces, api_keys),
)
