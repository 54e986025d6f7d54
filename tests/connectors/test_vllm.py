"""vLLM's counters, by way of Prometheus."""

from datetime import date

import pytest

from connectors._api import Client, read_days
from connectors._contract import is_set
from connectors._errors import SourceRefused
from connectors.vllm import served
from tests.other_bills import StandIn, read


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
    start, end, step = (int(asked[name][0]) for name in ("start", "end", "step"))
    counts = {"requests": "3", "input_tokens": "1000.4", "cache_read_tokens": "399.6", "output_tokens": "200"}
    series = [
        {"metric": {"model_name": model, "counted": name}, "values": [[at, n] for at in range(start, end + 1, step)]}
        for model, times in (("Qwen/Qwen3-32B", 1), ("idle", 0))
        for name, n in ((name, count if times else "0") for name, count in counts.items())
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
        {"day": day, "model": "Qwen/Qwen3-32B", "requests": 3, "input_tokens": 1000, "cache_read_tokens": 400,
         "output_tokens": 200}
        for day in ("2026-11-20", "2026-11-21")
    ]  # fmt: skip


def test_counters_that_begin_again_are_added_up_by_prometheus():
    assert served.params["query"].count("increase(vllm:") == 4


def test_a_prometheus_without_a_password_is_asked_without_one(providers):
    client = Client(served.api, providers.other_environ | {"VLLM_PROMETHEUS_TOKEN": ""})

    # The stand-in wants one: it sees that there is none, and what is said names the variable.
    with pytest.raises(SourceRefused, match="401.*VLLM_PROMETHEUS_TOKEN must be a bearer token"):
        read_days(client, served, [date(2026, 11, 20)])


def test_a_prometheus_without_a_password_needs_its_address_only():
    assert is_set(served.needs, {"VLLM_PROMETHEUS_URL": "http://127.0.0.1:9090"})
    assert not is_set(served.needs, {"VLLM_PROMETHEUS_TOKEN": "x"})
