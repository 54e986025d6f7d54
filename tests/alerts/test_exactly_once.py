"""Whatever Slack does at whichever call: each alert arrives exactly once."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from alerts import Message, untold
from alerts._ledger import Ledger
from tests.alerts.fake_slack import LOST_REPLY, RESET, SILENT, FakeSlack, error, status
from tests.alerts.rows import NOW, at, developer_row, team_row

FAULTS = [status(500), status(429, Retry_After="0"), status(429, Retry_After="600"), RESET, LOST_REPLY, SILENT]
FAULTS += [error("internal_error"), error("ratelimited"), status(503)]
METHODS = ["chat.postMessage", "chat.update", "conversations.history", "conversations.replies", "conversations.open"]
METHODS += ["files.getUploadURLExternal", "files.completeUploadExternal", "upload"]
UNKNOWN_IN_UPLOAD = (SILENT, error("internal_error"), error("ratelimited"))


def story(seed):
    """Five days of a company: levels that rise, one that comes back, digests, a summary, a plan with chart and file."""
    choose = random.Random(seed)
    teams = [f"team-{n}" for n in range(choose.randint(1, 2))]
    days = []
    for day in range(5):
        rows = [plan_row(team) for team in teams] if day >= 1 else []
        for team in teams:
            near = {"scope_id": team, "slack_channel": f"C{team}", "incident_key": f"cap_level/team/{team}/2026-11"}
            if day != 1:  # it falls back under, and comes again
                rows.append(
                    team_row(level=80, alert_key=f"{near['incident_key']}/80", used_ratio=0.8 + day / 50, **near)
                )
            if day >= 3:
                rows.append(team_row(level=100, alert_key=f"{near['incident_key']}/100", **near))
        over = choose.randint(0, 6)
        rows += [developer_row(f"dev-{n}", level=100) for n in range(over if day >= 2 else 0)]
        rows += [developer_row(f"dev-{n}") for n in range(10, 10 + day + choose.randint(0, 2))]
        days.append(rows)
    return days


def plan_row(team):
    about = {"kind": "plan_of_the_test", "scope": "team", "scope_id": team, "slack_channel": f"C{team}", "level": 0}
    return {"alert_key": f"plan/2026-12/draft/team/{team}", "team_id": team, "month": NOW.date(), **about}


def worded(row):
    image = {"type": "image", "slack_file": {"id": "chart"}, "alt_text": "chart"}
    text = {"type": "section", "text": {"type": "mrkdwn", "text": "plan"}}
    return Message(row["alert_key"], "plan", [text, image], {"chart": b"PNG"}, {"caps.csv": b"scope\n"})


@pytest.fixture
def plan_kind(monkeypatch):
    import alerts

    kinds = {**alerts.discover(), "plan_of_the_test": alerts.Kind(worded, lambda row: "plan", lambda row: "decide.")}
    monkeypatch.setattr(alerts, "discover", lambda: kinds)


@pytest.mark.parametrize("batch", range(8))
def test_every_alert_arrives_exactly_once_whatever_slack_does(batch, tmp_path, settings, plan_kind, tell, is_long):
    for seed in range(batch * 25, batch * 25 + (25 if is_long else 4)):
        one_run(seed, tmp_path / f"{seed}.sqlite", settings, tell)


def one_run(seed, file, settings, tell):
    choose = random.Random(seed)
    slack = FakeSlack(clock=NOW.timestamp())
    here = type(settings)(**{**vars(settings), "api_url": slack.url, "retries": 0, "timeout_seconds": 0.04})
    try:
        for day, rows in enumerate(story(seed)):
            now = NOW + timedelta(days=day)
            slack.clock = now.timestamp()
            for method in METHODS:
                if method == "upload":
                    known = [fault for fault in FAULTS if fault not in UNKNOWN_IN_UPLOAD]
                    slack.faults[method] = [choose.choice(known) for _ in range(choose.randint(0, 1))]
                else:
                    slack.faults[method] = [choose.choice(FAULTS) for _ in range(choose.randint(0, 3))]
            for attempt in range(40):  # every attempt is a new process to the ledger
                ledger = Ledger(f"sqlite:///{file}")
                tell(rows, now=now + timedelta(minutes=attempt), settings=here, ledger=ledger)
                if not untold(rows, here, ledger, at(now)):
                    break
            assert untold(rows, here, ledger, at(now)) == [], (seed, day)
        keys = [message["metadata"]["event_payload"] for message in slack.messages if message.get("metadata")]
        told = Counter((key["recipient"], key["alert_key"]) for key in keys)
        assert set(told.values()) == {1}, (seed, [key for key, count in told.items() if count > 1])
        files = Counter((m["thread_ts"], m["files"][0]["title"]) for m in slack.messages if m.get("files"))
        assert set(files.values()) <= {1}, (seed, files)
        records = ledger.records()
        assert len(files) == sum(record["role"] == "file" for record in records.values())
        carried = {
            (record["recipient"], record["message_key"]) for record in records.values() if record["role"] != "file"
        }
        assert carried == set(told), seed
        again = [key for key, _ in records if key.endswith("/80/again-2") and "/team/" in key]
        assert len(again) == len({row["scope_id"] for row in story(seed)[0] if row["scope"] == "team"}), seed
    finally:
        slack.stop()
