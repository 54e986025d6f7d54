"""What one more day costs after 0, 30, 365 and 730 days of history: `python -m benchmarks.history [days ...]`.

Each day has 2,000 calls or so of 20 developers. The day is the same every time. On the longest history it is then read
again with a record more, everything is rebuilt from the lake, and nothing is new.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from benchmarks.company import Job, daily_job
from benchmarks.generate import write_logs
from benchmarks.measure import Row, show

DAY = date(2026, 11, 13)
CALLS_PER_DAY = 2_000
DEVELOPERS = 20


def measure(histories: Sequence[int]) -> list[Row]:
    """One more day after each history, and the other things after the longest."""
    rows, first = [], None
    for days in sorted(histories):
        with tempfile.TemporaryDirectory() as folder:
            job, more = _after(Path(folder), days, days == max(histories))
            first = first or job
            rows += _rows(job, f"day {days + 1}") + more
            if job is not first:
                at = f"day {days + 1}"
                rows += [
                    Row("history", f"this day / day {min(histories) + 1}: {name}", at, of(job) / of(first), "x", aim)
                    for name, of, aim in (
                        ("all steps", lambda one: one.working_seconds, "<= 1.1"),
                        ("all steps, CPU", lambda one: _cpu(one), "<= 1.1"),
                        ("dbt's event half", lambda one: one.said["parts"]["event half"], "<= 1.1"),
                        ("dbt's decision half", lambda one: one.said["parts"]["decision half"], ""),
                    )
                ]
    return rows


def _after(folder: Path, days: int, is_longest: bool) -> tuple[Job, list[Row]]:
    logs, data_dir = folder / "logs", folder / "data"
    variables = {"LITELLM_LOGS": str(logs), "PACELINE_AS_OF": str(DAY)}
    logs.mkdir()
    if days:
        before = [DAY - timedelta(days=ago) for ago in range(days, 0, -1)]
        write_logs(logs, days * CALLS_PER_DAY, before, DEVELOPERS)
        daily_job(data_dir, LITELLM_LOGS=str(logs), PACELINE_AS_OF=str(before[-1]))
    write_logs(logs, CALLS_PER_DAY, [DAY], DEVELOPERS)
    job = daily_job(data_dir, **variables)
    if not is_longest:
        return job, []
    at, last = f"day {days + 1}", logs / str(DAY) / "batch_00000.jsonl"
    record = last.read_text().splitlines()[0]
    last.with_name("batch_late.jsonl").write_text(record.replace('"id":"msg_', '"id":"msg_late') + "\n")
    again = daily_job(data_dir, **variables)
    assert again.counted == job.counted + 1, (again.counted, job.counted)
    shutil.rmtree(data_dir / "build")
    rebuilt = daily_job(data_dir, **variables)
    assert (rebuilt.counted, rebuilt.said["days_built"]) == (again.counted, days + 1), rebuilt.said
    quiet = daily_job(data_dir, **variables)
    rows = []
    for name, one in (("the day again", again), ("full rebuild", rebuilt), ("nothing new", quiet)):
        rows += [
            Row("history", f"{name}: all steps", at, one.working_seconds, "s"),
            Row("history", f"{name}: all steps, CPU", at, _cpu(one), "s"),
            Row("history", f"{name}: days built", at, one.said["days_built"], "days"),
        ]
    return job, rows


def _rows(job: Job, at: str) -> list[Row]:
    return [
        Row("history", "one more day: all steps", at, job.working_seconds, "s"),
        Row("history", "one more day: all steps, CPU", at, _cpu(job), "s"),
        Row("history", "one more day: peak memory", at, job.ran.peak_bytes / 2**30, "GiB"),
        Row("history", "one more day: warehouse", at, job.said["warehouse_bytes"] / 1e6, "MB"),
        *job.rows("history", at),
    ]


def _cpu(job: Job) -> float:
    return sum(cpu for _, cpu in job.said["steps"].values())


if __name__ == "__main__":
    show(measure([int(each) for each in sys.argv[1:]] or [0, 30]))
