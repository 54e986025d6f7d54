"""The event half on a Spark cluster: python -m pipelines.cluster, or every run where PACELINE_SPARK_MASTER is set.

Spark builds the same models (`dbt build --target spark`) from the same lake, for the days whose inputs changed. What it
makes of a day goes into the lake, where the rows of days without calls are (`pipelines/kept.py`): whole days, one file
per table. From there DuckDB reads it as it reads those, and the decision half goes on.

Spark keeps nothing from run to run. It runs in a process of its own, for pyspark is not among what Paceline installs
(`make spark`); the lake is a folder that all of the cluster's machines see.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import duckdb

from connectors import genai_prices
from pipelines import dbt
from pipelines.cluster_days import days_for_cluster, write_cluster_days
from pipelines.kept import KEPT
from pipelines.lake import Lake, LakeDamaged, quoted
from pipelines.raw import (
    MODEL_NAMES,
    PRICES,
    DaysToBuild,
    damaged_files,
    days_of,
    log_feeds,
    tables_of,
    write_model_names,
)
from pipelines.retention import keep_rows
from pipelines.settings import ROOT, Settings, load_settings
from pipelines.spark_words import FUNCTIONS, SESSION, TYPES

DAILY = [f"int_{table}" for table in KEPT]


class ClusterFailed(Exception):
    """The cluster did not build the days. Those that were built before stay as they are."""


def build_on_cluster(settings: Settings) -> str:
    """Bring the lake's daily rows up to date, in a process with pyspark; says what was built. Raises ClusterFailed."""
    python = settings.spark_python
    if not os.access(python, os.X_OK):
        raise ClusterFailed(
            f"PACELINE_SPARK_MASTER is set, and there is no {python}. Retrying does not help: install Spark "
            "(make spark), or say where its Python is (PACELINE_SPARK_PYTHON)."
        )
    variables = {
        "PACELINE_DATA_DIR": str(settings.data_dir),
        "PACELINE_LAKE": settings.lake,
        "PACELINE_SPARK_MASTER": settings.spark_master or "",
    }
    command = [str(python), "-m", "pipelines.cluster", genai_prices.version()]
    done = subprocess.run(command, env=dict(os.environ) | variables, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ClusterFailed(f"Spark ({settings.spark_master}) failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def build(settings: Settings, prices: str = "") -> list[date]:
    """Build the days whose calls, prices or rules changed; returns them. Needs pyspark and dbt-spark.

    Days that need a damaged file of the lake stay as they were built. `prices` is the version of genai-prices that is
    asked for, empty for the one that is here.
    """
    if prices not in ("", genai_prices.version()):
        raise ClusterFailed(
            f"genai-prices {prices} is asked for, and Spark's environment has {genai_prices.version()}. Retrying does "
            "not help: remove .venv-spark and install Spark again (make spark)."
        )
    lake = Lake(settings.lake, settings.data_dir / "tmp")
    if lake.is_remote:
        raise ClusterFailed(f"PACELINE_LAKE = {settings.lake}: on Spark the lake has to be a folder.")
    days = days_for_cluster(lake, settings)
    if damaged := damaged_files(lake, days):
        days = days_for_cluster(lake, settings, but_for=days_of(damaged))
    if not days.fingerprints:
        return []
    if not lake.fs.exists(lake.path(PRICES)):
        raise ClusterFailed(
            f"the lake has no {PRICES}, the prices of the genai-prices in Spark's environment. Retrying does not help: "
            "run the daily job; if that does not help, remove .venv-spark and install Spark again (make spark)."
        )
    write_model_names(lake, days)
    scratch = settings.data_dir / "cluster"
    shutil.rmtree(scratch / "tables", ignore_errors=True)
    spark = session(settings.spark_master or "local[*]", str(scratch / "tables"))
    try:
        create_functions(spark)
        create_raw(spark, lake, settings, days)
        select = [argument for model in DAILY for argument in ("--select", f"+{model}")]
        dbt.build_on_spark(settings, scratch / "dbt", select)
        # Killed from here on, they are still a cluster's to build again, and not rows that are kept for good.
        write_cluster_days(lake, dict.fromkeys(days.fingerprints, ""))
        put_rows(lake, scratch / "tables", sorted(days.fingerprints))
    finally:
        spark.stop()
        shutil.rmtree(scratch / "tables", ignore_errors=True)
    write_cluster_days(lake, days.fingerprints)
    return sorted(days.fingerprints)


def session(master: str, tables: str):
    """The Spark session of this process, which dbt finds and uses; its catalog is in memory."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("paceline").master(master)
    for name, value in {**SESSION, "spark.sql.catalogImplementation": "in-memory"}.items():
        builder = builder.config(name, value)
    spark = builder.config("spark.sql.warehouse.dir", tables).getOrCreate()
    spark.sparkContext.setLogLevel("FATAL")  # dbt says which model failed, and why
    return spark


def create_functions(spark) -> None:
    """Give Spark the functions that models call by another name."""
    for signature, body in FUNCTIONS.items():
        spark.sql(f"create function {signature} return {body}")


def create_raw(spark, lake: Lake, settings: Settings, days: DaysToBuild) -> None:
    """Create the `raw` relations of the event half: of calls the days to read only, as partitions."""
    for schema in ("raw", "staging", "intermediate"):
        spark.sql(f"create schema {schema}")
    to_read = {str(day) for day in days.to_read}
    for feed in log_feeds():
        columns = {name: kind for name, kind in feed.schema.items() if name != "day"}
        spark.sql(
            f"create table raw.{feed.table} ({_columns(columns)}, _table string, day date) using parquet "
            f"partitioned by (_table, day) location {quoted(lake.path(f'raw/{feed.table}'))}"
        )
        folders = [
            (table, folder.removeprefix("day="))
            for table in tables_of(lake, feed)
            for folder in lake.folders(f"raw/{table}")
            if folder.removeprefix("day=") in to_read
        ]
        if folders:
            parts = " ".join(
                f"partition (_table = '{table}', day = date '{day}') "
                f"location {quoted(lake.path(f'raw/{table}/day={day}'))}"
                for table, day in folders
            )
            spark.sql(f"alter table raw.{feed.table} add {parts}")
    for name, schema, path in (
        ("genai_prices__prices", genai_prices.PRICES_SCHEMA, PRICES),
        ("genai_prices__model_names", genai_prices.MODEL_NAMES_SCHEMA, MODEL_NAMES),
    ):
        spark.sql(f"create table raw.{name} ({_columns(schema)}) using parquet location {quoted(lake.path(path))}")
    _view(spark, "paceline__run", "timezone string", [quoted(settings.timezone)])
    _view(
        spark,
        "paceline__days_to_build",
        "utc_date date, is_kept boolean",
        [f"date '{day}', false" for day in sorted(days.fingerprints)],
    )
    _view(spark, "paceline__days_to_link", "utc_date date", [f"date '{day}'" for day in sorted(days.to_link)])


def put_rows(lake: Lake, tables: Path, days: list[date]) -> None:
    """Put what Spark made of the days into the lake, in DuckDB's order and types."""
    with duckdb.connect() as db:
        db.execute("create schema intermediate")
        for table in KEPT:
            files = str(tables / "intermediate.db" / f"int_{table}" / "*.parquet")
            db.execute(f"create view intermediate.int_{table} as select * from read_parquet({quoted(files)})")
        keep_rows(lake, db, days)


def _columns(schema: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {TYPES.get(kind, kind)}" for name, kind in schema.items())


def _view(spark, name: str, columns: str, rows: Iterable[str]) -> None:
    named = [column.split() for column in columns.split(", ")]
    empty = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in named)
    filled = "".join(f" union all select {row}" for row in rows)
    spark.sql(f"create view raw.{name} as select * from (select {empty} where false) as nothing{filled}")


def main() -> int:
    """Build what changed; says which days."""
    try:
        days = build(load_settings(), *sys.argv[1:])
    except (ClusterFailed, dbt.BuildFailed, LakeDamaged) as error:
        print(error, file=sys.stderr)
        return 1
    except Exception as error:  # whatever it is: what started this shows the end of what it said
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{len(days)} days built on Spark" + (f", {days[0]} to {days[-1]}" if days else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
