"""Google: what Gemini and other models of Vertex AI cost (the Cloud Billing export) and used (Cloud Monitoring).

Docs    https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage and
        https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
Needs   GOOGLE_BILLING_TABLE, the export's table (project.dataset.gcp_billing_export_v1_...), and
        GOOGLE_MONITORED_PROJECTS, ids of projects with commas between; either may be missing. Application Default
        Credentials (GOOGLE_APPLICATION_CREDENTIALS, workload identity ...) with the roles BigQuery Job User and Data
        Viewer, or Monitoring Viewer
Quirks  Rows of the export arrive for days, each with a later export time. Cost is in the account's currency and before
        credits. Discounts and free tiers are credits, too: all are subtracted but promotions, which pay for it. Model
        and kind of token stand in the text of the SKU only. The tokens of Cloud Monitoring are a lower bound, know no
        cache, and values arrive as strings.

Google's client libraries are not used: the one for Cloud Monitoring speaks gRPC only, and both would bring patience,
paging and errors of their own beside the ones that every report here is held to. Their credentials are: google-auth.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from connectors._api import new_cursor, rounded
from connectors._contract import Api, ApiFeed, Column, Source, Window
from connectors._errors import LATER, SourceRefused, SourceUnavailable

SCOPES = (
    "https://www.googleapis.com/auth/bigquery.readonly", "https://www.googleapis.com/auth/monitoring.read",
)  # fmt: skip
MOST_WAITS = 10  # of up to WAIT_MS each, for a query to end
WAIT_MS = 50_000
# In this order, for the name of a write for an hour holds the names of all others but output.
KINDS = (
    ("cache write 1h", "cache_write_1h"), ("cache write", "cache_write"), ("cach", "cache_read"), ("output", "output"),
    ("thinking", "output"), ("input", "input"),
)  # fmt: skip
SQL = r"""
select
    format_timestamp('%F', usage_start_time) as day, project.id as project_id, service.description as service,
    sku.description as sku, usage.unit as unit, currency, sum(usage.amount) as amount,
    sum(cost / ifnull(currency_conversion_rate, 1)) as list_usd,
    sum((cost + ifnull((
        select sum(credit.amount) from unnest(credits) as credit where credit.type != 'PROMOTION'
    ), 0)) / ifnull(currency_conversion_rate, 1)) as billed_usd
from `{table}`
where
    usage_start_time >= timestamp(@first) and usage_start_time < timestamp(@until)
    and _partitiontime >= timestamp_sub(timestamp(@first), interval 1 day)
    and cost_type = 'regular'
    and regexp_contains(lower(service.description), 'vertex ai|gemini|generative language')
group by day, project_id, service, sku, unit, currency"""


def token(environ: Mapping[str, str]) -> str:
    """An access token of the Application Default Credentials, valid for an hour."""
    import google.auth
    import google.auth.exceptions
    from google.auth.transport.requests import Request

    try:
        credentials, _ = google.auth.default(scopes=SCOPES)
        credentials.refresh(Request())
    except google.auth.exceptions.TransportError as error:
        raise SourceUnavailable(f"Google gave no access token ({error}). {LATER}") from error
    except (google.auth.exceptions.GoogleAuthError, OSError, ValueError) as error:
        raise SourceRefused(
            f"There are no usable credentials for Google ({type(error).__name__}). Set GOOGLE_APPLICATION_CREDENTIALS "
            "to a service account's key file, or run where workload identity gives some."
        ) from error
    return credentials.token


def _api(variable: str, address: str, name: str, setting: str, role: str) -> Api:
    return Api(
        base_url_variable=variable,
        base_url=address,
        key_variable=None,
        headers={"Authorization": "Bearer {key}"},
        key_hint=f"that of an account with the role {role}",
        settings={name: setting},
        token=token,
    )


def query_billing(client, feed: ApiFeed, first: date, last: date) -> Iterator[dict]:
    """Every page of the query's answer about the days from the first to the last one."""
    for table in client.settings["table"]:
        if not re.fullmatch(r"[\w-]+(\.[\w-]+){2}", table):
            raise SourceRefused(f"GOOGLE_BILLING_TABLE is '{table}', expected project.dataset.table.")
        path = f"/bigquery/v2/projects/{table.partition('.')[0]}/queries"
        days = {"first": first, "until": last + timedelta(days=1)}
        page = client.ask(feed, path, {
            "query": SQL.format(table=table), "useLegacySql": False, "timeoutMs": WAIT_MS, "parameterMode": "NAMED",
            "queryParameters": [
                {"name": name, "parameterType": {"type": "DATE"}, "parameterValue": {"value": str(day)}}
                for name, day in days.items()
            ],
        }, method="POST")  # fmt: skip
        job = page["jobReference"]
        path, asked = f"{path}/{job['jobId']}", {"location": job.get("location", ""), "timeoutMs": WAIT_MS}
        waits, cursors = 0, set()
        while True:
            while not page.get("jobComplete"):
                waits += 1
                if waits > MOST_WAITS:
                    raise SourceUnavailable(f"The query of {table} does not end. {LATER}")
                page = client.ask(feed, path, asked)
            yield page
            if not page.get("pageToken"):
                break
            page = client.ask(feed, path, asked | {"pageToken": new_cursor(path, page, "pageToken", cursors)})


