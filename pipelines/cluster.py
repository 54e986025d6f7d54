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
from pipelines.lake import Lake, quoted
from pipelines.raw import (
    MODEL_NAMES,
    PRICES,
    DaysToBuild,
    log_feeds,
    tables_of,
    write_model_names,
)
from pipelines.retention import keep_rows
from pipelines.settings import ROOT, Settings, load_settings

DAILY = [f"int_{table}" for table in KEPT]

# How Spark has to count; everything else (memory, shuffle partitions ...) is the cluster's own spark-defaults.conf.
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    # As DuckDB: a product that does not fit is an error, never fewer digits.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.cteRecursionLevelLimit": "-1",
    "spark.sql.cteRecursionRowLimit": "-1",
    "spark.ui.showConsoleProgress": "false",
}
TYPES = {"VARCHAR": "string", "VARCHAR[]": "array<string>", "TIMESTAMP": "timestamp_ntz"}

# What models call by DuckDB's name and Spark has under another one.
FUNCTIONS = {
    "starts_with(whole string, start string) returns boolean": "startswith(whole, start)",
    "list_value(one string) returns array<string>": "array(one)",
    "list_has_any(one array<string>, other array<string>) returns boolean": "arrays_overlap(one, other)",
    "string_split(whole string, separator string) returns array<string>": "split(whole, separator)",
    "epoch_us(at timestamp_ntz) returns bigint": "unix_micros(cast(at as timestamp))",
    "to_microseconds(n bigint) returns interval day to second": (
        "make_dt_interval(0, 0, 0, cast(n as decimal(18, 6)) * 0.000001)"
    ),
}


class ClusterFailed(Exception):
    """The cluster did not build the days. Those that were built before stay as they are."""


def build_on_cluster(settings: Settings) -> str:
    """Bring the lake's daily rows up to date, in a process with pyspark; says what was built. Raises ClusterFailed."""
    python = os.environ.get("PACELINE_SPARK_PYTHON") or str(ROOT / ".venv-spark" / "bin" / "python")
    if not os.access(python, os.X_OK):
        raise ClusterFailed(
            f"PACELINE_SPARK_MASTER is set, and there is no {python}. Retrying does not help: install Spark "
            "(make spark), or say where its Python is (PACELINE_SPARK_PYTHON)."
        )
    variables = {"PACELINE_DATA_DIR": str(settings.data_dir), "PACELINE_SPARK_MASTER": settings.spark_master or ""}
    done = subprocess.run(
        [python, "-m", "pipelines.cluster"], env=dict(os.environ) | variables, cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise ClusterFailed(f"Spark ({settings.spark_master}) failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def build(settings: Settings) -> list[date]:
    """Build the days whose calls, prices or rules changed; returns them. Needs pyspark and dbt-spark."""
    lake = Lake(settings.lake, settings.data_dir / "tmp")
    if lake.is_remote:
        raise ClusterFailed(f"PACELINE_LAKE = {settings.lake}: on Spark the lake has to be a folder.")
    days = days_for_cluster(lake, settings)
    if not days.fingerprints:
        return []
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
    settings = load_settings()
    try:
        days = build(settings)
    except (ClusterFailed, dbt.BuildFailed) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(days)} days built on Spark" + (f", {days[0]} to {days[-1]}" if days else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
