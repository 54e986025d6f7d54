"""What the ledger keeps, and what is pending because of it."""

import json
import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from alerts import SlackSettings, open_ledger, pending
from alerts._ledger import Alert
from alerts._ledger_tables import METADATA
from tests.alerts.fake_slack import error
from tests.alerts.rows import NOW, at, developer_row, team_row

ALERT = Alert("key", "incident", "cap_level", 80, "team", "platform", date(2026, 11, 1))


def test_the_ledger_keeps_what_happened(tell, ledger):
    tell([developer_row()])
    (record,) = ledger.records().values()
    content = json.loads(record.pop("content"))
    assert content["text"].startswith("dev-03 has reached 80 %") and record.pop("shown")
    assert record == {
        "alert_key": "cap_level/developer/dev-03/2026-11/80",
        "recipient": "U0LEAD",
        "kind": "cap_level",
        "level": 80,
        "scope": "developer",
        "scope_id": "dev-03",
        "month": date(2026, 11, 1),
        "state": "delivered",
        "attempts": 1,
        "first_attempt_at": NOW,
        "last_attempt_at": NOW,
        "delivered_at": NOW,
        "slack_channel": "DU0LEAD",
        "slack_ts": f"{NOW.timestamp():.6f}",
        "error": None,
        "incident_key": "cap_level/developer/dev-03/2026-11",
        "role": "message",
        "message_key": "cap_level/developer/dev-03/2026-11/80",
        "thread_ts": None,
        "digest_date": NOW.date(),
    }
    assert ledger.channel_of("U0LEAD") == "DU0LEAD" and ledger.channel_of("U0NOBODY") is None


def test_an_attempt_is_counted_and_its_error_kept(tell, ledger, slack):
    slack.faults["chat.postMessage"] = [error("is_archived")] * 2
    tell([team_row()])
    tell([team_row()], now=NOW + timedelta(hours=1))
    (record,) = ledger.records().values()
    assert (record["attempts"], record["first_attempt_at"]) == (2, NOW)
    assert record["last_attempt_at"] == NOW + timedelta(hours=1)
    assert "is_archived" in record["error"] and "teams.csv" in record["error"]
    tell([team_row()])
    (record,) = ledger.records().values()
    assert (record["state"], record["error"], record["attempts"]) == ("delivered", None, 3)


def test_times_are_kept_in_utc(ledger):
    local = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    ledger.begin(ALERT, "C1", local)
    (record,) = ledger.records().values()
    assert record["first_attempt_at"] == datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def test_a_ledger_survives_being_opened_again(ledger, ledger_url):
    ledger.begin(ALERT, "C1", NOW)
    assert set(open_ledger(ledger_url).records()) == {("key", "C1")}


def test_a_ledger_may_be_opened_by_several_at_once(ledger_url):
    problems = []

    def run():
        try:
            open_ledger(ledger_url)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_ledger_of_another_version_is_refused(ledger, ledger_url):
    connection = sqlite3.connect(ledger.file)
    connection.execute("update schema_version set version = 3")
    connection.commit()
    connection.close()
    with pytest.raises(RuntimeError, match="has schema version 3; this Paceline knows 2"):
        open_ledger(ledger_url)


def test_a_ledger_of_the_first_version_keeps_what_it_knew_and_gets_the_new_columns(tmp_path):
    file = tmp_path / "old.sqlite"
    with sqlite3.connect(file) as old:
        old.execute("create table schema_version (version integer primary key)")
        old.execute("insert into schema_version values (1)")
        columns = "alert_key recipient kind level scope scope_id month state attempts first_attempt_at last_attempt_at"
        columns = ", ".join([*columns.split(), "delivered_at", "slack_channel", "slack_ts", "error"])
        old.execute(f"create table deliveries ({columns}, primary key (alert_key, recipient))")
        old.execute(
            "insert into deliveries values ('cap_level/developer/dev-03/2026-11/80', 'U0LEAD', 'cap_level', 80,"
            " 'developer', 'dev-03', '2026-11-01', 'delivered', 1, '2026-11-21 05:00:00', '2026-11-21 05:00:00',"
            " '2026-11-21 05:00:00', 'D1', '1.0', null)"
        )
    for _ in range(2):
        ledger = open_ledger(f"sqlite:///{file}")
        (record,) = ledger.records().values()
        assert (record["state"], record["attempts"], record["role"]) == ("delivered", 1, None)
    assert pending([developer_row()], SlackSettings(token="x"), ledger, at(NOW)) == []


def test_the_tables_can_be_made_in_postgres():
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    made = "".join(str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in METADATA.tables.values())
    assert "PRIMARY KEY (alert_key, recipient)" in made and "decision_id SERIAL" in made


def test_what_is_new_is_pending_and_what_was_told_is_not(tell, ledger, settings, slack):
    rows = [developer_row(level=80), developer_row(level=100, slack_id="U0DEV")]
    due = pending(rows, settings, ledger, at(NOW))
    assert [(each.recipient, each.state, each.alert_key[-3:]) for each in due] == [
        ("U0LEAD", "new", "100"),
        ("U0DEV", "new", "100"),
    ]
    assert slack.requests == []
    tell(rows)
    assert pending(rows, settings, ledger, at(NOW)) == []


def test_what_failed_is_pending_again_after_a_growing_while(tell, ledger, settings, slack):
    slack.always["chat.postMessage"] = error("is_archived")

    def minutes_until_pending(since):
        waits = (m for m in range(100) if pending([team_row()], settings, ledger, at(since + timedelta(minutes=m))))
        return next(waits)

    waited = []
    for number in range(8):
        now = NOW + timedelta(hours=2 * number)
        tell([team_row()], now=now)
        waited.append(minutes_until_pending(now))
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60]


def test_an_interrupted_attempt_is_pending(ledger, settings):
    row = team_row()
    ledger.begin(
        Alert(row["alert_key"], row["incident_key"], "cap_level", 100, "team", "platform", row["month"]),
        "C0PLATFORM",
        NOW,
    )
    (due,) = pending([row], settings, ledger, at(NOW + timedelta(minutes=1)))
    assert (due.state, due.attempts) == ("sending", 1)
