import duckdb
import pytest

from connectors import _logs


@pytest.fixture(scope="session")
def db():
    """One DuckDB for all tests that only read logs."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        yield connection


@pytest.fixture(params=["whole files", "line by line"])
def lane(request, monkeypatch):
    """Run a test in both lanes: small files would only ever meet the slow one."""
    if request.param == "whole files":
        monkeypatch.setattr(_logs, "SMALL_FILE_BYTES", 0)
