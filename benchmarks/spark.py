"""The event half on a Spark cluster of this machine against DuckDB: the same rows, and at which price.

`python -m benchmarks.spark [calls] [days]` (`make spark`). The calls are those of the example company, as often as it
takes, under new ids. Both engines read the same lake; Spark's master and two workers start and stop within the time.
"""

import os
import resource
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks import spark_cluster
from connectors import genai_prices, litellm
from pipelines import dbt
from pipelines.cluster import DAILY, build_on_cluster
from pipelines.functions import create_arithmetic
from pipelines.kept import KEPT, kept_path
from pipelines.lake import Lake
from pipelines.loading import load_log_feed
from pipelines.raw import PRICES, create_raw, days_to_build, write_model_names
from pipelines.settings import EXAMPLES, Settings, load_settings, utc_now

FIRST = date(2026, 11, 1)
MIB = 2**20


def fill(lake: Lake, calls: int, days: int) -> None:
    """Put so many calls into the lake, the same number each day."""
    feed = litellm.requests
    load_log_feed(lake, feed, str(EXAMPLES / "gateway"), FIRST, utc_now, say=lambda text: None)
    examples = [lake.path(path) for path in lake.files(f"raw/{feed.table}") if "/day=" in path]
    with lake.workspace() as scratch, lake.connect() as db:
        columns = ", ".join(feed.schema)
        db.execute(f"create temp table example as select {columns} from read_parquet($files)", {"files": examples})
        for path in lake.files(f"raw/{feed.table}"):
            lake.remove(path)
        known = db.execute("select count(*) from example").fetchall()[0][0]
        for number in range(days):
            day = FIRST + timedelta(days=number)
            moved = f"date '{day}' + (started_at - date_trunc('day', started_at))"
            again = f"""
                select * replace (
                    md5(concat(id, number)) as id, md5(concat(trace_id, number)) as trace_id,
                    {moved} as started_at, {moved} + (ended_at - started_at) as ended_at)
                from example, range({-(-calls // days // known)}) as times (number) limit {calls // days}"""
            local = scratch / "day.parquet"
            db.execute(f"copy ({again}) to '{local}' (format parquet, compression zstd)")
            lake.put(db, local, f"raw/{feed.table}/day={day}/from_example.parquet")
    lake.write_rows(genai_prices.prices(), genai_prices.PRICES_SCHEMA, PRICES)


def build_on_duckdb(settings: Settings, lake: Lake) -> None:
    """The same models, by dbt in this process."""
    days = days_to_build(lake, settings, {})
    write_model_names(lake, days)
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.build_file)) as db:
        create_raw(db, lake, settings, days, FIRST, FIRST, datetime.now(UTC))
        create_arithmetic(db)
    select = [argument for model in DAILY for argument in ("--select", f"+{model}")]
    dbt.build(settings, ["--exclude-resource-type", "test", *select])


def differences(settings: Settings, lake: Lake) -> dict[str, tuple[int, int]]:
    """Table -> rows on DuckDB, and rows that only one of the engines has."""
    found = {}
    with duckdb.connect(str(settings.build_file)) as db:
        for table, schema in KEPT.items():
            columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in schema.items())
            ours = f"select {columns} from intermediate.int_{table}"
            files = [lake.path(path) for path in lake.files(f"raw/kept__{table}")]
            theirs = f"from ({ours}) where false"
            if files:
                theirs = f"select {columns} from read_parquet({files}, hive_partitioning = false)"
            found[table] = db.execute(f"""
                select (select count(*) from ({ours})),
                    (select count(*) from ({ours} except all {theirs}))
                    + (select count(*) from ({theirs} except all {ours}))""").fetchall()[0]
    return found


@contextmanager
def measured(what: str):
    """Print wall and CPU seconds, those of child processes included."""
    wall, cpu = time.monotonic(), _cpu_seconds()
    yield
    print(f"{what:<44} {time.monotonic() - wall:7.1f} s wall  {_cpu_seconds() - cpu:7.1f} s CPU", flush=True)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(calls: int = 1_000_000, days: int = 7) -> int:
    """Measure and compare; 1 when the rows differ."""
    if missing := spark_cluster.missing():
        print(missing)
        return 0
    with tempfile.TemporaryDirectory(prefix="paceline-spark-") as root:
        folder = Path(root)
        settings = load_settings(PACELINE_DATA_DIR=folder / "data")
        lake = Lake(settings.lake, folder / "scratch")
        fill(lake, calls, days)
        stamps = lake.files(f"raw/{litellm.requests.table}").values()
        size = sum(int(stamp.split("|")[0]) for stamp in stamps)
        print(f"{calls:,} calls on {days} days, {size / MIB:,.0f} MiB in the lake", flush=True)
        dbt.manifest_path(settings)
        with measured("DuckDB, event half by dbt"):
            build_on_duckdb(settings, lake)
        with measured("Spark, with the start of its cluster"), spark_cluster.cluster(folder) as master:
            os.environ.update(spark_cluster.environment(master))
            with measured("Spark, event half by dbt"):
                print(build_on_cluster(load_settings(PACELINE_DATA_DIR=folder / "data")))
        found = differences(settings, lake)
        for table, (rows, differ) in found.items():
            print(f"{table:<20} {rows:9,} rows, {differ} differ")
        of_a_day = [Path(lake.path(kept_path(table, FIRST))) for table in KEPT]
        size = sum(path.stat().st_size for path in of_a_day if path.exists())
        print(f"daily rows of one day in the lake: {size / 1024:,.0f} KiB")
        return int(any(differ for _, differ in found.values()))


if __name__ == "__main__":
    sys.exit(main(*(int(argument.replace("_", "")) for argument in sys.argv[1:])))
