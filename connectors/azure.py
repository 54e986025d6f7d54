"""Azure OpenAI: tokens per deployment from Azure Monitor, and the costs that Cost Management exports.

Docs    https://learn.microsoft.com/azure/ai-services/openai/monitor-openai-reference (metrics) and
        https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/cost-usage-details-focus
Needs   AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of an app with the role Monitoring Reader, and
        AZURE_OPENAI_RESOURCES, ids (/subscriptions/.../accounts/...) with commas between. AZURE_COST_EXPORT, a folder
        or s3:// prefix with the CSV files of a FOCUS export
Quirks  Metrics know no user, and names of dimensions come back in lower case. Metrics that were renamed
        (InputTokens, ProcessedPromptTokens) count the same calls: only one name of each is asked for. They are kept
        for 93 days. A day's costs change until the month is invoiced. Meters are no models.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import requests

from connectors._contract import Api, ApiFeed, Column, CsvFeed, Source, Window
from connectors._errors import LATER, SourceRefused, SourceUnavailable

METRICS = {
    "ProcessedPromptTokens": "input_tokens", "GeneratedTokens": "output_tokens", "AzureOpenAIRequests": "requests",
}  # fmt: skip


def token(environ: Mapping[str, str]) -> str:
    """An access token of the app, valid for an hour (the OAuth client credentials grant)."""
    login = (environ.get("AZURE_LOGIN_URL") or "https://login.microsoftonline.com").rstrip("/")
    try:
        response = requests.post(
            f"{login}/{environ['AZURE_TENANT_ID']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials", "client_id": environ["AZURE_CLIENT_ID"],
                "client_secret": environ["AZURE_CLIENT_SECRET"], "scope": "https://management.azure.com/.default",
            },
            timeout=(10, 60), allow_redirects=False,
        )  # fmt: skip
        answer = response.json()
    except (requests.RequestException, ValueError) as error:
        raise SourceUnavailable(f"{login} gave no access token ({type(error).__name__}). {LATER}") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        code = answer.get("error") if isinstance(answer, dict) else None
        raise SourceRefused(
            f"{login} answered {response.status_code} ({str(code)[:60]}): check AZURE_TENANT_ID, AZURE_CLIENT_ID and "
            "AZURE_CLIENT_SECRET, which may have expired."
        )
    return answer["access_token"]


API = Api(
    base_url_variable="AZURE_MANAGEMENT_URL",
    base_url="https://management.azure.com",
    key_variable="AZURE_CLIENT_SECRET",
    headers={"Authorization": "Bearer {key}"},
    key_hint="the secret of an app with the role Monitoring Reader on the resources",
    settings={
        "tenant": "AZURE_TENANT_ID", "client": "AZURE_CLIENT_ID", "resource": "AZURE_OPENAI_RESOURCES",
    },
    token=token,
)  # fmt: skip


def ask_metrics(client, feed: ApiFeed, first: date, last: date) -> Iterator[dict]:
    """One answer per resource about the days from the first to the last one."""
    for path, _ in client.paths(feed, feed.path):
        span = f"{first}T00:00:00Z/{last + timedelta(days=1)}T00:00:00Z"
        yield client.ask(feed, path, {**feed.params, "timespan": span})


def points(page: dict) -> Iterator[dict]:
    """One line per day, resource, deployment and model, with all metrics."""
    found: dict[tuple, dict] = {}
    for metric in page["value"]:
        name = METRICS[metric["name"]["value"]]
        resource = re.split("/providers/microsoft.insights/", metric["id"], flags=re.IGNORECASE)[0]
        for series in metric["timeseries"]:
            labels = {label["name"]["value"].lower(): label["value"] for label in series["metadatavalues"]}
            deployment, model = labels.get("modeldeploymentname"), labels.get("modelname")
            for point in series["data"]:
                if point.get("total"):
                    line = found.setdefault((point["timeStamp"], resource, deployment, model), {})
                    line[name] = line.get(name, 0) + point["total"]
    for (day, resource, deployment, model), line in found.items():
        yield {"day": day, "resource": resource, "deployment": deployment, "model": model or deployment, **line}


metrics = ApiFeed(
    source="azure",
    name="metrics",
    api=API,
    description="Tokens and calls per day, resource, deployment and model, by Azure Monitor.",
    path="/{resource}/providers/microsoft.insights/metrics",
    params={
        "api-version": "2023-10-01", "metricnames": ",".join(METRICS), "aggregation": "Total", "interval": "P1D",
        "$filter": "ModelDeploymentName eq '*' and ModelName eq '*'",
    },
    ask=ask_metrics,
    entries_of=points,
    restated_days=3,
    model_name="model",
    window=Window(None, None, "iso", 31, "day", kept_days=92),
    columns={
        "account_id": Column("VARCHAR", "resource", required=True),
        "deployment": Column("VARCHAR", "deployment"),
        "model": Column("VARCHAR", "model"),
        "requests": Column("BIGINT", "requests"),
        "input_tokens": Column("BIGINT", "input_tokens"),
        "output_tokens": Column("BIGINT", "output_tokens"),
    },
)  # fmt: skip
cost_export = CsvFeed(
    source="azure",
    name="cost_export",
    variable="AZURE_COST_EXPORT",
    description="Costs per day, resource and meter of Azure's AI services, as exported in the FOCUS format.",
    files=r"\.csv(\.gz)?$",
    part=r"[^/]*part_[\d_]+\.csv(\.gz)?$",
    day="ChargePeriodStart",
    account=("subscription_id", "account_id"),
    keep={"ServiceName": "(?i)openai|cognitive|foundry|azure ai"},
    columns={
        "account_id": Column("VARCHAR", "ResourceId"),
        "subscription_id": Column("VARCHAR", "SubAccountId"),
        "service": Column("VARCHAR", "ServiceName", required=True),
        "meter": Column("VARCHAR", "SkuMeter|x_SkuMeterName"),
        "charge_category": Column("VARCHAR", "ChargeCategory", required=True),
        "quantity": Column("DECIMAL", "ConsumedQuantity"),
        "unit": Column("VARCHAR", "ConsumedUnit"),
        "billed": Column("DECIMAL", "BilledCost", required=True),
        "list": Column("DECIMAL", "ListCost"),
        "currency": Column("VARCHAR", "BillingCurrency", required=True),
        "billed_usd": Column("USD", "x_BilledCostInUsd"),
        "list_usd": Column("USD", "x_ListCostInUsd"),
    },
)
source = Source(name="azure", title="Azure OpenAI", feeds=(metrics, cost_export))
