"""Functions for analysts: the SQL of `dbt_project/published_functions/`, in the warehouse or without one."""

import duckdb

from connectors import genai_prices
from pipelines.settings import DBT_PROJECT

FUNCTIONS = DBT_PROJECT / "published_functions"


def create_functions(db: duckdb.DuckDBPyConnection) -> None:
    """Create every function. What they rest on has to be there already."""
    for file in sorted(FUNCTIONS.glob("*.sql")):
        db.execute(file.read_text())


def list_prices_only() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with the prices of the reference models and `estimate`, for who has no warehouse yet."""
    db = duckdb.connect()
    db.execute("create schema core; create schema intermediate")
    seed = str(DBT_PROJECT / "seeds" / "reference_models.csv")
    db.execute("create table intermediate.reference_models as from read_csv(?)", [seed])
    models = {name for (name,) in db.execute("select model from intermediate.reference_models").fetchall()}
    columns = ", ".join(f"{name} {kind}" for name, kind in genai_prices.PRICES_SCHEMA.items())
    db.execute(f"create table core.list_prices ({columns})")
    marks = ", ".join("?" * len(genai_prices.PRICES_SCHEMA))
    rows = [list(row.values()) for row in genai_prices.prices() if row["price_model"] in models]
    db.executemany(f"insert into core.list_prices values ({marks})", rows)
    db.execute((FUNCTIONS / "estimate.sql").read_text())
    return db
