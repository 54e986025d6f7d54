"""What Dagster's users see: names, groups, owners, descriptions, automation."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from pipelines.definitions import build_defs
from pipelines.partitions import daily
from pipelines.schedules import month_to_plan
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
    assert {schedule.name: schedule.default_status for schedule in defs.schedules} == {
        "daily_at_five": dg.DefaultScheduleStatus.RUNNING,
        "monthly_replan_at_seven": dg.DefaultScheduleStatus.RUNNING,
    }
    assert [sensor.default_status for sensor in defs.sensors] == [dg.DefaultSensorStatus.RUNNING]


def test_the_examples_end_on_their_last_day_in_the_ui_too(settings):
    days = daily(settings).get_partition_keys()

    assert days[-1] == "2026-11-22"
    assert len(days) == 91


def test_the_schedule_runs_for_the_last_completed_day(defs, settings):
    [schedule, _] = defs.schedules
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance,
            scheduled_execution_time=datetime(2026, 11, 23, 5, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        )
        request = schedule.evaluate_tick(context).run_requests[0]

    assert request.partition_key == "2026-11-22"


def test_a_plan_is_drafted_three_working_days_before_the_month_ends_and_final_on_the_first_of_the_next():
    # November 2026 begins on a Sunday and ends on a Monday; 26 and 27 November are holidays here.
    holidays = {date(2026, 11, 2), date(2026, 11, 26), date(2026, 11, 27)}
    planned = {day: month_to_plan(date(2026, 11, day), holidays) for day in range(1, 31)}

    assert {day: month for day, month in planned.items() if month} == {3: date(2026, 11, 1), 24: date(2026, 12, 1)}
    # Without holidays: Monday the 2nd, and Thursday the 26th, Friday and Monday being left.
    assert month_to_plan(date(2026, 11, 2), set()) == date(2026, 11, 1)
    assert month_to_plan(date(2026, 11, 26), set()) == date(2026, 12, 1)


def test_the_monthly_job_issues_a_plan_and_the_daily_one_does_not(defs):
    issued = dg.AssetKey(["published", "issued_plan"])

    assert issued in defs.resolve_job_def("monthly_replan").asset_layer.executable_asset_keys
    assert issued not in defs.resolve_job_def("daily").asset_layer.executable_asset_keys


def test_a_source_that_is_not_configured_has_no_asset(tmp_path, monkeypatch):
    from connectors import litellm
    from pipelines.assets import feeds

    monkeypatch.setattr(feeds, "discover", lambda: (litellm.source,))
    settings = load_settings(PACELINE_DATA_DIR=tmp_path)
    monkeypatch.setattr(type(settings), "environ", {})

    assert feeds.feed_assets(settings, daily(settings)) == []
