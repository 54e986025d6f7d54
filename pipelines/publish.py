"""The published warehouse: a copy of the build file that everybody may read and nobody writes.

DuckDB lets one process write and then nobody read. So readers get a copy, put in place by rename: who has the old one
open keeps it, who opens next gets the new one.
"""

import os
import shutil
from pathlib import Path

import duckdb

# They read the lake, which is not the readers' business and may not be reachable for them.
UNPUBLISHED_SCHEMAS = ("raw", "staging", "main_dbt_test__audit")


def publish(build_file: Path, warehouse_file: Path) -> int:
    """Replace the warehouse by the build file's tables, views and macros; returns its size in bytes."""
    with duckdb.connect(str(build_file)) as db:
        db.execute("checkpoint")
    beside = warehouse_file.with_name(f".{warehouse_file.name}.tmp")
    beside.unlink(missing_ok=True)
    shutil.copyfile(build_file, beside)
    with duckdb.connect(str(beside)) as db:
        for schema in UNPUBLISHED_SCHEMAS:
            db.execute(f"drop schema if exists {schema} cascade")
        db.execute("checkpoint")
    beside.with_name(f"{beside.name}.wal").unlink(missing_ok=True)
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    beside.chmod(0o444)
    # A leftover log of an earlier file would be replayed into this one.
    warehouse_file.with_name(f"{warehouse_file.name}.wal").unlink(missing_ok=True)
    os.replace(beside, warehouse_file)
    return warehouse_file.stat().st_size


def read_warehouse(warehouse_file: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published warehouse; close it soon, for it keeps seeing the old file."""
    return duckdb.connect(str(warehouse_file), read_only=True)
