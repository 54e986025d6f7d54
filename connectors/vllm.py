"""vLLM: what self-hosted models served per day, by the counters that Prometheus scrapes of them.

Docs    https://docs.vllm.ai/en/latest/design/metrics.html and
        https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
Needs   VLLM_PROMETHEUS_URL, the address of a Prometheus server that scrapes the vLLM servers (scraping them here once a
        day would miss what was counted before a restart); VLLM_PROMETHEUS_TOKEN where it wants a bearer token
Quirks  Counters begin again at 0 when a server restarts: `increase` adds up what came before and after. It
        extrapolates to the ends of the day, so counts are rounded. A value at midnight is of the day before.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from connectors._api import rounded
from connectors._contract import Api, ApiFeed, Column, Source, Window

API = Api(
    base_url_variable="VLLM_PROMETHEUS_URL",
    base_url="",
    key_variable="VLLM_PROMETHEUS_TOKEN",
    headers={"Authorization": "Bearer {key}"},
    key_hint="a bearer token that Prometheus accepts",
    key_is_optional=True,
)
COUNTERS = {
    "requests": "vllm:request_success_total", "input_tokens": "vllm:prompt_tokens_total",
    "cache_read_tokens": "vllm:prefix_cache_hits_total", "output_tokens": "vllm:generation_tokens_total",
}  # fmt: skip
# One query for all, told apart by a label.
QUERY = " or ".join(
    f'label_replace(sum by (model_name) (increase({counter}[1d])), "counted", "{name}", "", "")'
    for name, counter in COUNTERS.items()
)


def days(page: dict) -> Iterator[dict]:
    """One line per day and model that served anything."""
    found: dict[tuple, dict[str, int]] = {}
    for series in page["data"]["result"]:
        labels = series["metric"]
        for at, value in series["values"]:
            day = datetime.fromtimestamp(float(at), UTC) - timedelta(days=1)
            count = rounded(value)
            if count:
                found.setdefault((str(day), labels["model_name"]), {})[labels["counted"]] = count
    yield from ({"day": day, "model": model} | counts for (day, model), counts in found.items())


served = ApiFeed(
    source="vllm",
    name="served",
    api=API,
    description="Tokens and calls per day and model that vLLM servers counted.",
    path="/api/v1/query_range",
    params={"query": QUERY, "step": 86400},
    entries_of=days,
    restated_days=2,
    model_name="model",
    window=Window("start", "end", "epoch", 31, "day"),
    columns={"model": Column("VARCHAR", "model", required=True)} | {name: Column("BIGINT", name) for name in COUNTERS},
)
source = Source(name="vllm", title="vLLM", feeds=(served,))
