"""Google's billing export in BigQuery and the token series of Cloud Monitoring."""

import json
from datetime import date

import pytest

from connectors._api import Client, read_days
from connectors._errors import SourceRefused, SourceUnavailable
from connectors.google import billing, tokens
from tests.other_bills import read
from tests.providers import status


def test_model_and_kind_of_token_are_read_from_the_text_of_the_sku(providers):
    rows = read(providers, billing, "2026-11-20")

    assert [(row["model"], row["kind"], row["tokens"], row["billed_usd"]) for row in rows] == [
        ("gemini-2.5-pro", "input", 1_000_000, "1.0"),
        ("gemini-2.5-pro", "cache_read", 4_000_000, "1.0"),
        ("gemini-2.5-flash-lite", "output", 500_000, "0.2"),
        ("gemini-2.5-pro", None, None, "0.01"),  # hours of storage
    ]


def test_a_query_that_does_not_end_is_asked_for_again_by_the_next_run(providers):
    job = {"jobId": "2026-11-20_2026-11-21", "location": "EU"}
    running = json.dumps({"jobComplete": False, "jobReference": job}).encode()
    providers.faults = dict.fromkeys(range(99), lambda handler, _: status(200, running)(handler, b""))

    with pytest.raises(SourceUnavailable, match="does not end"):
        read(providers, billing, "2026-11-20")

    assert len(providers.asked) == 11  # the query, and ten waits


def test_a_table_that_is_none_never_reaches_a_query(providers):
    client = Client(billing.api, providers.other_environ | {"GOOGLE_BILLING_TABLE": "p.d.t` where true; --"})

    with pytest.raises(SourceRefused, match="project.dataset.table"):
        read_days(client, billing, [date(2026, 11, 20)])

    assert providers.asked == []


def test_series_are_read_to_the_last_page_and_points_come_newest_first(providers):
    rows = read(providers, tokens, "2026-11-20", "2026-11-21")

    assert [(row["day"], row["account_id"], row["model"], row["direction"], row["tokens"]) for row in rows] == [
        (day, "acme-ai", "gemini-2.5-pro", direction, count)
        for day in ("2026-11-20", "2026-11-21")
        for direction, count in (("input", 5_000_000), ("output", 600_000))
    ]


def test_without_credentials_it_is_said_what_is_needed(providers, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")

    with pytest.raises(SourceRefused, match="GOOGLE_APPLICATION_CREDENTIALS"):
        read(providers, tokens, "2026-11-20")
