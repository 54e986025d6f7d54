"""What Dagster shows of the tables that people look at, over rows made by hand."""

import base64
import re
from xml.etree import ElementTree

import duckdb
import pytest

from pipelines.assets.looks import looks
from pipelines.assets.models import what_is_shown
from pipelines.run_context import RunChoices, RunContext
from pipelines.settings import load_settings


@pytest.fixture
def db():
    with duckdb.connect() as db:
        db.execute("create schema plan; create schema core")
        yield db


def shapes(metadata, tag: str) -> list[ElementTree.Element]:
    """Elements of a plot."""
    svg = base64.b64decode(re.search(r"base64,([^)]+)\)", metadata.value)[1])
    return ElementTree.fromstring(svg).findall(f"{{http://www.w3.org/2000/svg}}{tag}")


def rows_of(table) -> list[dict]:
    return [dict(record.data) for record in table.records]


def test_caps_are_shown_as_a_table_a_plot_and_two_counts(db):
    db.execute(
        """
        create table plan.cap_utilization as from (values
            ('developer', 'dev-1', 1.295, 1.5, 1.58, 2.02, 1295, 1000, null::int, 1.0, date '2026-11-11', 'over'),
            ('team', '<b>&' || chr(27), 0.789, 0.9, 1.0, 1.1, 789, 1000, null, 0.53, null, 'near'),
            ('org', 'org', null, null, null, null, 2084, null, null, null, null, 'no_cap')
        ) as t (scope, scope_id, used_ratio, projected_ratio_p10, projected_ratio_p50, projected_ratio_p90, used_tokens,
            cap_tokens, cap_usd, probability_over, crosses_cap_on, status)
        cross join (select date '2026-11-22' as as_of_date, date '2026-11-01' as month)"""
    )

    shown = looks(db, "plan/cap_utilization")

    assert (shown["scopes_over"], shown["scopes_near"], shown["data_through"]) == (1, 1, "2026-11-22")
    team, developer = rows_of(shown["caps"])
    assert team["used_ratio"].replace("\N{NO-BREAK SPACE}", " ") == "████████░░ 78 %"
    assert developer["used_ratio"].replace("\N{NO-BREAK SPACE}", " ") == "██████████▶ 129 %"
    assert (developer["month_end_ratio"], developer["crosses_cap_on"]) == ("158 %", "2026-11-11")
    # A bar of 1.295 is 1.295 / 0.789 as long as one of 0.789; the card comes first.
    widths = [float(one.get("width")) for one in shapes(shown["caps_plot"], "rect")[1:]]
    assert widths[1] / widths[0] == pytest.approx(1.295 / 0.789, rel=0.01)
    assert "team <b>&\\x1b" in [one.text for one in shapes(shown["caps_plot"], "text")]


def test_coverage_is_what_the_gateway_saw_of_what_is_billed(db):
    db.execute(
        """
        create table core.fct_reconciliation_daily as from (values
            (date '2026-11-20', 90, 100, 9.0, 10.0, 'bypass'),
            (date '2026-11-20', 60, 100, 6.0, 10.0, 'none'),
            (date '2026-11-21', 50, 0, 5.0, null, 'timing')
        ) as t (utc_date, observed_tokens, billed_tokens, observed_usd, billed_usd, cause)"""
    )

    shown = looks(db, "core/fct_reconciliation_daily")

    assert shown["coverage_ratio_30_days"] == 0.75
    newest, day = rows_of(shown["coverage"])
    assert (newest["utc_date"], newest["coverage_ratio"]) == ("2026-11-21", "")
    assert day["coverage_ratio"].endswith("75\N{NO-BREAK SPACE}%")
    assert (day["causes"], day["billed_usd"]) == ("bypass, none", "20.00")


def test_the_error_of_the_forecast_is_shown_beside_the_straight_lines(db):
    db.execute(
        """
        create table plan.forecast_accuracy as select 'team' as scope, 15 as day_of_month, 12 as forecasts,
            0.195 as wape_ratio, 0.229 as run_rate_wape_ratio, 0.8 as inside_range_ratio"""
    )

    shown = looks(db, "plan/forecast_accuracy")

    assert float(shown["error_ratio_team_day_15"]) == 0.195
    assert rows_of(shown["accuracy"])[0]["run_rate_wape_ratio"] == "22 %"


@pytest.mark.parametrize(
    ("key", "create", "label", "words"),
    [
        (
            "core/fct_reconciliation_daily",
            "(utc_date date, observed_tokens int, billed_tokens int, observed_usd int, billed_usd int, cause text)",
            "coverage",
            "set a provider's key",
        ),
        (
            "plan/forecast_accuracy",
            "(scope text, day_of_month int, forecasts int, wape_ratio double, run_rate_wape_ratio double, "
            "inside_range_ratio double)",
            "accuracy",
            "twelve weeks",
        ),
    ],
)
def test_where_nothing_is_to_be_shown_it_says_what_is_missing(db, key, create, label, words):
    db.execute(f"create table {key.replace('/', '.')} {create}")

    assert words in looks(db, key)[label]


def test_a_forecast_that_cannot_be_judged_is_left_out(db):
    db.execute(
        """
        create table plan.forecast_accuracy as from (values
            ('org', 15, 1, null, null, null), ('team', 15, 12, 0.195, null, 0.8)
        ) as t (scope, day_of_month, forecasts, wape_ratio, run_rate_wape_ratio, inside_range_ratio)"""
    )

    shown = looks(db, "plan/forecast_accuracy")

    assert [row["scope"] for row in rows_of(shown["accuracy"])] == ["team"]
    assert "error_ratio_org_day_15" not in shown


def test_a_look_that_fails_says_so_and_fails_nothing_else(db):
    assert looks(db, "plan/cap_utilization")["not_shown"].startswith("CatalogException")


def test_a_build_file_that_cannot_be_looked_at_hides_no_error_of_the_build(tmp_path):
    settings = load_settings(PACELINE_DATA_DIR=tmp_path)
    settings.build_file.parent.mkdir()
    settings.build_file.write_text("broken")
    said: list[str] = []

    assert what_is_shown(RunContext.of(settings, "run-1", RunChoices(), said.append)) == {}
    assert said[0].startswith("what was built cannot be shown: IOException")


def test_other_tables_have_no_look(db):
    assert looks(db, "core/dim_teams") == {}
