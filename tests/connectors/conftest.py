import duckdb
import pytest

from connectors import _api, _logs
from tests.other_bills import set_cloud_credentials
from tests.providers import Providers


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


@pytest.fixture
def providers(monkeypatch, tmp_path):
    """Stand-ins of the providers, answering at once, and what leads to them."""
    monkeypatch.setattr(_api, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(_api, "MINUTE_SECONDS", 0)
    stand_in = Providers()
    set_cloud_credentials(monkeypatch, tmp_path, stand_in.address)
    yield stand_in
    stand_in.stop()
