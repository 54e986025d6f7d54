"""GitHub Copilot: what every member used per day, and the AI credits that the organisation is billed.

Docs    https://docs.github.com/rest/copilot/copilot-usage-metrics and https://docs.github.com/rest/billing/usage
Needs   GITHUB_COPILOT_ORG (several with commas between) and GITHUB_COPILOT_TOKEN, a token of an organisation admin
Quirks  Amounts are dollars, as JSON numbers. A report of members is a list of signed links to files; they are fetched
        without the token. Members have a login and no address. Tokens exist for the CLI and the Copilot app only,
        without a model; the credits of everything else are in `ai_credits_used`. Credits are billed per model and day
        without a member: asking for each member would take thousands of requests. A plan's allowance is a discount:
        gross is what was used, net what is asked for. Reports of a day appear some days later.
"""

from datetime import date

from connectors._contract import Api, ApiFeed, Column, Source, Window

API = Api(
    base_url_variable="GITHUB_COPILOT_BASE_URL",
    base_url="https://api.github.com",
    key_variable="GITHUB_COPILOT_TOKEN",
    headers={
        "Authorization": "Bearer {key}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    },
    key_hint="a token of an organisation admin, with read access to Copilot metrics and to billing (scope read:org)",
    settings={"org": "GITHUB_COPILOT_ORG"},
)
CLI, APP = "totals_by_cli", "totals_by_copilot_app"
users_daily = ApiFeed(
    source="github_copilot",
    name="users_daily",
    api=API,
    description="Credits, interactions and tokens per day and member.",
    path="/orgs/{org}/copilot/metrics/reports/users-1-day",
    links="download_links",
    restated_days=7,
    window=Window("day", None, "date", 1, "day", oldest=date(2025, 10, 10), kept_days=364),
    columns={
        "account_id": Column("VARCHAR", "$org"),
        "user_id": Column("VARCHAR", "user_id", required=True),
        "user_login": Column("VARCHAR", "user_login", required=True),
        "credits": Column("DECIMAL", "ai_credits_used"),
        "interactions": Column("BIGINT", "user_initiated_interaction_count"),
        "cli_requests": Column("BIGINT", f"{CLI}.request_count"),
        "cli_input_tokens": Column("BIGINT", f"{CLI}.token_usage.prompt_tokens_sum"),
        "cli_output_tokens": Column("BIGINT", f"{CLI}.token_usage.output_tokens_sum"),
        "app_requests": Column("BIGINT", f"{APP}.request_count"),
        "app_input_tokens": Column("BIGINT", f"{APP}.token_usage.prompt_tokens_sum"),
        "app_output_tokens": Column("BIGINT", f"{APP}.token_usage.output_tokens_sum"),
    },
)
ai_credits = ApiFeed(
    source="github_copilot",
    name="ai_credits",
    api=API,
    description="AI credits and their dollars per day and model, before and after the plan's allowance.",
    path="/organizations/{org}/settings/billing/ai_credit/usage",
    entries=None,
    rows="usageItems",
    restated_days=7,
    may_be_missing=True,
    model_name="model",
    window=Window(None, None, "parts", 1, "timePeriod", oldest=date(2025, 10, 10), kept_days=729),
    columns={
        "account_id": Column("VARCHAR", "$org"),
        "product": Column("VARCHAR", "product"),
        "sku": Column("VARCHAR", "sku"),
        "model": Column("VARCHAR", "model"),
        "unit": Column("VARCHAR", "unitType"),
        "credits": Column("DECIMAL", "grossQuantity", required=True),
        "list_usd": Column("USD", "grossAmount", required=True),
        "billed_usd": Column("USD", "netAmount", required=True),
    },
)
source = Source(name="github_copilot", title="GitHub Copilot", feeds=(users_daily, ai_credits))
