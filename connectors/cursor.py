"""Cursor: every model call of a team's members, as Cursor charges it.

Docs    https://cursor.com/docs/account/teams/admin-api (Get Usage Events)
Needs   CURSOR_ADMIN_KEY, a key of the Admin API of a Team or Enterprise plan
Quirks  Amounts are fractions of cents. Input excludes cache reads and writes. Calls that are not token based have no
        tokens, and calls that the plan includes are charged on paper only (`is_chargeable` false). Events have no id
        and may look alike. 20 requests a minute and team; data are an hour behind. Days are taken as UTC.
"""

from connectors._contract import Api, ApiFeed, Column, Source, Window

API = Api(
    base_url_variable="CURSOR_BASE_URL",
    base_url="https://api.cursor.com",
    key_variable="CURSOR_ADMIN_KEY",
    headers={"Authorization": "Basic {basic}"},
    key_hint="a key of the Admin API, made by an admin of the team under Settings, Advanced, Admin API Keys",
    requests_per_minute=20,
)
usage_events = ApiFeed(
    source="cursor",
    name="usage_events",
    api=API,
    description="Tokens and dollars of every model call that Cursor counts, with the member who made it.",
    path="/teams/filtered-usage-events",
    method="POST",
    params={"pageSize": 1000},
    entries="usageEvents",
    page_count="pagination.numPages",
    restated_days=3,
    model_name="model",
    window=Window("startDate", "endDate", "epoch_ms", 30, "timestamp"),
    columns={
        "timestamp_ms": Column("BIGINT", "timestamp", required=True),
        "user_email": Column("VARCHAR", "userEmail"),
        "service_account_id": Column("VARCHAR", "serviceAccountId"),
        "model": Column("VARCHAR", "model", required=True),
        "is_chargeable": Column("BOOLEAN", "isChargeable"),
        "uncached_input_tokens": Column("BIGINT", "tokenUsage.inputTokens"),
        "cache_read_tokens": Column("BIGINT", "tokenUsage.cacheReadTokens"),
        "cache_write_tokens": Column("BIGINT", "tokenUsage.cacheWriteTokens"),
        "output_tokens": Column("BIGINT", "tokenUsage.outputTokens"),
        "model_list_usd": Column("CENTS", "tokenUsage.totalCents"),
        "fee_usd": Column("CENTS", "cursorTokenFee"),
        "charged_usd": Column("CENTS", "chargedCents"),
    },
)
source = Source(name="cursor", title="Cursor", feeds=(usage_events,))
