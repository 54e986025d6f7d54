"""The daily job of a made-up company in a data directory of its own, with and without Dagster."""

import json
import shutil
import sqlite3
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from benchmarks.measure import Ran, Row, run
from pipelines.dbt import target_path
from pipelines.settings import load_settings
from tests.runs import PACELINE, environment, parsed_project

CALLS = "select sum(requests + failed_requests + cache_hit_requests)::bigint from core.fct_usage_daily"
STARTING = ("start-up", "import of Dagster", "parsing of dbt")
PHASES = {"raw": "ingestion", "models": "dbt", "warehouse": "publish", "alert_deliveries": "alerts"}


@dataclass(frozen=True)
class Job:
    """One daily job: its process, what its steps said of themselves, and the calls that the warehouse counts."""

    ran: Ran
    said: dict
    counted: int

    @property
    def working_seconds(self) -> float:
        """All steps but those that only start the process."""
        return sum(wall for step, (wall, _) in self.said["steps"].items() if step not in STARTING)

    def rows(self, part: str, at: str) -> list[Row]:
        """Each step (wall, CPU), and what dbt did in its own."""
        rows = []
        for step, (wall, cpu) in self.said["steps"].items():
            if step not in STARTING:
                rows += [Row(part, f"step: {step}", at, wall, "s"), Row(part, f"step: {step}, CPU", at, cpu, "s")]
        halves = [Row(part, f"dbt, two at a time: {name}", at, took, "s") for name, took in self.said["parts"].items()]
        slowest = [Row(part, f"slowest: {name}", at, took, "s") for _, name, took in self.said["slowest"][:5]]
        return [*rows, *halves, *slowest, Row(part, "days built", at, self.said["days_built"], "days")]


def daily_job(data_dir: Path, **variables: str) -> Job:
    """Run its steps without Dagster."""
    ready(data_dir)
    env = environment(data_dir, **variables)
    ran = run([sys.executable, "-m", "benchmarks.steps", str(time.monotonic())], env)
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as db:
        ((counted,),) = db.execute(CALLS).fetchall()
    return Job(ran, json.loads(ran.output.splitlines()[-1]), counted)


def paceline_run(data_dir: Path, **variables: str) -> tuple[Ran, dict[str, float]]:
    """`paceline run`, and the seconds of its phases as Dagster's event log tells them."""
    ready(data_dir)
    begun = time.time()
    ran = run([str(PACELINE), "run"], environment(data_dir, **variables))
    return ran, phases(data_dir, begun, begun + ran.seconds)


def phases(data_dir: Path, begun: float, ended: float) -> dict[str, float]:
    """Seconds of a run's phases: before its first step, in steps of each kind, between steps, after the last."""
    log = max((data_dir / "dagster" / "history" / "runs").glob("*-*.db"), key=lambda file: file.stat().st_mtime)
    with sqlite3.connect(f"file:{log}?mode=ro", uri=True) as db:
        events = db.execute(
            "select step_key, dagster_event_type, timestamp from event_logs"
            " where dagster_event_type in ('STEP_START', 'STEP_SUCCESS') order by id"
        ).fetchall()
    took = dict.fromkeys(["start-up", *PHASES.values(), "other steps", "between steps", "end"], 0.0)
    times = [(step, kind, datetime.fromisoformat(at + "+00:00").timestamp()) for step, kind, at in events]
    took["start-up"], took["end"] = times[0][2] - begun, ended - times[-1][2]
    started = {step: at for step, kind, at in times if kind == "STEP_START"}
    for step, kind, at in times:
        if kind == "STEP_SUCCESS":
            name = next((phase for word, phase in PHASES.items() if word in step.split("__")), "other steps")
            took[name] += at - started[step]
    took["between steps"] = ended - begun - sum(took.values())
    return took


def ready(data_dir: Path) -> None:
    """Give a data directory the parsed project, which is the same in all of them."""
    target = target_path(load_settings(PACELINE_DATA_DIR=data_dir))
    if not target.exists():
        shutil.copytree(target_path(load_settings(PACELINE_DATA_DIR=parsed_project().name)), target)
