"""A day of a large company through the whole run: peak memory, wall time, progress, and nothing lost.

`python -m benchmarks.load [calls] [developers]`: 10 M calls of 10,000 developers in LiteLLM's records, trimmed to what
is read (1.5 kB, benchmarks/generate.py), beside the stand-ins of nine other sources, one of which takes its time to
answer. All of it is deleted afterwards.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from benchmarks.generate import write_logs, write_org
from benchmarks.measure import resident_bytes
from tests.other_bills import set_cloud_credentials
from tests.providers import Providers

DAY = date(2026, 11, 22)
DEFAULT = (10_000_000, 10_000)  # calls, developers
BOUND_BYTES = 4 * 1024**3  # of the whole process, in which DuckDB may take 2 GB for the lake and then 2 GB for dbt
SLOW = "/openrouter/activity"
SLOW_SECONDS = 30


class SlowProviders(Providers):
    """The stand-ins, one of which answers late."""

    def answer(self, path: str, query: dict) -> dict | None:
        if path == SLOW:
            time.sleep(SLOW_SECONDS)
        return super().answer(path, query)


def main() -> None:
    """Make up the day, run it, print what it took."""
    calls, developers = (int(each) for each in (*sys.argv[1:], *DEFAULT[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as monkeypatch:
        folder, providers = Path(root), SlowProviders()
        set_cloud_credentials(monkeypatch, folder, providers.address)
        written = write_logs(folder / "logs", calls, [DAY], developers, shape="slim")
        write_org(folder / "org", developers)
        print(
            f"{calls:,} records, {developers:,} developers, {written.bytes / 1e9:.1f} GB, DuckDB {duckdb.__version__}",
            flush=True,
        )
        variables = providers.environ | providers.other_environ
        variables |= {
            "LITELLM_LOGS": str(folder / "logs"), "PACELINE_DATA_DIR": str(folder / "data"),
            "PACELINE_ORG_DIR": str(folder / "org"), "PACELINE_AS_OF": str(DAY),
        }  # fmt: skip
        command = [str(Path(sys.executable).with_name("paceline")), "run", "--no-alerts"]
        started, peak, silence, last = time.monotonic(), 0, 0.0, time.monotonic()
        with subprocess.Popen(
            command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as run:
            heard: list[tuple[float, str]] = []
            threading.Thread(
                target=lambda: [heard.append((time.monotonic(), line.rstrip())) for line in run.stdout], daemon=True
            ).start()
            shown = 0
            while run.poll() is None:
                peak = max(peak, resident_bytes(run.pid))
                for at, line in heard[shown:]:
                    print(f"{at - started:8.1f} s  {peak / 1e9:5.2f} GB  {line}", flush=True)
                    silence, last, shown = max(silence, at - last), at, shown + 1
                time.sleep(0.2)
            time.sleep(0.5)
            for at, line in heard[shown:]:
                print(f"{at - started:8.1f} s  {peak / 1e9:5.2f} GB  {line}", flush=True)
        providers.stop()
        took = time.monotonic() - started
        with duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True) as db:
            ((counted, people),) = db.execute(
                "select sum(requests + failed_requests + cache_hit_requests)::bigint, count(distinct developer_id) "
                "from core.fct_usage_daily where route = 'gateway'"
            ).fetchall()
            loads = db.execute(
                "select feed, status, started_at, finished_at from ops.loads order by started_at"
            ).fetchall()
        begin = min(at for *_, at, _ in loads)
        for feed, status, *times in loads:
            first, last = ((at - begin).total_seconds() for at in times)
            print(f"  {feed:<32}{status:<12}{first:8.1f} s to {last:8.1f} s")
        print(f"calls in {written.calls:,}, counted {counted:,}, of {people:,} people; {took:.0f} s")
        print(f"peak {peak / 1e9:.2f} GB, longest silence {silence:.0f} s")
        assert counted == written.calls
        assert peak <= BOUND_BYTES


if __name__ == "__main__":
    main()
