"""What tests of several rooms share."""

import gc
from pathlib import Path

import pytest

from pipelines.lake import Lake
from tests.hostile import Hostile, hostile_run
from tests.pages import chromium_path
from tests.runs import paceline


def pytest_unconfigure():
    """Silence: Hypothesis leaves a callback behind for which DuckDB's binding reports leaks, 40 lines, at the end."""
    gc.callbacks.clear()


def pytest_addoption(parser):
    """`--long`: as many tries as the documents speak of (`make torture`), not the few of every change."""
    parser.addoption("--long", action="store_true")


@pytest.fixture(scope="session")
def is_long(request) -> bool:
    """Whether there is time."""
    return request.config.getoption("--long")


@pytest.fixture
def lake(tmp_path) -> Lake:
    """An empty lake in a folder."""
    return Lake(str(tmp_path / "lake"), tmp_path / "scratch")


@pytest.fixture
def logs(tmp_path):
    """An empty folder of logs."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def example(tmp_path_factory) -> Path:
    """A data directory after one run on the example company; `first_run.txt` is what that run printed."""
    data_dir = tmp_path_factory.mktemp("example")
    done = paceline(data_dir, "run")
    assert done.returncode == 0, done.stderr
    (data_dir / "first_run.txt").write_text(done.stdout + done.stderr)
    return data_dir


@pytest.fixture(scope="session")
def hostile(tmp_path_factory) -> Hostile:
    """A run on a company whose names are attacks and whose providers repeat their keys; see tests/hostile.py."""
    run = hostile_run(tmp_path_factory.mktemp("hostile"))
    yield run
    run.slack.stop()


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window, driven by Playwright. Of a module: its event loop is in the way of others."""
    from playwright.sync_api import sync_playwright

    found = chromium_path()
    if found is None:
        pytest.skip("no Chromium on this machine, so pages are not looked at; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found)
        yield chromium
        chromium.close()
