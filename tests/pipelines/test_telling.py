"""When alerts are told, and that nobody is told of the past."""

from datetime import UTC, date, datetime

import duckdb
import pytest

from alerts import digest_name
from pipelines import cli, telling
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


@pytest.mark.parametrize(
    ("now", "next_digest"),
    [
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), "Monday, 23 November"),  # 08:59 in Berlin: its hour is to come
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), "Tuesday, 24 November"),
        (datetime(2026, 11, 23, 23, 0, tzinfo=UTC), "Tuesday, 24 November"),  # midnight of the 24th
        (datetime(2026, 11, 24, 12, 0, tzinfo=UTC), "Thursday, 26 November"),  # a holiday follows
        (datetime(2026, 11, 27, 12, 0, tzinfo=UTC), "Monday, 30 November"),
        (datetime(2026, 12, 4, 12, 0, tzinfo=UTC), "Monday, 7 December"),  # beyond the calendar
    ],
)
def test_the_next_digest_is_the_one_whose_hour_is_still_to_come(company, now, next_digest):
    at = alert_clock(company(date(2026, 11, 22)), now).next_digest_at

    assert digest_name(at) == f"the digest of {next_digest} from 09:00"


def test_what_waits_for_the_digest_is_counted_and_can_be_read(company, tmp_path, monkeypatch, capsys):
    settings = company(date(2026, 11, 22))
    with duckdb.connect(str(settings.warehouse_file)) as db:
        db.execute("""
            create or replace table alerts.alerts_due as
            select
                'cap_forecast/team/mobile/2026-11' as alert_key, alert_key as incident_key, 'cap_forecast' as kind,
                0 as level, 'digest' as urgency, true as is_firing, 'team' as scope, 'mobile' as scope_id,
                'mobile' as team_id, 'C0MOBILE' as slack_channel, date '2026-11-01' as month""")
    clock = alert_clock(settings, datetime(2026, 11, 24, 6, tzinfo=UTC))
    monkeypatch.setattr(telling, "alert_clock", lambda settings: clock)
    monkeypatch.setattr(telling, "stale", lambda published, settings: [])
    monkeypatch.setattr(cli, "load_settings", lambda: settings)

    list_alerts = cli.list_alerts.callback
    list_alerts(preview=False)
    counted = capsys.readouterr().out
    list_alerts(preview=True)
    shown = capsys.readouterr().out

    digest = "with the digest of Tuesday, 24 November from 09:00"
    assert f"0 waiting to be told now, 1 {digest}: paceline alerts --preview\n" in counted
    assert f"To: C0MOBILE, {digest}\n\n" in shown and "Team mobile is likely to pass its November 2026 cap" in shown
    assert f"Would be sent: 0 messages now, 1 message {digest}." in shown
    assert f"Without Slack nothing is sent: what was told already lies in {tmp_path / 'outbox'}\n" in shown
    assert f"<h2>1 message {digest}</h2>" in (tmp_path / "preview" / "index.html").read_text()


def test_a_replayed_day_is_told_on_the_morning_after_it(company):
    clock = alert_clock(company(date(2026, 11, 22), PACELINE_AS_OF="2026-11-22"), datetime(2027, 3, 1, tzinfo=UTC))

    assert (clock.today, clock.digest_date, clock.now.year) == (MONDAY, MONDAY, 2027)
    assert clock.next_digest_at == datetime(2026, 11, 24, 9)


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
