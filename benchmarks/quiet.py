"""A day with nothing new on the example company, step by step: `python -m benchmarks.quiet`.

With Dagster (`paceline run`) and without (`benchmarks.steps`), the same functions doing the work.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.company import Job, daily_job, paceline_run
from benchmarks.measure import Ran, Row, show
from pipelines.settings import EXAMPLES

AT = "example company"


def measure(times: int = 3) -> list[Row]:
    """The fastest of several runs of both kinds; the same functions do the work in both."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        first, _ = paceline_run(data_dir)
        runs: list[tuple[Ran, dict[str, float]]] = [paceline_run(data_dir) for _ in range(times)]
        logs, as_of = EXAMPLES / "gateway", (EXAMPLES / "last_day.txt").read_text().strip()
        without = Path(folder) / "without"
        variables = {"LITELLM_LOGS": str(logs), "PACELINE_AS_OF": as_of, "PACELINE_ORG_DIR": str(EXAMPLES / "org")}
        daily_job(without, **variables)
        jobs: list[Job] = [daily_job(without, **variables) for _ in range(times)]
    ran, phases = min(runs, key=lambda run: run[0].cpu_seconds)
    job = min(jobs, key=lambda one: one.ran.cpu_seconds)
    imports = job.said["steps"]["import of Dagster"]
    cpu_without = job.ran.cpu_seconds - imports[1]
    return [
        Row("quiet", "first run", AT, first.seconds, "s"),
        Row("quiet", "nothing new: paceline run", AT, ran.seconds, "s", "<= 12"),
        Row("quiet", "nothing new: paceline run, CPU", AT, ran.cpu_seconds, "s"),
        Row("quiet", "nothing new: peak memory", AT, ran.peak_bytes / 2**30, "GiB"),
        *[Row("quiet", f"of it: {phase}", AT, took, "s") for phase, took in phases.items()],
        Row("quiet", "without Dagster: all steps and start", AT, job.ran.seconds - imports[0], "s"),
        Row("quiet", "without Dagster: all steps and start, CPU", AT, cpu_without, "s"),
        *[Row("quiet", f"without Dagster: {step}, CPU", AT, cpu, "s") for step, (_, cpu) in job.said["steps"].items()],
        Row("quiet", "Dagster's share of the CPU", AT, 1 - cpu_without / ran.cpu_seconds, ""),
    ]


if __name__ == "__main__":
    show(measure(*(int(each) for each in sys.argv[1:2])))
