"""From JSON to the lake and on to every mart, at several scales: `python -m benchmarks.reading [calls ...]`.

The floor is DuckDB's bare scan of the same files (one column), and, more honestly, a scan of the columns that are read.
Up to 1 M calls are whole records (13 kB); above, or where 1 M would be too much for the disk, slim ones.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.company import daily_job
from benchmarks.generate import LAST_DAY, month, write_logs
from benchmarks.measure import Row, count, least, show, size_of
from connectors.litellm import requests
from pipelines.lake import Lake
from pipelines.loading import load_log_feed

FULL_SHAPE_UP_TO = 1_000_000
REPEATED_UP_TO_BYTES = 2 * 10**9  # above, once has to do
LARGEST_FULL = 100_000  # without being asked: 1.3 GB


def measure(scales: Sequence[int], full_up_to: int = LARGEST_FULL) -> list[Row]:
    """Each scale: what was written, read and modelled."""
    rows = []
    for calls in scales:
        for shape in ("full", "slim") if calls <= full_up_to else ("slim",):
            with tempfile.TemporaryDirectory() as folder:
                rows += _at(Path(folder), calls, shape)
    return rows


def _at(folder: Path, calls: int, shape: str) -> list[Row]:
    logs = folder / "logs"
    written = write_logs(logs, calls, month(), shape=shape)
    megabytes, times = written.bytes / 1e6, 3 if written.bytes <= REPEATED_UP_TO_BYTES else 1
    files, at = sorted(str(path) for path in logs.rglob("*.jsonl")), f"{count(calls)} calls, {shape}"

    def row(what: str, value: float, unit: str, aim: str = "") -> Row:
        return Row("reading", what, at, value, unit, aim)

    rows = [
        row("logs written", megabytes, "MB"),
        row("logs written, per second", megabytes / written.seconds, "MB/s", "> 200" if calls >= 10**6 else ""),
    ]
    if calls >= 100_000:
        bare, bare_cpu = least(lambda: bare_scan(files), times)
        declared, declared_cpu = least(lambda: scan_of_what_is_read(files), times)
        load, load_cpu = least(lambda: to_lake(folder, logs, written.records), times)
        rows += [
            row("DuckDB's bare scan", bare, "s"),
            row("scan of the columns that are read", declared, "s"),
            row("JSON to lake, all rules", load, "s"),
            row("JSON to lake, per second", megabytes / load, "MB/s"),
            row("JSON to lake / bare scan", load / bare, "x", "<= 1.5"),
            row("JSON to lake / bare scan, CPU", load_cpu / bare_cpu, "x"),
            row("JSON to lake / scan of the columns that are read", load / declared, "x"),
            row("JSON to lake / scan of the columns that are read, CPU", load_cpu / declared_cpu, "x"),
        ]
    job = daily_job(folder / "data", LITELLM_LOGS=str(logs), PACELINE_AS_OF=str(LAST_DAY))
    assert (job.said["records"], job.said["quarantined"]) == (written.records, 0), job.said
    assert job.counted == written.calls, (job.counted, written.calls)
    largest = calls == 10**7
    rows += [
        row("JSON to all marts, without Python's start", job.working_seconds, "s", "<= 90" if largest else ""),
        row("JSON to all marts, CPU", job.ran.cpu_seconds, "s"),
        row("peak memory", job.ran.peak_bytes / 2**30, "GiB", "<= 4" if largest else ""),
        row("lake on disk", size_of(folder / "data" / "lake") / 1e6, "MB"),
        *job.rows("reading", at),
    ]
    return rows


def bare_scan(files: Sequence[str]) -> None:
    """Parse every line and keep one column."""
    _count(files, "count(*)", {"id": "VARCHAR"})


def scan_of_what_is_read(files: Sequence[str]) -> None:
    """Parse every line and look at every column that the connector declares."""
    _count(files, "count(columns(*))", requests.json_columns)


def _count(files: Sequence[str], counted: str, columns: Mapping[str, str]) -> None:
    declared = ", ".join(f"'{name}': $${kind}$$" for name, kind in columns.items())
    with duckdb.connect() as db:
        db.execute("set enable_progress_bar = false")
        db.execute(
            f"select {counted} from read_json("
            f"$files, columns = {{{declared}}}, format = 'newline_delimited', records = true)",
            {"files": list(files)},
        ).fetchall()


def to_lake(folder: Path, logs: Path, records: int) -> None:
    """Load everything into a new lake."""
    with tempfile.TemporaryDirectory(dir=folder) as root:
        lake = Lake(f"{root}/lake", Path(root, "tmp"))
        load = load_log_feed(lake, requests, str(logs), LAST_DAY, lambda: datetime.now(UTC), say=lambda _: None)
        assert (load.records, load.quarantined) == (records, 0), load


if __name__ == "__main__":
    asked = [int(each) for each in sys.argv[1:]] or [100_000]
    show(measure(asked, full_up_to=FULL_SHAPE_UP_TO))
