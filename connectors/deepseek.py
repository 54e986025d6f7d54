"""DeepSeek: the usage and cost that its platform exports as CSV, and the balance of the account.

Docs    https://api-docs.deepseek.com/api/get-user-balance; the export: platform.deepseek.com, Usage, Export
Needs   DEEPSEEK_USAGE_CSV, a folder or s3:// prefix with the exports' unpacked CSV files (amount-*.csv, cost-*.csv).
        DEEPSEEK_API_KEY, any key of the account, for the balance; there is no API for usage
Quirks  Since September 2026 an export has days of a time zone that one chooses: choose UTC. A price is per token, in
        the wallet's currency (USD or CNY). By day and by night the same key and model have rows with other prices.
        Input is told as cache hits and misses. Only the cost file knows the currency, and no key. Keys are masked.
"""

from connectors._contract import Api, ApiFeed, Column, CsvFeed, Source

API = Api(
    base_url_variable="DEEPSEEK_BASE_URL",
    base_url="https://api.deepseek.com",
    key_variable="DEEPSEEK_API_KEY",
    headers={"Authorization": "Bearer {key}"},
    key_hint="an API key of the account",
)
DAY = "utc_date|start_time_iso"
balance = ApiFeed(
    source="deepseek",
    name="balance",
    api=API,
    description="What is left in the wallets of the account, per currency.",
    path="/user/balance",
    entries="balance_infos",
    columns={
        "currency": Column("VARCHAR", "currency", required=True),
        "balance": Column("DECIMAL", "total_balance", required=True),
        "granted": Column("DECIMAL", "granted_balance"),
        "topped_up": Column("DECIMAL", "topped_up_balance"),
    },
)
amount = CsvFeed(
    source="deepseek",
    name="amount",
    variable="DEEPSEEK_USAGE_CSV",
    description="Tokens and calls per day, model, key, kind and price, as exported.",
    files=r"^amount-",
    day=DAY,
    account=("account_id",),
    model_name="model",
    columns={
        "starts_at": Column("VARCHAR", DAY, required=True),
        "account_id": Column("VARCHAR", "user_id"),
        "api_key_name": Column("VARCHAR", "api_key_name"),
        "provider_api_key_id": Column("VARCHAR", "api_key"),
        "model": Column("VARCHAR", "model", required=True),
        "type": Column("VARCHAR", "type", required=True),
        "price_per_token": Column("DECIMAL", "price"),
        "amount": Column("BIGINT", "amount", required=True),
    },
)
cost = CsvFeed(
    source="deepseek",
    name="cost",
    variable="DEEPSEEK_USAGE_CSV",
    description="What was taken from the wallets per day, model and wallet, as exported.",
    files=r"^cost-",
    day=DAY,
    account=("account_id",),
    model_name="model",
    columns={
        "starts_at": Column("VARCHAR", DAY, required=True),
        "account_id": Column("VARCHAR", "user_id"),
        "model": Column("VARCHAR", "model", required=True),
        "wallet_type": Column("VARCHAR", "wallet_type"),
        "cost": Column("DECIMAL", "cost", required=True),
        "currency": Column("VARCHAR", "currency", required=True),
    },
)
source = Source(name="deepseek", title="DeepSeek", feeds=(balance, amount, cost))
