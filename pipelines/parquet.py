"""The published marts as Parquet files, for tools and DuckDB 1.x clients that cannot read a DuckDB 2.0 file.

`parquet/<schema>/<relation>.parquet` beside the warehouse, and `parquet/descriptions.parquet` with what every relation
and column means, for Parquet has no comments. Each file is replaced whole; that of a relation that is no more goes.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from pipelines.lake import all_beside

SCHEMAS = ("core", "plan", "alerts", "ops")
RELATIONS = f"""
    with relations as (
        select schema_name, table_name, false as is_view from duckdb_tables()
        union all
        select schema_name, view_name, true from duckdb_views()
    )
    select schema_name, table_name, is_view, list(column_name order by column_index),
        list(data_type order by column_index)
    from relations
    inner join duckdb_columns() using (schema_name, table_name)
    where schema_name in {SCHEMAS}
    group by all order by all"""
DESCRIPTIONS = f"""
    select schema_name || '.' || table_name as relation, column_name, data_type, comment as description
    from (
        select schema_name, table_name, 0 as column_index, null as column_name, null as data_type, comment
        from duckdb_tables()
        union all
        select schema_name, view_name, 0, null, null, comment from duckdb_views()
        union all
        select schema_name, table_name, column_index, column_name, data_type, comment from duckdb_columns()
    )
    where schema_name in {SCHEMAS}
    order by relation, column_index"""


def parquet_folder(warehouse_file: Path) -> Path:
    """Where the files of a warehouse stand."""
    return warehouse_file.with_name("parquet")


def write_parquet(db: duckdb.DuckDBPyConnection, folder: Path, changed: Collection[str] | None = None) -> None:
    """Write every mart of a warehouse to its file; or the tables that changed, and all views, for they rest on them."""
    for one in (folder, *(folder / schema for schema in SCHEMAS)):
        if not one.exists():
            one.mkdir()
            one.chmod(0o755)  # for everybody whom the data directory lets in, as the warehouse is
    queries = {
        folder / schema / f"{name}.parquet": f'select {_as_parquet(columns, types)} from {schema}."{name}"'
        for schema, name, is_view, columns, types in db.execute(RELATIONS).fetchall()
        if changed is None or is_view or f"{schema}.{name}" in changed
    }
    if changed is None:
        queries[folder / "descriptions.parquet"] = DESCRIPTIONS
    with all_beside(queries) as drafts:
        for query, draft in zip(queries.values(), drafts, strict=True):
            db.execute(f"copy ({query}) to $target (format parquet, compression zstd)", {"target": str(draft)})
            draft.chmod(0o444)
    if changed is None:
        for path in folder.rglob("*"):
            if path not in queries and not path.is_dir():
                path.unlink()


def _as_parquet(columns: Sequence[str], types: Sequence[str]) -> str:
    """The columns, in types that Parquet has: for a HUGEINT DuckDB would write a DOUBLE. A sum beyond 2^63 is NULL."""
    kinds = [kind.replace("HUGEINT", "BIGINT") for kind in types]
    return ", ".join(
        f'"{column}"' if kind == had else f'try_cast("{column}" as {kind}) as "{column}"'
        for column, kind, had in zip(columns, kinds, types, strict=True)
    )
