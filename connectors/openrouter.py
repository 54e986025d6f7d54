"""OpenRouter: what every model cost and used per day.

Docs    https://openrouter.ai/docs/api-reference/analytics/get-user-activity-grouped-by-endpoint
Needs   OPENROUTER_MANAGEMENT_KEY, a management key; ordinary keys are refused
Quirks  Amounts are dollars, as JSON numbers. Input includes cached tokens. Only the last 30 completed UTC days are
        kept, all of them come in one answer, and there is neither a key nor a user in it. What was paid to a provider
        with one's own key (`byok_usage_inference`) is not OpenRouter's bill, and not read.
"""

from connectors._contract import Api, ApiFeed, Column, Source, Window

API = Api(
    base_url_variable="OPENROUTER_BASE_URL",
    base_url="https://openrouter.ai/api/v1",
    key_variable="OPENROUTER_MANAGEMENT_KEY",
    headers={"Authorization": "Bearer {key}"},
    key_hint="a management key, made by an admin of the organisation under Settings, Management keys",
)
activity = ApiFeed(
    source="openrouter",
    name="activity",
    api=API,
    description="Tokens and dollars per day, model, endpoint and provider behind it.",
    path="/activity",
    restated_days=3,
    model_name="model",
    window=Window(start=None, end=None, style="date", days=30, bucket="date", kept_days=30),
    columns={
        "model": Column("VARCHAR", "model", required=True),
        "account_id": Column("VARCHAR", "workspace_id"),
        "requests": Column("BIGINT", "requests", required=True),
        "input_tokens": Column("BIGINT", "prompt_tokens", required=True),
        "cache_read_tokens": Column("BIGINT", "cached_tokens"),
        "output_tokens": Column("BIGINT", "completion_tokens", required=True),
        "reasoning_tokens": Column("BIGINT", "reasoning_tokens"),
        "billed_usd": Column("USD", "usage", required=True),
    },
)
source = Source(name="openrouter", title="OpenRouter", feeds=(activity,))
