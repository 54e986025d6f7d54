"""Google's billing export in BigQuery and the token series of Cloud Monitoring."""

import json
from datetime import date, timedelta

import pytest
import sqlglot

from connectors._api import Client, read_days
from connectors._errors import SourceRefused, SourceUnavailable
from connectors.google import SQL, billing, billing_lines, tokens
from tests.other_bills import StandIn, days_between, read
from tests.providers import status


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
    if path.endswith("/timeSeries"):
        return _time_series(path.split("/")[4], asked, page_size)
    fields = ["day", "project_id", "service", "sku", "unit", "currency", "amount", "list_usd", "billed_usd"]
    if path.endswith("/queries"):
        days = {named["name"]: named["parameterValue"]["value"] for named in asked["queryParameters"]}
        return {"jobComplete": False, "jobReference": {"jobId": f"{days['first']}_{days['until']}", "location": "EU"}}
    assert asked["location"] == ["EU"]
    rows = [
        [str(day), "acme-ai", *line]
        for day in days_between(*path.rpartition("/")[2].split("_"))
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
    ("Vertex AI", "Gemini 2.5 Pro Context Cache Storage", "count", "EUR", "7.5", "0.01", "0.01"),
    ("Vertex AI", "Gemini 2.5 Pro Audio Input - Live", "seconds", "EUR", "60.0", "0.02", "0.02"),
]


def _time_series(project: str, asked: dict, page_size: int) -> dict:
    if project != "acme-ai":
        return {}
    days = days_between(asked["interval.startTime"][0][:10], asked["interval.endTime"][0][:10])
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


STAND_IN = StandIn(
    environ=lambda address, key: {
        "GOOGLE_BIGQUERY_URL": f"{address}/google",
        "GOOGLE_BILLING_TABLE": "billing-1.export.gcp_billing_export_v1_0123AB",
        "GOOGLE_MONITORING_URL": f"{address}/google",
        "GOOGLE_MONITORED_PROJECTS": "acme-ai,acme-lab",
    },
    answer=answer,
    requests={
        "google__billing": 2,  # the query, and its answer
        "google__tokens": 3,  # two pages of the first project
    },
)


def test_model_and_kind_of_token_are_read_from_the_text_of_the_sku(providers):
    rows = read(providers, billing, "2026-11-20")

    assert [(row["model"], row["kind"], row["tokens"], row["billed_usd"]) for row in rows] == [
        ("gemini-2.5-pro", "input", 1_000_000, "1.0"),
        ("gemini-2.5-pro", "cache_read", 4_000_000, "1.0"),
        ("gemini-2.5-flash-lite", "output", 500_000, "0.2"),
        ("gemini-2.5-pro", None, None, "0.01"),  # storage
        ("gemini-2.5-pro", None, None, "0.02"),  # seconds
    ]


@pytest.mark.parametrize(
    ("sku", "model", "kind"),
    [
        ("Claude Sonnet 4.5 Cache Write 1h Input Tokens", "claude-sonnet-4.5", "cache_write_1h"),
        ("Claude Sonnet 4.5 Cache Write 5m Input Tokens", "claude-sonnet-4.5", "cache_write"),
        ("Claude Sonnet 4.5 Cache Write Input Tokens", "claude-sonnet-4.5", "cache_write"),
        ("Claude Sonnet 4.5 Cache Read Input Tokens", "claude-sonnet-4.5", "cache_read"),
        ("Gemini 2.5 Pro Input Text Caching", "gemini-2.5-pro", "cache_read"),
        ("Gemini 2.5 Pro Thinking Text Output - Predictions", "gemini-2.5-pro", "output"),
    ],
)
def test_a_name_that_holds_another_is_not_taken_for_it(sku, model, kind):
    cells = {"sku": sku, "unit": "count", "amount": "1000000"}
    page = {
        "schema": {"fields": [{"name": name} for name in cells]},
        "rows": [{"f": [{"v": v} for v in cells.values()]}],
    }

    (line,) = billing_lines(page)

    assert (line["model"], line["kind"], line["tokens"]) == (model, kind, 1_000_000)


def test_what_is_billed_is_after_discounts_and_free_tiers_and_before_promotions(db):
    # In euros at 0.8 per dollar: 10 - 1 - 2 = 7 EUR = 8.75 USD; 10 EUR = 12.5 USD before discounts.
    credits = [("DISCOUNT", -1), ("FREE_TIER", -2), ("PROMOTION", -4)]
    export = f"""select timestamp '2026-11-20 10:00:00+00' as usage_start_time, timestamp '2026-11-20 00:00:00+00'
        as _partitiontime, {{'id': 'p'}} as project, {{'description': 'Vertex AI'}} as service, {{'description': 'x'}}
        as sku, {{'unit': 'count', 'amount': 5}} as usage, 10 as cost, 0.8 as currency_conversion_rate,
        [{", ".join(f"{{'type': '{kind}', 'amount': {amount}}}" for kind, amount in credits)}] as credits,
        'EUR' as currency, unnest(['regular', 'tax']) as cost_type"""
    (query,) = sqlglot.transpile(SQL.format(table="export"), read="bigquery", write="duckdb")

    rows = db.execute(f"with export as ({export}) {query}", {"first": "2026-11-20", "until": "2026-11-21"}).fetchall()

    assert rows == [("2026-11-20", "p", "Vertex AI", "x", "count", "EUR", 5, 12.5, 8.75)]


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
