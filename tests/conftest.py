"""What tests of several rooms share."""

import pytest

from pipelines.lake import Lake


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
