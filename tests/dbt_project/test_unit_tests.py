"""dbt's unit tests: the arithmetic of every model, worked by hand in the model's yml."""

import shutil

from pipelines import dbt
from pipelines.settings import load_settings


def test_the_arithmetic_of_every_model_is_as_worked_by_hand(example, tmp_path):
    # On a copy, for dbt keeps this process connected to the build file.
    shutil.copytree(example / "build", tmp_path / "build")

    result = dbt.invoke(load_settings(PACELINE_DATA_DIR=tmp_path), ["test", "--select", "test_type:unit"])

    assert len(result.result.results) > 0