def billing_lines(page: dict) -> Iterator[dict]:
    """One line per day, project and SKU, with the model and the kind of token where its text says them."""
    names = [field["name"] for field in page["schema"]["fields"]]
    for row in page.get("rows", []):
        line = dict(zip(names, (cell["v"] for cell in row["f"]), strict=True))
        text = str(line["sku"]).lower()
        kind = next((kind for word, kind in KINDS if word in text), None)
        if "storage" in text or line["unit"] not in ("count", "tokens"):
            kind = None
        tokens = rounded(line["amount"]) if kind else None
        yield line | {"model": _model(text), "kind": kind, "tokens": tokens}


def _model(text: str) -> str | None:
    found = re.search(r"gemini [\d.]+ (?:pro|flash(?: lite)?)|claude (?:opus|sonnet|haiku) [\d.]+", text)
    return found[0].replace(" ", "-") if found else None


def token_points(page: dict) -> Iterator[dict]:
    """One line per day, model and direction of Cloud Monitoring's series."""
    for series in page.get("timeSeries", []):
        metric, resource = series.get("metric", {}).get("labels", {}), series["resource"]["labels"]
        for point in series["points"]:
            yield {
                "day": point["interval"]["startTime"],
                "project_id": resource.get("project_id"),
                "model": resource.get("model_user_id"),
                "direction": metric["type"],
                "tokens": point["value"]["int64Value"],
            }


billing = ApiFeed(
    source="google",
    name="billing",
    api=_api("GOOGLE_BIGQUERY_URL", "https://bigquery.googleapis.com", "table", "GOOGLE_BILLING_TABLE",
             "BigQuery Job User and, on the table, BigQuery Data Viewer"),
    description="Dollars per day, project and SKU of Gemini and Vertex AI; tokens where the SKU counts them.",
    path="/bigquery/v2/projects/queries",
    ask=query_billing,
    entries_of=billing_lines,
    restated_days=6,
    model_name="model",
    window=Window(None, None, "date", 92, "day"),
    columns={
        "account_id": Column("VARCHAR", "project_id"),
        "service": Column("VARCHAR", "service"),
        "sku": Column("VARCHAR", "sku", required=True),
        "model": Column("VARCHAR", "model"),
        "kind": Column("VARCHAR", "kind"),
        "tokens": Column("BIGINT", "tokens"),
        "amount": Column("DECIMAL", "amount"),
        "unit": Column("VARCHAR", "unit"),
        "list_usd": Column("USD", "list_usd", required=True),
        "billed_usd": Column("USD", "billed_usd", required=True),
        "currency": Column("VARCHAR", "currency"),
    },
)  # fmt: skip
tokens = ApiFeed(
    source="google",
    name="tokens",
    api=_api("GOOGLE_MONITORING_URL", "https://monitoring.googleapis.com", "project", "GOOGLE_MONITORED_PROJECTS",
             "Monitoring Viewer"),
    description="Tokens per day, project and model that Vertex AI served, by Cloud Monitoring.",
    path="/v3/projects/{project}/timeSeries",
    params={
        "filter": 'metric.type="aiplatform.googleapis.com/publisher/online_serving/token_count"',
        "aggregation.alignmentPeriod": "86400s", "aggregation.perSeriesAligner": "ALIGN_DELTA",
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
        "aggregation.groupByFields": [
            "metric.labels.type", "resource.labels.model_user_id", "resource.labels.project_id",
        ],
    },
    entries_of=token_points,
    cursor=("pageToken", "nextPageToken"),
    more=None,
    restated_days=3,
    model_name="model",
    window=Window("interval.startTime", "interval.endTime", "iso", 31, "day", kept_days=41),
    columns={
        "account_id": Column("VARCHAR", "$project"),
        "model": Column("VARCHAR", "model"),
        "direction": Column("VARCHAR", "direction", required=True),
        "tokens": Column("BIGINT", "tokens", required=True),
    },
)  # fmt: skip
source = Source(name="google", title="Google", feeds=(billing, tokens))
