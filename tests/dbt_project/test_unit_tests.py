"""dbt's unit tests: the arithmetic of every model, worked by hand in the model's yml."""

from pipelines import dbt
from pipelines.settings import load_settings


def test_the_arithmetic_of_every_model_is_as_worked_by_hand(example):
    settings = load_settings(PACELINE_DATA_DIR=example)

    result = dbt.invoke(settings, ["test", "--select", "test_type:unit"])

    assert len(result.result.results) > 0
