"""Runs of the `paceline` command in processes of their own, and what they published."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import duckdb

from pipelines.dbt import manifest_path, target_path
from pipelines.settings import load_settings

PACELINE = Path(sys.executable).with_name("paceline")
PARSED_BYTES = 50 * 1024**2  # a disk that is small is meant to be met by the run
NEUTRAL = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH")  # variables that configure no source


@cache
def parsed_project() -> tempfile.TemporaryDirectory:
    """What dbt keeps of the project when it has parsed it, the same in every data directory; made once per worker."""
    folder = tempfile.TemporaryDirectory(prefix="paceline-parsed-")
    manifest_path(load_settings(PACELINE_DATA_DIR=folder.name))
    return folder


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """An environment that configures nothing but what the test says."""
    clean = {name: os.environ[name] for name in NEUTRAL if name in os.environ}
    return clean | {"PACELINE_DATA_DIR": str(data_dir)} | variables


def paceline(data_dir: Path, *args: str, **variables: str) -> subprocess.CompletedProcess:
    """Run the command; no test waits for ever, nor for dbt to parse the project."""
    target = target_path(load_settings(PACELINE_DATA_DIR=data_dir))
    if args[0] in ("run", "replan") and not target.exists() and shutil.disk_usage(data_dir).free > PARSED_BYTES:
        shutil.copytree(target_path(load_settings(PACELINE_DATA_DIR=parsed_project().name)), target)
    env = environment(data_dir, **variables)
    return subprocess.run([PACELINE, *args], env=env, cwd=data_dir, capture_output=True, text=True, timeout=300)


def rows(data_dir: Path, sql: str) -> list[tuple]:
    """What the published warehouse answers."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as db:
        return db.execute(sql).fetchall()


def content(data_dir: Path, but_for: Sequence[str] = ()) -> dict[str, list[tuple]]:
    """Every row of every published table, but for the times at which the pipeline worked and for some columns."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as db:
        tables = db.execute(
            """
            select schema_name || '.' || table_name, list(column_name order by column_index) from duckdb_columns()
            where not internal and schema_name not in ('main', 'ops') and table_name in (
                select table_name from duckdb_tables())
            group by 1 order by 1"""
        ).fetchall()
        return {
            table: sorted(
                db.execute(f"select {', '.join(c for c in columns if c not in but_for)} from {table}").fetchall(),
                key=repr,
            )
            for table, columns in tables
        }
