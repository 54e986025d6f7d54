"""What Dagster's users see: names, groups, owners, descriptions, automation."""

import re
from datetime import UTC, date, datetime

import dagster as dg
import pytest
import yaml

from pipelines.assets.groups import GROUP_OF, NOT_CONFIGURED
from pipelines.assets.outcome import PLAN, outcome_assets
from pipelines.definitions import build_defs
from pipelines.partitions import daily
from pipelines.resources import Deployment
from pipelines.run_context import RunChoices, RunContext
from pipelines.schedules import month_to_plan
from pipelines.settings import ROOT, load_settings


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


def test_every_asset_has_a_group_kinds_an_owner_and_a_description(defs):
    for spec in defs.resolve_all_asset_specs():
        assert spec.group_name in {*GROUP_OF.values(), NOT_CONFIGURED}, spec.key
        assert spec.kinds, spec.key
        assert spec.owners == ["team:data"], spec.key
        assert spec.description, spec.key
        assert "Raw SQL" not in spec.description, spec.key


def test_groups_stand_in_the_order_in_which_data_flow(defs):
    group_of = {spec.key: spec.group_name for spec in defs.resolve_all_asset_specs()}
    backwards = [
        (str(dep.asset_key), str(spec.key))
        for spec in defs.resolve_all_asset_specs()
        for dep in spec.deps
        if group_of[dep.asset_key] > spec.group_name
    ]

    assert backwards == []
    assert sorted(set(group_of.values())) == [NOT_CONFIGURED, *GROUP_OF.values()]


def test_a_source_that_is_not_configured_says_what_it_needs(defs):
    waiting = {spec.key.path[-1]: spec for spec in defs.resolve_all_asset_specs() if spec.group_name == NOT_CONFIGURED}

    assert "needs OPENAI_ADMIN_KEY" in waiting["openai__costs"].description
    assert not {spec.key for spec in waiting.values()} & {spec.key for spec in specs(defs)}


def test_every_check_says_what_to_do_when_it_fails(defs):
    graph = defs.resolve_asset_graph()
    action = r"(?i)\b(must|correct|end one|add|see|run again|says?|find|look)\b"
    said = {key: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}

    assert len(said) > 150
    assert [key for key, words in said.items() if not re.search(action, words)] == []
    assert said[dg.AssetCheckKey(dg.AssetKey(["plan", "cap_utilization"]), "grain")].startswith(
        "One row per month, scope, scope_id; never empty: as_of_date"
    )


def test_what_the_daily_job_makes_is_expected_every_day_and_a_plan_is_not(defs):
    fresh = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs() if spec.freshness_policy}

    made = {spec.key.to_user_string() for spec in specs(defs)}
    assert fresh == made - {"published/issued_plan"}


def test_every_field_of_the_run_config_is_described_and_has_a_default(defs):
    for job in ("daily", "monthly_replan", "deliver_alerts", "retention"):
        fields = defs.resolve_job_def(job).run_config_schema.config_type.fields
        config = fields["resources"].config_type.fields["deployment"].config_type.fields["config"].config_type.fields
        assert sorted(config) == ["as_of", "no_alerts", "plan_month", "read_again_from", "read_again_to"]
        for name, field in config.items():
            assert field.description and field.default_provided, (job, name)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (RunChoices(as_of="22 November"), "as_of should be YYYY-MM-DD in the run config, and is '22 November'."),
        (RunChoices(plan_month="2026-13"), "plan_month should be YYYY-MM in the run config"),
        (RunChoices(read_again_to="2026-11-20"), "read_again_to needs read_again_from"),
        (RunChoices(as_of="2999-01-01"), "as_of 2999-01-01 has not begun yet."),
        (
            RunChoices(read_again_from="2026-11-03", read_again_to="2026-11-02"),
            "read_again_from 2026-11-03 is after read_again_to 2026-11-02.",
        ),
        (RunChoices(read_again_from="2026-11-23"), "read_again_from 2026-11-23 is after as_of 2026-11-22."),
        (
            RunChoices(read_again_from="2026-11-03", read_again_to="2026-11-23"),
            "read_again_to 2026-11-23 is after the last day included, 2026-11-22.",
        ),
        (RunChoices(plan_month="2026-10"), "can be written for 2026-11 to 2027-01, not 2026-10"),
        (RunChoices(as_of="2026-10-31", plan_month="2027-01"), "can be written for 2026-10 to 2026-12, not 2027-01"),
    ],
)
def test_a_wrong_date_in_the_run_config_is_named(settings, choices, words):
    with pytest.raises(ValueError, match=words):
        RunContext.of(settings, "run-1", choices, print)


def test_days_of_the_run_config_say_what_is_read_again_and_planned(settings):
    def run(**choices):
        return RunContext.of(settings, "run-1", RunChoices(**choices), print)

    usual, chosen = run(), run(as_of="2026-10-31", read_again_from="2026-10-01", plan_month="2026-12")

    assert (usual.as_of, usual.again, usual.plan_month) == (date(2026, 11, 22), None, date(2026, 12, 1))
    assert chosen.again == (date(2026, 10, 1), date(2026, 10, 31))
    assert (chosen.as_of, chosen.plan_month) == (date(2026, 10, 31), date(2026, 12, 1))


def test_who_materializes_everything_issues_no_plan(tmp_path, monkeypatch):
    monkeypatch.setenv("PACELINE_DATA_DIR", str(tmp_path))  # where nothing is that could be planned
    no_models = dg.AssetsDefinition(specs=[])
    issued = next(asset for asset in outcome_assets(no_models) if asset.key == PLAN)

    done = dg.materialize([issued], instance=dg.DagsterInstance.ephemeral(), resources={"deployment": Deployment()})

    [event] = done.asset_materializations_for_node("published__issued_plan")
    assert event.metadata["issued"].value == "nothing: only the job monthly_replan issues plans"


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


def test_the_page_about_the_ui_shows_its_groups_and_a_run_config_that_the_job_takes(defs):
    page = (ROOT / "docs" / "dagster.md").read_text()
    [example] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [NOT_CONFIGURED, *GROUP_OF.values()]
    assert dg.validate_run_config(defs.resolve_job_def("daily"), yaml.safe_load(example))
    pictures = re.findall(r"\(images/(dagster_\w+\.png)\)", page)
    assert sorted(pictures) == sorted(path.name for path in (ROOT / "docs" / "images").glob("dagster_*.png"))
