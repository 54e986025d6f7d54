"""The steps of the daily job in one process, without Dagster: `python -m benchmarks.steps`, set up by the environment.

Prints one JSON object: seconds of each step (of the wall, of CPU), of each half of dbt's nodes, and of the slowest of
them. Importing Dagster counts by itself, for the functions that do the work stand in modules that import it. What
starts this process may give it the time of its clock, so that Python's own start counts, too.
"""

import json
import sys
import time
from collections import Counter

BEGUN = float(sys.argv[1]) if sys.argv[1:] else time.monotonic()


def main() -> None:
    """Do what `paceline run` does, and print how long each step took."""
    took: dict[str, tuple[float, float]] = {}
    last = (BEGUN, 0.0)

    def lap(step: str) -> None:
        nonlocal last
        now = (time.monotonic(), time.process_time())
        took[step] = (now[0] - last[0], now[1] - last[1])
        last = now

    from connectors import genai_prices
    from connectors.litellm import requests
    from pipelines import dbt
    from pipelines.loading import load_log_feed
    from pipelines.publish import publish
    from pipelines.raw import PRICES
    from pipelines.run_context import RunChoices, RunContext, writer
    from pipelines.settings import load_settings, utc_now
    from pipelines.telling import deliver_alerts

    settings = load_settings()
    lap("start-up")
    from pipelines.assets.choices import load_org
    from pipelines.assets.models import prepare_build

    lap("import of Dagster")
    dbt.manifest_path(settings)
    lap("parsing of dbt")
    with writer(settings, "benchmark", lambda said: None):
        run = RunContext.of(settings, "benchmark", RunChoices(), lambda said: None)
        location = settings.environ["LITELLM_LOGS"]
        load = load_log_feed(run.lake, requests, location, run.as_of, utc_now, say=run.say)
        assert load.status == "loaded", load.error
        load_org(run.lake, settings)
        if not run.lake.fs.exists(run.lake.path(PRICES)):
            run.lake.write_rows(genai_prices.prices(), genai_prices.PRICES_SCHEMA, PRICES)
        lap("ingestion")
        days = prepare_build(run, whole=True)
        lap("preparation")
        events: list = []
        dbt.build(settings, [], events.append)
        lap("dbt")
        size = publish(settings.build_file, settings.warehouse_file)
        lap("publish")
        deliver_alerts(settings, run.lake, run.say)
        lap("alerts")
    nodes = finished_nodes(events)
    parts: Counter[str] = Counter()
    for part, _, seconds in nodes:
        parts[part] += seconds
    slowest = sorted(nodes, key=lambda node: -node[2])[:12]
    said = {
        "steps": took, "parts": parts, "slowest": slowest, "nodes": len(nodes), "days_built": days,
        "records": load.records, "quarantined": load.quarantined, "warehouse_bytes": size,
    }  # fmt: skip
    print(json.dumps(said))


def finished_nodes(events: list) -> list[tuple[str, str, float]]:
    """(part, name, seconds) of everything that dbt ran; two at a time, so together more than the wall's seconds."""
    nodes = []
    for event in events:
        if event.info.name != "NodeFinished":
            continue
        info = event.data.node_info
        if info.resource_type != "model":
            part = info.resource_type
        else:
            is_event = info.materialized == "incremental" or info.node_path.startswith("staging/")
            part = "event half" if is_event or info.node_relation.schema == "staging" else "decision half"
        nodes.append((part, info.node_name, round(event.data.run_result.execution_time, 3)))
    return nodes


if __name__ == "__main__":
    main()
