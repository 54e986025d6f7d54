"""vLLM's counters, by way of Prometheus."""

from connectors._contract import is_set
from connectors.vllm import served
from tests.other_bills import read


def test_a_value_at_midnight_is_of_the_day_before_and_extrapolated_counts_are_rounded(providers):
    rows = read(providers, served, "2026-11-20", "2026-11-21")

    # `idle` served nothing; the value at the first midnight is of the 19th, which was not asked for.
    assert rows == [
        {"day": day, "model": "Qwen/Qwen3-32B", "requests": 3, "input_tokens": 1000, "cache_read_tokens": 400,
         "output_tokens": 200}
        for day in ("2026-11-20", "2026-11-21")
    ]  # fmt: skip


def test_counters_that_begin_again_are_added_up_by_prometheus(providers):
    assert served.params["query"].count("increase(vllm:") == 4


def test_a_prometheus_without_a_password_needs_its_address_only(providers):
    assert is_set(served.needs, {"VLLM_PROMETHEUS_URL": "http://127.0.0.1:9090"})
    assert not is_set(served.needs, {"VLLM_PROMETHEUS_TOKEN": "x"})
