"""What the stand-ins of the smaller billing sources answer: the same few numbers on every day, to be worked by hand."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from connectors._api import Client, read_days

AWS_KEY = "AKIAEXAMPLEOFTHETEST"
RESOURCES = [
    f"/subscriptions/s1/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/{name}"
    for name in ("east", "west")
]
ORGS = ("acme", "acme-labs")
CLI = {
    "session_count": 2, "request_count": 2, "prompt_count": 2,
    "token_usage": {"prompt_tokens_sum": 3800, "output_tokens_sum": 5000, "avg_tokens_per_request": 4400.0},
}  # fmt: skip


def environ(address: str, key: str) -> dict[str, str]:
    """What points Paceline at these stand-ins."""
    return {
        "OPENROUTER_BASE_URL": f"{address}/openrouter",
        "OPENROUTER_MANAGEMENT_KEY": key,
        "CURSOR_BASE_URL": f"{address}/cursor",
        "CURSOR_ADMIN_KEY": key,
        "GITHUB_COPILOT_BASE_URL": f"{address}/github",
        "GITHUB_COPILOT_TOKEN": key,
        "GITHUB_COPILOT_ORG": ", ".join(ORGS),
        "DEEPSEEK_BASE_URL": f"{address}/deepseek",
        "DEEPSEEK_API_KEY": key,
        "AWS_COST_BASE_URL": f"{address}/aws",
        "AWS_COST_SERVICES": "Bedrock",
        "GOOGLE_BIGQUERY_URL": f"{address}/google",
        "GOOGLE_BILLING_TABLE": "billing-1.export.gcp_billing_export_v1_0123AB",
        "GOOGLE_MONITORING_URL": f"{address}/google",
        "GOOGLE_MONITORED_PROJECTS": "acme-ai,acme-lab",
        "AZURE_MANAGEMENT_URL": f"{address}/azure",
        "AZURE_LOGIN_URL": f"{address}/login",
        "AZURE_TENANT_ID": "tenant-1",
        "AZURE_CLIENT_ID": "client-1",
        "AZURE_CLIENT_SECRET": key,
        "AZURE_OPENAI_RESOURCES": ",".join(RESOURCES),
        "VLLM_PROMETHEUS_URL": f"{address}/vllm",
        "VLLM_PROMETHEUS_TOKEN": key,
    }


def set_cloud_credentials(monkeypatch: pytest.MonkeyPatch, folder: Path, address: str) -> None:
    """What clouds' own tools read from the environment, leading here."""
    file = folder / "service_account.json"
    account = {"type": "service_account", "client_email": "a@example.test", "private_key_id": "1", "project_id": "p"}
    file.write_text(json.dumps(account | {"private_key": _private_key(), "token_uri": f"{address}/login/google"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", AWS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")


@cache
def _private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def answer(address: str, path: str, asked: dict, page_size: int) -> dict | list[dict] | None:
    """The answer to a request; a list is a file of JSON lines."""
    for prefix, found in ANSWERS.items():
        if path.startswith(prefix):
            return found(address, path, asked, page_size)
    return None


def _openrouter(address: str, path: str, asked: dict, page_size: int) -> dict:
    # The last 30 completed days, whatever is asked for.
    days = [date(2026, 11, 22) - timedelta(days=n) for n in range(30)]
    return {
        "data": [
            {
                "date": str(day), "model": model, "model_permaslug": f"{model}-2026", "endpoint_id": "e1",
                "provider_name": "Example", "usage": usage, "byok_usage_inference": 0.0, "requests": 3,
                "prompt_tokens": 1000, "cached_tokens": 400, "completion_tokens": 200, "reasoning_tokens": 50,
            }
            for day in days
            for model, usage in (("openai/gpt-5.2", 0.0125), ("z-ai/glm-5", 0.5))
        ]
    }  # fmt: skip


def cursor_events(day: date) -> list[dict]:
    """Three events of a day: one charged, one that the plan includes, one at a discount."""
    at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    common = {"maxMode": False, "isHeadless": False, "isFreeBugbot": False}
    return [
        common | {
            "timestamp": str(at), "userEmail": "Dev-01@example.test", "model": "claude-test", "kind": "Usage-based",
            "requestsCosts": 5, "isTokenBasedCall": True, "isChargeable": True, "cursorTokenFee": 1.18,
            "tokenUsage": {
                "inputTokens": 126, "outputTokens": 450, "cacheWriteTokens": 6112, "cacheReadTokens": 11964,
                "totalCents": 20.18232,
            },
            "chargedCents": 21.36232,
        },
        common | {
            "timestamp": str(at + 3_600_000), "userEmail": "dev-01@example.test", "model": "claude-test",
            "kind": "Included in Business", "requestsCosts": 1.4, "isTokenBasedCall": False, "isChargeable": False,
            "chargedCents": 8,
        },
        common | {
            "timestamp": str(at + 86_399_999), "userEmail": "dev-02@example.test", "model": "gpt-test",
            "kind": "Usage-based", "requestsCosts": 2, "isTokenBasedCall": True, "isChargeable": True,
            "tokenUsage": {
                "inputTokens": 5805, "outputTokens": 311, "cacheWriteTokens": 0, "cacheReadTokens": 0,
                "totalCents": 40.167, "discountPercentOff": 10,
            },
            "chargedCents": 37.33, "cursorTokenFee": 1.18,
        },
    ]  # fmt: skip


def _cursor(address: str, path: str, asked: dict, page_size: int) -> dict:
    first, end = (datetime.fromtimestamp(asked[name] / 1000, UTC) for name in ("startDate", "endDate"))
    days = [first.date() + timedelta(days=n) for n in range((end.date() - first.date()).days)]
    if len(days) > 30:
        return {"outcome": "error", "message": "more than 30 days"}
    events = [event for day in days for event in cursor_events(day)]
    size, number = min(page_size, asked["pageSize"]), asked.get("page", 1)
    pages = -(-len(events) // size)
    return {
        "totalUsageEventsCount": len(events),
        "pagination": {"numPages": pages, "currentPage": number, "pageSize": size, "hasNextPage": number < pages},
        "usageEvents": events[(number - 1) * size : number * size],
    }


def _github(address: str, path: str, asked: dict, page_size: int) -> dict | list[dict] | None:
    if path.startswith("/github/files/"):
        day, org = path.split("/")[3:5]
        members = [("1", "Dev-01", 12.5), ("2", "dev-02", 7.5)] if org == "acme" else [("3", "dev-03", 0)]
        return [
            {
                "day": day, "enterprise_id": "1", "user_id": number, "user_login": login, "ai_credits_used": credits,
                "user_initiated_interaction_count": 9, "totals_by_ide": [],
                **({"totals_by_cli": CLI} if credits > 10 else {}),
            }
            for number, login, credits in members
        ]  # fmt: skip
    org = path.split("/")[3]
    if org not in ORGS:
        return None
    if path.endswith("/users-1-day"):
        day = asked["day"][0]
        return {"download_links": [f"{address}/github/files/{day}/{org}?sig=signed"], "report_day": day}
    year, month, day = (int(asked[name][0]) for name in ("year", "month", "day"))
    items = [("GPT-5", 15, 0.15, 0.15), ("Claude Sonnet 4.5", 10, 0.1, 0.0)] if org == "acme" else []
    return {
        "timePeriod": {"year": year, "month": month, "day": day}, "organization": org,
        "usageItems": [
            {
                "product": "Copilot", "sku": "Copilot AI Credits", "model": model, "unitType": "credits",
                "pricePerUnit": 0.01, "grossQuantity": credits, "grossAmount": gross,
                "discountQuantity": 0, "discountAmount": gross - net, "netQuantity": credits, "netAmount": net,
            }
            for model, credits, gross, net in items
        ],
    }  # fmt: skip


def _deepseek(address: str, path: str, asked: dict, page_size: int) -> dict:
    wallet = {"currency": "CNY", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}
    return {"is_available": True, "balance_infos": [wallet]}


def _aws(address: str, path: str, asked: dict, page_size: int) -> dict:
    if "Dimension" in asked:
        names = [f"Claude Sonnet 4.5 (Amazon {asked['SearchString']} Edition)", f"Amazon {asked['SearchString']}"]
        return {"DimensionValues": [{"Value": name} for name in names], "ReturnSize": 2, "TotalSize": 2}
    assert "Claude Sonnet 4.5 (Amazon Bedrock Edition)" in asked["Filter"]["And"][0]["Dimensions"]["Values"]
    days = _days(asked["TimePeriod"]["Start"], asked["TimePeriod"]["End"])
    start = int(asked.get("NextPageToken", 0))
    page = days[start : start + page_size]
    rest = {"NextPageToken": str(start + page_size)} if start + page_size < len(days) else {}
    return {
        "ResultsByTime": [
            {
                "TimePeriod": {"Start": str(day), "End": str(day + timedelta(days=1))}, "Total": {}, "Estimated": True,
                "Groups": [
                    {
                        "Keys": [service, usage_type],
                        "Metrics": {
                            "UnblendedCost": {"Amount": cost, "Unit": "USD"},
                            "NetUnblendedCost": {"Amount": net, "Unit": "USD"},
                            "UsageQuantity": {"Amount": quantity, "Unit": unit},
                        },
                    }
                    for service, usage_type, cost, net, quantity, unit in AWS_LINES
                ],
            }
            for day in page
        ],
    } | rest  # fmt: skip


AWS_LINES = [
    ("Amazon Bedrock", "USE1-NovaPro-input-tokens", "0.0008", "0.0004", "1.0", "1K tokens"),
    ("Amazon Bedrock", "USE1-Guardrail-ContentPolicyUnitsConsumed", "0.1500000000", "0.15", "1000", "TextUnits"),
    ("Claude Sonnet 4.5 (Amazon Bedrock Edition)", "USE1-MP:USE1_CacheWrite1hInputTokenCount-Units", "6", "6", "1",
     "1M tokens"),
    ("Claude Sonnet 4.5 (Amazon Bedrock Edition)", "USE1-MP:USE1_OutputTokenCount-Units", "15.0", "15.0", "1", "Units"),
]  # fmt: skip


def _google(address: str, path: str, asked: dict, page_size: int) -> dict:
    if path.endswith("/timeSeries"):
        return _time_series(path.split("/")[4], asked, page_size)
    fields = ["day", "project_id", "service", "sku", "unit", "currency", "amount", "list_usd", "billed_usd"]
    if path.endswith("/queries"):
        days = {named["name"]: named["parameterValue"]["value"] for named in asked["queryParameters"]}
        return {"jobComplete": False, "jobReference": {"jobId": f"{days['first']}_{days['until']}", "location": "EU"}}
    assert asked["location"] == ["EU"]
    rows = [
        [str(day), "acme-ai", *line]
        for day in _days(*path.rpartition("/")[2].split("_"))
        for line in GOOGLE_LINES
    ]  # fmt: skip
    start = int(asked.get("pageToken", ["0"])[0])
    rest = {"pageToken": str(start + page_size)} if start + page_size < len(rows) else {}
    return {
        "jobComplete": True, "schema": {"fields": [{"name": name, "type": "STRING"} for name in fields]},
        "rows": [{"f": [{"v": cell} for cell in row]} for row in rows[start : start + page_size]],
    } | rest  # fmt: skip


GOOGLE_LINES = [
    ("Vertex AI", "Gemini 2.5 Pro Text Input - Predictions", "count", "EUR", "1000000.0", "1.25", "1.0"),
    ("Vertex AI", "Gemini 2.5 Pro Cached Text Input - Predictions", "count", "EUR", "4000000.0", "1.25", "1.0"),
    ("Vertex AI", "Gemini 2.5 Flash Lite Text Output - Predictions", "count", "EUR", "500000.0", "0.2", "0.2"),
    ("Vertex AI", "Gemini 2.5 Pro Context Cache Storage", "count hour", "EUR", "7.5", "0.01", "0.01"),
]


def _time_series(project: str, asked: dict, page_size: int) -> dict:
    if project != "acme-ai":
        return {}
    days = _days(asked["interval.startTime"][0][:10], asked["interval.endTime"][0][:10])
    series = [
        {
            "metric": {"type": "token_count", "labels": {"type": direction}},
            "resource": {"type": "publisher", "labels": {"model_user_id": "gemini-2.5-pro", "project_id": project}},
            "points": [
                {
                    "interval": {"startTime": f"{day}T00:00:00Z", "endTime": f"{day + timedelta(days=1)}T00:00:00Z"},
                    "value": {"int64Value": count},
                }
                for day in reversed(days)
            ],
        }
        for direction, count in (("input", "5000000"), ("output", "600000"))
    ]
    # Two pages, whatever else: series are what pages are made of.
    second = "pageToken" in asked
    return {"timeSeries": series[1:]} if second else {"timeSeries": series[:1], "nextPageToken": "Mg=="}


def _azure(address: str, path: str, asked: dict, page_size: int) -> dict:
    first, end = (moment[:10] for moment in asked["timespan"][0].split("/"))
    resource = path.removeprefix("/azure").partition("/providers/microsoft.insights/")[0]
    totals = {"ProcessedPromptTokens": 900.0, "GeneratedTokens": 100.0, "AzureOpenAIRequests": 3.0}
    return {
        "value": [
            {
                "id": f"{resource}/providers/Microsoft.Insights/metrics/{metric}", "name": {"value": metric},
                "timeseries": [
                    {
                        "metadatavalues": [
                            {"name": {"value": "modeldeploymentname"}, "value": "chat"},
                            {"name": {"value": "modelname"}, "value": "gpt-4o"},
                        ],
                        "data": [
                            {"timeStamp": f"{day}T00:00:00Z", "total": totals[metric]} for day in _days(first, end)
                        ],
                    },
                ],
            }
            for metric in asked["metricnames"][0].split(",")
        ],
    }  # fmt: skip


def _vllm(address: str, path: str, asked: dict, page_size: int) -> dict:
    start, end, step = (int(asked[name][0]) for name in ("start", "end", "step"))
    counts = {"requests": "3", "input_tokens": "1000.4", "cache_read_tokens": "399.6", "output_tokens": "200"}
    series = [
        {"metric": {"model_name": model, "counted": name}, "values": [[at, n] for at in range(start, end + 1, step)]}
        for model, times in (("Qwen/Qwen3-32B", 1), ("idle", 0))
        for name, n in ((name, count if times else "0") for name, count in counts.items())
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": series}}


def _days(first: str, end: str) -> list[date]:
    start = date.fromisoformat(first)
    return [start + timedelta(days=n) for n in range((date.fromisoformat(end) - start).days)]


ANSWERS: dict[str, Callable] = {
    "/openrouter/activity": _openrouter,
    "/cursor/teams/filtered-usage-events": _cursor,
    "/github/": _github,
    "/deepseek/user/balance": _deepseek,
    "/aws": _aws,
    "/google/": _google,
    "/azure/": _azure,
    "/vllm/api/v1/query_range": _vllm,
}


def read(providers, feed, *days: str) -> list[dict]:
    """The rows of some days of a report, each with its day, as its connector reads them from the stand-ins."""
    client = Client(feed.api, providers.other_environ)
    found = read_days(client, feed, [date.fromisoformat(day) for day in days]).days
    return [{"day": str(day), **row} for day, rows in sorted(found.items()) for row in rows]
