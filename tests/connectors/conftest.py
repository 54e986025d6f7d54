import duckdb
import pytest


@pytest.fixture(scope="session")
def db():
    """One DuckDB for all tests that only read logs."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        yield connection
