"""AWS: what Bedrock costs per day and meter, from Cost Explorer.

Docs    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
Needs   AWS_COST_SERVICES, words in the names of the services to ask for (Bedrock), with commas between, and credentials
        as every AWS tool reads them, with ce:GetCostAndUsage and ce:GetDimensionValues. Each request costs 0.01 USD
Quirks  Amounts are strings. A maker's models are services of their own ("Claude Sonnet 4.5 (Amazon Bedrock Edition)").
        Model and kind of token stand in the usage type only, which differs by region and by maker. Days are estimates
        until the month is invoiced. At most two groupings, so there is no account in it.

The client is botocore's, which s3fs brings along; boto3's is the same one.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from connectors._api import new_cursor
from connectors._contract import Api, ApiFeed, Column, Source, Window
from connectors._errors import LATER, SourceRefused, SourceUnavailable

API = Api(
    base_url_variable="AWS_COST_BASE_URL",
    base_url="https://ce.us-east-1.amazonaws.com",
    key_variable=None,
    headers={},
    key_hint="AWS credentials with ce:GetCostAndUsage and ce:GetDimensionValues",
    settings={"words": "AWS_COST_SERVICES"},
)
PASSING = ("Throttling", "LimitExceeded", "RequestLimit", "DataUnavailable", "ServiceUnavailable", "InternalFailure")
# In this order, for the name of a write for an hour holds the names of all others but output.
KINDS = {
    "cachewrite1h": "cache_write_1h", "cachewrite": "cache_write", "cacheread": "cache_read", "output": "output",
    "input": "input",
}  # fmt: skip
TOKENS_PER_UNIT = {"tokens": 1, "token": 1, "1k tokens": 1_000, "1m tokens": 1_000_000}


def cost_and_usage(client, feed: ApiFeed, first: date, last: date) -> Iterator[dict]:
    """Cost Explorer's answers about the days from the first to the last one."""
    import botocore.exceptions
    import botocore.session
    from botocore.config import Config

    span = {"Start": str(first), "End": str(last + timedelta(days=1))}
    # A word that fits no service of a year is misspelt; one that fits none of these days may just have cost nothing.
    today = datetime.now(UTC).date()
    known = {"Start": str(min(first, today - timedelta(days=365))), "End": str(max(last, today) + timedelta(days=1))}
    try:
        explorer = botocore.session.get_session().create_client(
            "ce", region_name="us-east-1", endpoint_url=client.base_url,
            config=Config(retries={"total_max_attempts": 5, "mode": "standard"}),
        )  # fmt: skip
        services = set()
        for word in client.settings["words"]:
            asked = {"TimePeriod": known, "Dimension": "SERVICE", "SearchString": word}
            pages = _pages(client, explorer.get_dimension_values, asked)
            found = {value["Value"] for page in pages for value in page["DimensionValues"]}
            if not found:
                raise SourceRefused(
                    f"AWS_COST_SERVICES has '{word}', and no service with that in its name has cost anything since "
                    f"{known['Start']}. Correct it, or leave it out until one does."
                )
            services |= found
        yield from _pages(client, explorer.get_cost_and_usage, {
            "TimePeriod": span, "Granularity": "DAILY",
            "Metrics": ["UnblendedCost", "NetUnblendedCost", "UsageQuantity"],
            "GroupBy": [{"Type": "DIMENSION", "Key": key} for key in ("SERVICE", "USAGE_TYPE")],
            "Filter": {"And": [
                {"Dimensions": {"Key": "SERVICE", "Values": sorted(services)}},
                {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit", "Refund", "Tax"]}}},
            ]},
        })  # fmt: skip
    except botocore.exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code.startswith(PASSING) or error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
            raise SourceUnavailable(f"Cost Explorer: {error}. {LATER}") from error
        raise SourceRefused(f"Cost Explorer: {error}. It needs {API.key_hint}.") from error
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.ProfileNotFound) as error:
        raise SourceRefused(f"Cost Explorer: {error}. It needs {API.key_hint}.") from error
    except botocore.exceptions.BotoCoreError as error:
        raise SourceUnavailable(f"Cost Explorer: {error}. {LATER}") from error


def _pages(client, call, asked: dict) -> Iterator[dict]:
    cursors: set[str] = set()
    token: dict[str, str] = {}
    while True:
        page = call(**asked, **token)
        client.requests_made += 1
        yield page
        if not page.get("NextPageToken"):
            return
        token = {"NextPageToken": new_cursor("Cost Explorer", page, "NextPageToken", cursors)}


def lines(page: dict) -> Iterator[dict]:
    """One line per day, service and usage type, with the model and the kind of token where the names say them."""
    for day in page["ResultsByTime"]:
        for group in day["Groups"]:
            service, usage_type = group["Keys"]
            kind = _kind(usage_type)
            quantity, unit = (group["Metrics"]["UsageQuantity"].get(key) for key in ("Amount", "Unit"))
            per_unit = TOKENS_PER_UNIT.get(str(unit).lower())
            yield {
                "day": day["TimePeriod"]["Start"],
                "is_estimated": day.get("Estimated"),
                "service": service,
                "usage_type": usage_type,
                "model": _model(service, usage_type) if kind else None,
                "kind": kind,
                "quantity": quantity,
                "unit": unit,
                "tokens": round(float(quantity) * per_unit) if kind and per_unit else None,
                **group["Metrics"],
            }


def _kind(usage_type: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", usage_type.lower())
    return next((kind for name, kind in KINDS.items() if name in plain and "token" in plain), None)


def _model(service: str, usage_type: str) -> str:
    """`Claude Sonnet 4.5 (Amazon Bedrock Edition)`, or `NovaPro` of `USE1-NovaPro-input-tokens`, in our spelling."""
    maker = re.match(r"(.+?) \(Amazon Bedrock Edition\)", service)
    name = maker[1] if maker else re.sub(r"^[A-Z]{2,4}\d?-|[-_](cache|input|output).*$", "", usage_type, flags=re.I)
    return re.sub(r"[ _]+", "-", name.strip()).lower()


costs = ApiFeed(
    source="aws",
    name="costs",
    api=API,
    description="Dollars per day, service and usage type; tokens where the meter counts them.",
    path="/",
    ask=cost_and_usage,
    entries_of=lines,
    restated_days=35,  # the open month, and the one before until it is invoiced
    model_name="model",
    window=Window(None, None, "date", 92, "day", kept_days=395),
    columns={
        "service": Column("VARCHAR", "service", required=True),
        "usage_type": Column("VARCHAR", "usage_type", required=True),
        "model": Column("VARCHAR", "model"),
        "kind": Column("VARCHAR", "kind"),
        "quantity": Column("DECIMAL", "quantity"),
        "unit": Column("VARCHAR", "unit"),
        "tokens": Column("BIGINT", "tokens"),
        "billed_usd": Column("USD", "NetUnblendedCost.Amount", required=True),
        "list_usd": Column("USD", "UnblendedCost.Amount", required=True),
        "currency": Column("VARCHAR", "NetUnblendedCost.Unit", required=True),
        "is_estimated": Column("BOOLEAN", "is_estimated"),
    },
)
source = Source(name="aws", title="AWS", feeds=(costs,))
