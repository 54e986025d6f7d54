"""Functions for analysts: the SQL of `dbt_project/published_functions/`, in the warehouse or without one."""

import duckdb

from connectors import genai_prices
from pipelines.settings import DBT_PROJECT

FUNCTIONS = DBT_PROJECT / "published_functions"
ARITHMETIC = FUNCTIONS / "_arithmetic.sql"
SEEDS = {
    "intermediate.reference_models": "reference_models",
    "core.gpu_catalog": "gpu_catalog_defaults",
    "core.model_shapes": "model_shape_defaults",
    "core.gpu_throughput": "gpu_throughput_defaults",
}


def create_arithmetic(db: duckdb.DuckDBPyConnection) -> None:
    """Create the scalar functions that models use, too; they rest on nothing."""
    db.execute(ARITHMETIC.read_text())


def create_functions(db: duckdb.DuckDBPyConnection) -> None:
    """Create every function. The tables that they rest on have to be there already."""
    create_arithmetic(db)
    # estimate first, for others rest on it.
    for name in ("estimate", "break_even", "size_self_hosted"):
        db.execute((FUNCTIONS / f"{name}.sql").read_text())


def without_warehouse() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with the functions, list prices and the defaults, for who has no warehouse yet."""
    db = duckdb.connect()
    db.execute("create schema core; create schema intermediate")
    for table, seed in SEEDS.items():
        db.execute(f"create table {table} as from read_csv(?)", [str(DBT_PROJECT / "seeds" / f"{seed}.csv")])
    models = {name for (name,) in db.execute("select model from intermediate.reference_models").fetchall()}
    columns = ", ".join(f"{name} {kind}" for name, kind in genai_prices.PRICES_SCHEMA.items())
    db.execute(f"create table core.list_prices ({columns})")
    marks = ", ".join("?" * len(genai_prices.PRICES_SCHEMA))
    rows = [list(row.values()) for row in genai_prices.prices() if row["price_model"] in models]
    db.executemany(f"insert into core.list_prices values ({marks})", rows)
    create_functions(db)
    return db
