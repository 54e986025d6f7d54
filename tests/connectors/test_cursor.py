"""Cursor's events of usage."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from connectors import _api
from connectors._api import Client
from connectors.cursor import usage_events
from tests.other_bills import StandIn, read

EXAMPLE = Path(__file__).parent.parent / "data" / "cursor" / "filtered_usage_events.example.json"
EXAMPLE_DAY = date(2025, 11, 20)


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


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
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


STAND_IN = StandIn(
    environ=lambda address, key: {
        "CURSOR_BASE_URL": f"{address}/cursor",
        "CURSOR_ADMIN_KEY": key,
    },
    answer=answer,
)


def test_charges_are_fractions_of_cents_and_calls_that_count_no_tokens_have_none(providers):
    charged, included, discounted = read(providers, usage_events, "2026-11-20")

    assert charged | {"timestamp_ms": None} == {
        "day": "2026-11-20", "timestamp_ms": None, "user_email": "Dev-01@example.test", "service_account_id": None,
        "model": "claude-test", "is_chargeable": True, "uncached_input_tokens": 126, "cache_read_tokens": 11964,
        "cache_write_tokens": 6112, "output_tokens": 450, "model_list_usd": "0.2018232", "fee_usd": "0.0118",
        "charged_usd": "0.2136232",
    }  # fmt: skip
    assert (included["is_chargeable"], included["charged_usd"], included["output_tokens"]) == (False, "0.08", None)
    assert discounted["charged_usd"] == "0.3733"


def test_the_last_millisecond_of_a_day_belongs_to_it(providers):
    assert {row["day"] for row in read(providers, usage_events, "2026-11-20")} == {"2026-11-20"}


def test_the_stand_in_has_the_fields_of_the_documented_example():
    (documented, *_), (ours, *_) = json.loads(EXAMPLE.read_text())["usageEvents"], cursor_events(EXAMPLE_DAY)

    assert ours.keys() == documented.keys()
    assert ours["tokenUsage"] == documented["tokenUsage"]


def test_no_more_than_20_requests_are_sent_a_minute(providers, monkeypatch):
    waits = []
    monkeypatch.setattr(_api, "MINUTE_SECONDS", 60)
    monkeypatch.setattr(_api.time, "sleep", waits.append)
    client = Client(usage_events.api, providers.other_environ)

    for _ in range(21):
        client.ask(usage_events, usage_events.path, {"startDate": 0, "endDate": 0, "pageSize": 1})

    (wait,) = [seconds for seconds in waits if seconds > 0.1]
    assert wait == pytest.approx(60, abs=10)  # until a minute after the first of them
