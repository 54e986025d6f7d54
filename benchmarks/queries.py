"""Ten queries that analysts run, while a run is writing: `python -m benchmarks.queries [developers] [days]`.

The rows are made up in what the event half hands over and modelled by Paceline's own SQL (benchmarks/plan_scale.py).
Meanwhile a daily job of another data directory builds everything anew, time and again, so both cores are busy.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.company import ready
from benchmarks.measure import Row, count, show
from benchmarks.plan_scale import build, prepare
from tests.runs import PACELINE, environment

TIMES = 20
QUERIES = {
    "a developer's days of a month": """
        select usage_date, requests, total_tokens, cost_usd from developer_daily
        where developer_id = 'dev-17' and usage_date >= date '2026-10-01' order by usage_date""",
    "the thirty who used most this month": """
        select developer_id, team_id, total_tokens, cost_usd from developer_monthly
        where month = date '2026-11-01' order by total_tokens desc limit 30""",
    "teams by month": """
        select month, team_id, sum(total_tokens) as tokens, sum(cost_usd) as usd from team_monthly
        group by all order by all""",
    "models by week": """
        select date_trunc('week', usage_date) as week, model, sum(total_tokens) as tokens, sum(cost_usd) as usd
        from model_daily group by all order by all""",
    "who is near the cap": """
        select scope_id, used_ratio, projected_ratio_p50, crosses_cap_on from cap_utilization
        where scope = 'developer' and status != 'ok' order by used_ratio desc limit 100""",
    "a team's share of each model, all history": """
        select month, model, sum(total_tokens) / sum(sum(total_tokens)) over (partition by month) as share
        from (select date_trunc('month', usage_date) as month, model, total_tokens from fct_usage_daily
            where team_id = 'team-7') group by month, model order by all""",
    "the dearest tasks": """
        select task_id, task_type, developers, total_tokens, cost_usd from task_usage
        order by cost_usd desc limit 50""",
    "cost per task type and month": """
        select month, task_type, sum(cost_usd) as usd, sum(total_tokens) as tokens from task_type_monthly
        group by all order by all""",
    "median and p95 of developers per day, 30 days": """
        select usage_date, median(total_tokens), quantile_cont(total_tokens, 0.95) from developer_daily
        where usage_date > date '2026-10-16' group by all order by all""",
    "cache reads per team this quarter": """
        select team_id, sum(cache_read_tokens) / sum(input_tokens) as ratio from developer_daily
        where usage_date >= date '2026-10-01' group by all order by ratio""",
}


def measure(developers: int = 10_000, days: int = 365) -> list[Row]:
    """Half the time and 95 % of the time of each query, over all of its runs."""
    at = f"{count(developers)} people, {days} days"
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Path(folder) / "warehouse.duckdb"
        with duckdb.connect(str(warehouse), config={"threads": 2}) as db:
            db.execute("set enable_progress_bar = false")
            prepare(db, Path(folder), developers, days)
            modelled = sum(took for *_, took in build(db))
        data_dir = Path(folder) / "data"
        ready(data_dir)
        took: dict[str, list[float]] = {name: [] for name in QUERIES}
        busy: list[float] = []
        writer, runs = _writer(data_dir), 0
        for _ in range(TIMES):
            for name, sql in QUERIES.items():
                if writer.poll() is not None:
                    assert writer.returncode == 0, writer.stderr.read()
                    shutil.rmtree(data_dir / "build")
                    writer, runs = _writer(data_dir), runs + 1
                # As an analyst does: open, ask, close.
                start, cpu = time.perf_counter(), time.process_time()
                with duckdb.connect(str(warehouse), read_only=True) as db:
                    db.execute("set enable_progress_bar = false")
                    answer = db.execute(sql).fetchall()
                took[name].append(time.perf_counter() - start)
                busy.append((time.process_time() - cpu) * 1000)
                assert answer, name
        writer.terminate()
        writer.wait()
    every = sorted(seconds * 1000 for one in took.values() for seconds in one)
    rows = [Row("queries", f"p50: {name}", at, statistics.median(one) * 1000, "ms") for name, one in took.items()]
    rows += [Row("queries", f"p95: {name}", at, _p95(one) * 1000, "ms") for name, one in took.items()]
    return [
        Row("queries", "all models from daily rows", at, modelled, "s"),
        *rows,
        Row("queries", "p50 of all", at, statistics.median(every), "ms"),
        Row("queries", "p95 of all", at, _p95(every), "ms", "<= 200"),
        Row("queries", "p95 of all, CPU", at, _p95(busy), "ms"),
        Row("queries", "runs that ended meanwhile", at, runs, ""),
    ]


def _writer(data_dir: Path) -> subprocess.Popen:
    env = environment(data_dir)
    return subprocess.Popen(
        [str(PACELINE), "run", "--no-alerts"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


if __name__ == "__main__":
    show(measure(*(int(each) for each in sys.argv[1:3])))
