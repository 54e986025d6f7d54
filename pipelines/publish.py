"""The published warehouse: a copy of the last good build that everybody may read and nobody writes.

DuckDB lets one process write and then nobody read. So readers get a copy, put in place by rename: who has the old one
open keeps it, who opens next gets the new one.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.functions import create_functions
from pipelines.lake import Lake, beside
from pipelines.parquet import parquet_folder, write_parquet

# They read the lake, which is not the readers' business and may not be reachable for them.
UNPUBLISHED_SCHEMAS = ("raw", "staging", "main_dbt_test__audit")


def publish(build_file: Path, warehouse_file: Path) -> int:
    """Replace the warehouse by the build file's tables, views and macros, then the Parquet files beside it; returns the
    warehouse's size in bytes.
    """
    with duckdb.connect(str(build_file)) as db:
        db.execute("checkpoint")
    with _replacement(warehouse_file, build_file) as db:
        for schema in UNPUBLISHED_SCHEMAS:
            db.execute(f"drop schema if exists {schema} cascade")
        create_functions(db)
    with read_warehouse(warehouse_file) as db:
        write_parquet(db, parquet_folder(warehouse_file))
    return warehouse_file.stat().st_size


def publish_news(warehouse_file: Path, lake: Lake, tables: Mapping[str, Sequence[str]]) -> None:
    """Fill tables of the published warehouse anew from files of the lake, without a new build."""
    with _replacement(warehouse_file, warehouse_file) as db:
        if lake.is_remote:
            db.register_filesystem(lake.fs)
        for table, paths in tables.items():
            schema, name = table.split(".")
            known = "select column_name from duckdb_columns() where schema_name = ? and table_name = ?"
            columns = ", ".join(column for (column,) in db.execute(known, [schema, name]).fetchall())
            if not columns:
                continue  # a warehouse of an earlier version has it after the next run
            read = "read_parquet($files, hive_partitioning = false, union_by_name = true)"
            db.execute(f"delete from {table}")
            db.execute(
                f"insert into {table} by name select {columns} from {read}",
                {"files": [lake.path(path) for path in paths]},
            )
    with read_warehouse(warehouse_file) as db:
        write_parquet(db, parquet_folder(warehouse_file), changed=tables)


@contextmanager
def _replacement(warehouse_file: Path, origin: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the origin to change, which then takes the warehouse's place."""
    with beside(warehouse_file) as draft:
        shutil.copyfile(origin, draft)
        draft.chmod(0o600)
        with duckdb.connect(str(draft)) as db:
            yield db
            db.execute("checkpoint")
        draft.chmod(0o444)  # for everybody whom the data directory lets in
        # A leftover log of an earlier file would be replayed into this one.
        warehouse_file.with_name(f"{warehouse_file.name}.wal").unlink(missing_ok=True)


def read_warehouse(warehouse_file: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published warehouse; close it soon, for it keeps seeing the old file."""
    return duckdb.connect(str(warehouse_file), read_only=True)


def rows_of(db: duckdb.DuckDBPyConnection, sql: str) -> list[dict]:
    """The rows of a query, by column."""
    cursor = db.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
