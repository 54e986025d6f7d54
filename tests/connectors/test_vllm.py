"""vLLM's counters, by way of Prometheus."""

from datetime import UTC, date, datetime, timedelta

import pytest
import requests

from connectors._api import Client, read_days
from connectors._contract import is_set
from connectors._errors import SourceUnavailable
from connectors.vllm import served
from tests.other_bills import StandIn, read


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
    start, end, step = (int(asked[name][0]) for name in ("start", "end", "step"))
    series = []
    for at in range(start, end + 1, step):
        calls = str((datetime.fromtimestamp(at, UTC) - timedelta(days=1)).day)  # as many as the day has in its date
        counts = {"requests": calls, "input_tokens": "1000.4", "cache_read_tokens": "399.6", "output_tokens": "200"}
        for name, count in counts.items():
            series += [
                {"metric": {"model_name": "Qwen/Qwen3-32B", "counted": name}, "values": [[at, count]]},
                {"metric": {"model_name": "idle", "counted": name}, "values": [[at, "0"]]},
            ]
    return {"status": "success", "data": {"resultType": "matrix", "result": series}}


STAND_IN = StandIn(
    environ=lambda address, key: {
        "VLLM_PROMETHEUS_URL": f"{address}/vllm",
        "VLLM_PROMETHEUS_TOKEN": key,
    },
    answer=answer,
)


def test_a_value_at_midnight_is_of_the_day_before_and_extrapolated_counts_are_rounded(providers):
    rows = read(providers, served, "2026-11-20", "2026-11-21")

    # `idle` served nothing; the value at the first midnight is of the 19th, which was not asked for.
    assert rows == [
        {"day": f"2026-11-{day}", "model": "Qwen/Qwen3-32B", "requests": day, "input_tokens": 1000,
         "cache_read_tokens": 400, "output_tokens": 200}
        for day in (20, 21)
    ]  # fmt: skip


def test_counters_that_begin_again_are_added_up_by_prometheus():
    assert served.params["query"].count("increase(vllm:") == 4


def test_a_prometheus_without_a_password_is_asked_without_one(providers, monkeypatch):
    sent = []
    monkeypatch.setattr(requests.Session, "request", lambda *_, headers, **__: sent.append(headers) or refuse())
    client = Client(served.api, providers.other_environ | {"VLLM_PROMETHEUS_TOKEN": ""})

    with pytest.raises(SourceUnavailable):
        read_days(client, served, [date(2026, 11, 20)])

    assert sent == [{}]


def test_a_password_in_the_address_is_sent_as_one_and_told_nobody(providers, monkeypatch):
    sent = []
    monkeypatch.setattr(requests.Session, "request", lambda *_, headers, **__: sent.append(headers) or refuse())
    address = "http://scraper:s3cr%2Ft@127.0.0.1:9/prometheus"
    client = Client(served.api, {"VLLM_PROMETHEUS_URL": address})

    with pytest.raises(SourceUnavailable, match=r"GET http://127.0.0.1:9/prometheus/api/v1/query_range failed") as told:
        read_days(client, served, [date(2026, 11, 20)])

    assert sent == [{"Authorization": "Basic c2NyYXBlcjpzM2NyL3Q="}]  # scraper:s3cr/t
    assert "s3cr" not in str(told.value)
    assert client._safe("scraper:s3cr/t, s3cr%2Ft, c2NyYXBlcjpzM2NyL3Q=") == "***, ***, ***"


def refuse():
    """No network."""
    raise requests.ConnectionError


def test_a_prometheus_without_a_password_needs_its_address_only():
    assert is_set(served.needs, {"VLLM_PROMETHEUS_URL": "http://127.0.0.1:9090"})
    assert not is_set(served.needs, {"VLLM_PROMETHEUS_TOKEN": "x"})
