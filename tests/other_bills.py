"""What the stand-ins of the smaller billing sources answer: the same few numbers on every day, to be worked by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

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
    }


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


ANSWERS: dict[str, Callable] = {
    "/openrouter/activity": _openrouter,
    "/cursor/teams/filtered-usage-events": _cursor,
    "/github/": _github,
}
