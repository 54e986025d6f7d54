"""What Dagster's users see: names, groups, owners, descriptions, automation."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from pipelines.definitions import build_defs
from pipelines.partitions import daily
from pipelines.settings import load_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return load_settings(PACELINE_DATA_DIR=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def defs(settings) -> dg.Definitions:
    return build_defs(settings)


def specs(defs: dg.Definitions) -> list[dg.AssetSpec]:
    """The assets that Paceline makes, without those it only refers to."""
    return [
        spec for spec in defs.resolve_all_asset_specs() if spec.key in defs.resolve_asset_graph().executable_asset_keys
    ]


def test_definitions_load(defs):
    dg.Definitions.validate_loadable(defs)


def test_every_asset_has_a_group_an_owner_and_a_description(defs):
    groups = {"raw", "staging", "intermediate", "core", "plan", "alerts", "ops", "published"}

    for spec in specs(defs):
        assert spec.group_name in groups, spec.key
        assert spec.owners == ["team:data"], spec.key
        assert spec.description, spec.key


def test_the_contract_names_stand_in_the_graph(defs):
    keys = {spec.key.to_user_string() for spec in specs(defs)}

    assert keys >= {
        "raw/litellm__requests",
        "raw/org",
        "core/fct_usage_daily",
        "plan/cap_utilization",
        "alerts/alerts_due",
        "ops/source_freshness",
        "published/warehouse",
    }


def test_the_schedule_and_the_sensor_run_by_themselves(defs):
    assert [schedule.default_status for schedule in defs.schedules] == [dg.DefaultScheduleStatus.RUNNING]
    assert [sensor.default_status for sensor in defs.sensors] == [dg.DefaultSensorStatus.RUNNING]


def test_the_examples_end_on_their_last_day_in_the_ui_too(settings):
    days = daily(settings).get_partition_keys()

    assert days[-1] == "2026-11-22"
    assert len(days) == 91


def test_the_schedule_runs_for_the_last_completed_day(defs, settings):
    [schedule] = defs.schedules
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance,
            scheduled_execution_time=datetime(2026, 11, 23, 5, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        )
        request = schedule.evaluate_tick(context).run_requests[0]

    assert request.partition_key == "2026-11-22"


def test_a_source_that_is_not_configured_has_no_asset(tmp_path, monkeypatch):
    from connectors import litellm
    from pipelines.assets import feeds

    monkeypatch.setattr(feeds, "discover", lambda: (litellm.source,))
    settings = load_settings(PACELINE_DATA_DIR=tmp_path)
    monkeypatch.setattr(type(settings), "environ", {})

    assert feeds.feed_assets(settings, daily(settings)) == []
