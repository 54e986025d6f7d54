"""When alerts are told, and that nobody is told of the past."""

from datetime import UTC, date, datetime

import duckdb
import pytest

from pipelines.lake import Lake
from pipelines.settings import load_settings
from pipelines.telling import alert_clock, deliver_alerts, due_alerts, stale

MONDAY = date(2026, 11, 23)


@pytest.fixture
def company(tmp_path, monkeypatch):
    """Settings of a company in Berlin whose warehouse ends on a day; 25 November is a holiday there."""
    monkeypatch.setenv("LITELLM_LOGS", str(tmp_path / "logs"))

    def of(as_of, **given):
        file = tmp_path / "warehouse.duckdb"
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as db:
            for schema in ("plan", "intermediate", "core", "alerts"):
                db.execute(f"create schema {schema}")
            db.execute(f"create table plan.cap_utilization as select date '{as_of}' as as_of_date")
            db.execute("create table intermediate.int_assumptions as select 'digest_from_hour' as name, 9 as value")
            db.execute("""
                create table core.dim_calendar as
                select day::date as calendar_date, isodow(day) <= 5 and day != date '2026-11-25' as is_working_day
                from range(date '2026-11-01', date '2026-12-01', interval 1 day) as days (day)""")
            db.execute("create table alerts.alerts_due (alert_key varchar)")
            db.execute("create table alerts.plans_due (alert_key varchar)")
        return load_settings(PACELINE_DATA_DIR=tmp_path, PACELINE_TIMEZONE="Europe/Berlin", **given)

    return of


@pytest.mark.parametrize(
    ("now", "digest_date"),
    [
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), None),  # 08:59 in Berlin
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), MONDAY),
        (datetime(2026, 11, 23, 22, 59, tzinfo=UTC), MONDAY),
        (datetime(2026, 11, 23, 23, 0, tzinfo=UTC), None),  # midnight of the 24th
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), None),  # Sunday
        (datetime(2026, 11, 25, 12, 0, tzinfo=UTC), None),  # a holiday
        (datetime(2026, 12, 2, 12, 0, tzinfo=UTC), date(2026, 12, 2)),  # beyond the calendar: a Wednesday
    ],
)
def test_digests_go_out_from_nine_on_working_days_of_the_company(company, now, digest_date):
    assert alert_clock(company(date(2026, 11, 22)), now).digest_date == digest_date


def test_a_replayed_day_is_told_on_the_morning_after_it(company):
    clock = alert_clock(company(date(2026, 11, 22), PACELINE_AS_OF="2026-11-22"), datetime(2027, 3, 1, tzinfo=UTC))

    assert (clock.today, clock.digest_date, clock.now.year) == (MONDAY, MONDAY, 2027)


def test_a_warehouse_that_missed_a_run_is_told_and_one_of_last_night_is_not(company):
    settings = company(date(2026, 11, 22))
    expected = settings.as_of

    assert stale(expected, settings) == []
    assert stale(expected.fromordinal(expected.toordinal() - 1), settings) == []  # the night's run is yet to come
    (row,) = stale(expected.fromordinal(expected.toordinal() - 2), settings)
    assert (row["kind"], row["urgency"], row["age_days"]) == ("pipeline_stale", "immediate", 2)
    assert stale(date(2020, 1, 1), company(date(2026, 11, 22), PACELINE_AS_OF="2026-11-22")) == []


def test_a_warehouse_of_nobody_is_not_old(company):
    assert due_alerts(company(date(2026, 11, 22), PACELINE_AS_OF="2026-11-22")) == []


def test_a_look_at_an_earlier_day_tells_nobody(company, tmp_path):
    given = {"SLACK_BOT_TOKEN": "xoxb-of-the-test", "SLACK_API_URL": "http://127.0.0.1:9/api/"}
    lake, said = Lake(str(tmp_path / "lake"), tmp_path / "scratch"), []
    for as_of in ("2026-11-20", "2026-11-19", "2026-11-21"):
        deliver_alerts(company(date.fromisoformat(as_of), PACELINE_AS_OF=as_of, **given), lake, said.append)

    refused = "nobody is told: alerts went through 2026-11-21 already, this is an earlier day"
    assert said == ["0 alerts told in Slack, 0 not", refused, "0 alerts told in Slack, 0 not"]
    assert (tmp_path / "told_through").read_text() == "2026-11-22"
