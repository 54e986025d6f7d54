"""What `make bench` measures, as ratios within one run, for seconds differ from machine to machine.

1. JSON to lake, with all rules, against DuckDB's bare scan of the same files.
2. `paceline run` on a day with nothing new: wall time of the one process.
"""

import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from connectors.litellm import requests
from pipelines.lake import Lake
from pipelines.loading import load_log_feed
from pipelines.settings import EXAMPLES, load_settings

FILES = 40
RECORDS = 40_000
# A full LiteLLM record has 13.4 kB on average; the examples dropped what is never read. This stands in for it: the
# price map that LiteLLM repeats in every record, most of it null.
UNREAD = {f"input_cost_per_token_above_{n}k_tokens_priority": None for n in range(190)}


def main() -> None:
    """Measure and print."""
    duckdb_version = duckdb.__version__
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, DuckDB {duckdb_version}")
    with tempfile.TemporaryDirectory() as folder:
        reading(Path(folder))
        quiet_day(Path(folder))


def reading(folder: Path) -> None:
    """JSON to lake against the bare scan."""
    logs = folder / "logs" / "2026-11-20"
    logs.mkdir(parents=True)
    # A folder holds one local day, here that of a zone five hours behind UTC: two UTC days.
    day_start = datetime(2026, 11, 20, 5, tzinfo=UTC).timestamp()
    records = [
        json.loads(line) for path in EXAMPLES.rglob("*.gz") for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    for number in range(FILES):
        with (logs / f"batch_{number:02}.jsonl").open("w") as out:
            for n in range(number, RECORDS, FILES):
                record = records[n % len(records)]
                started = day_start + record["startTime"] % 86_400
                record |= {
                    "id": f"bench-{n}",
                    "startTime": started,
                    "endTime": started + record["endTime"] - record["startTime"],
                    "model_map_information": UNREAD,
                }
                out.write(json.dumps(record) + "\n")
    paths = [str(path) for path in logs.iterdir()]
    size = sum(map(os.path.getsize, paths))

    def bare() -> None:
        with duckdb.connect() as db:
            db.execute(
                "select count(*) from read_json("
                "$f, columns = {id: 'VARCHAR'}, format = 'newline_delimited', records = true)",
                {"f": paths},
            ).fetchall()

    def to_lake() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as root:
            lake = Lake(f"{root}/lake", Path(root, "tmp"))
            load = load_log_feed(
                lake, requests, str(logs.parent), load_settings().as_of, lambda: datetime.now(UTC), say=lambda _: None
            )
            assert (load.records, load.quarantined) == (RECORDS, 0), load

    scan, load = best(bare, 5), best(to_lake, 3)
    print(f"reading {RECORDS:,} records, {size / 1e6:,.0f} MB, {size / RECORDS / 1e3:.1f} kB each, in {FILES} files:")
    print(f"  DuckDB's bare scan   {scan:6.2f} s   {size / scan / 1e6:8,.0f} MB/s")
    print(f"  JSON to lake         {load:6.2f} s   {size / load / 1e6:8,.0f} MB/s   {load / scan:.1f} x the bare scan")


def quiet_day(folder: Path) -> None:
    """`paceline run` with nothing new."""
    env = os.environ | {"PACELINE_DATA_DIR": str(folder / "data")}
    command = [str(Path(sys.executable).with_name("paceline")), "run"]

    def run() -> None:
        subprocess.run(command, env=env, check=True, capture_output=True)

    first = best(run, 1)
    print(f"paceline run, first time on the example company: {first:.1f} s")
    print(f"paceline run, with nothing new: {best(run, 3):.1f} s")


def best(work: Callable[[], None], times: int) -> float:
    """Seconds of the fastest of several tries."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


if __name__ == "__main__":
    main()
