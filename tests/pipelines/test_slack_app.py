"""`paceline slack` as it is run: the command in a process of its own, Slack on loopback."""

import json
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from alerts import open_ledger
from tests.alerts.fake_slack import SILENT, TOKEN, error
from tests.alerts.fake_socket import APP_TOKEN, PATIENCE_SECONDS, ClickableSlack
from tests.alerts.test_actions import KEY, click, opened, submit
from tests.runs import PACELINE, environment, paceline, rows

LEAD = "U50F8EDD6B"  # of platform, as examples/org/teams.csv says
OWNER = "U0WNER"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def slack():
    server = ClickableSlack(clock=NOW.timestamp())
    yield server
    server.stop()


@pytest.fixture
def data_dir(example, tmp_path):
    """The example company with one open incident in its ledger."""
    shutil.copytree(example, tmp_path, dirs_exist_ok=True)
    ledger = ledger_of(tmp_path)
    if ledger.incident(KEY) is None:
        ledger.open_incident(opened(KEY, team_id="platform"))
    return tmp_path


def ledger_of(data_dir):
    return open_ledger(f"sqlite:///{data_dir / 'ledger.sqlite'}")


def variables(slack, **more):
    return {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": slack.url,
        "SLACK_ORG_OWNERS": OWNER,
        "SLACK_ORG_CHANNEL": "C0ORG",
        "SLACK_OPS_CHANNEL": "C0OPS",
        **more,
    }


class App:
    """The running command; `heard` are its lines."""

    def __init__(self, process):
        self.process, self.heard, self._lines = process, [], queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stderr:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self, words):
        """The next line with these words; everything before it was heard, too."""
        while True:
            line = self._lines.get(timeout=PATIENCE_SECONDS)
            assert line is not None, self.heard
            self.heard.append(line)
            if words in line:
                return line

    def end(self, number=signal.SIGTERM):
        """Stop it; returns the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=PATIENCE_SECONDS)
        while (line := self._lines.get(timeout=PATIENCE_SECONDS)) is not None:
            self.heard.append(line)
        return status


@contextmanager
def running(data_dir, slack, **more):
    env = environment(data_dir, **variables(slack, **more))
    process = subprocess.Popen([PACELINE, "slack"], env=env, cwd=data_dir, stderr=subprocess.PIPE, text=True)
    try:
        yield App(process)
    finally:
        process.kill()
        process.wait()


def test_a_click_is_acknowledged_written_down_and_answered(data_dir, slack):
    with running(data_dir, slack) as app:
        there = slack.connected()

        assert slack.press(there, click("acknowledge", KEY, LEAD)) is None
        (answer,) = slack.wait_for("chat.postEphemeral")
        app.line(f"acknowledge {KEY} by {LEAD}: done")
        assert app.end() == 0

    assert ledger_of(data_dir).incident(KEY)["state"] == "acknowledged"
    assert (answer["channel"], answer["user"]) == ("D0LEAD", LEAD)
    assert "Acknowledged" in answer["text"]
    assert TOKEN not in "\n".join(app.heard) and APP_TOKEN not in "\n".join(app.heard)


@pytest.mark.parametrize("how", ["asked to", "cut off"])
def test_a_connection_that_ends_is_replaced_and_nothing_is_lost(data_dir, slack, how):
    with running(data_dir, slack) as app:
        there = slack.connected()
        if how == "asked to":
            there.send(json.dumps({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}}))
        else:
            there.socket.shutdown(socket.SHUT_RDWR)
        again = slack.connected()

        slack.press(again, click("acknowledge", KEY, LEAD))
        app.line("acknowledge")
        assert app.end() == 0

    assert slack.opened == 2  # each address has a ticket of its own
    assert ledger_of(data_dir).incident(KEY)["state"] == "acknowledged"


def test_an_answer_that_hangs_keeps_no_other_click_waiting(data_dir, slack):
    slack.faults["chat.postEphemeral"] = [SILENT]
    with running(data_dir, slack) as app:
        there = slack.connected()
        slack.press(there, click("acknowledge", KEY, OWNER, at="1.0"))
        slack.wait_for("chat.postEphemeral")

        pressed = time.monotonic()
        slack.press(there, click("acknowledge", KEY, LEAD, at="2.0"))
        app.line(f"acknowledge {KEY} by {LEAD}: unchanged")

        assert time.monotonic() - pressed < 10  # the first answer is given up after 15 seconds


def test_slack_that_is_away_is_waited_for(data_dir, slack):
    slack.faults["apps.connections.open"] = [error("internal_error")]

    with running(data_dir, slack) as app:
        app.line("no connection to Slack (internal_error); trying again")
        slack.connected()
        app.line("connected to Slack again")
        assert app.end(signal.SIGINT) == 0


def test_a_payload_nobody_can_read_does_not_end_the_loop(data_dir, slack):
    clicks = [{"action_id": "approve", "value": value, "action_ts": value} for value in ("{", "{}")]
    broken = [{"type": "block_actions", "user": {"id": LEAD}, "actions": [one]} for one in clicks]
    broken += [{"type": "view_submission", "user": {"id": LEAD}, "view": {}}, {}]
    with running(data_dir, slack) as app:
        there = slack.connected()
        for payload in broken:
            assert slack.press(there, payload) is None
        slack.press(there, {"text": "hello"}, kind="events_api")
        slack.press(there, click("acknowledge", KEY, LEAD))
        app.line(f"acknowledge {KEY} by {LEAD}: done")
        assert app.end() == 0

    assert "failed: approve: KeyError" in app.heard
    assert "Traceback" not in "\n".join(app.heard)


def test_a_request_travels_from_the_form_to_the_lead_and_its_words_into_no_log(data_dir, slack):
    with running(data_dir, slack) as app:
        there = slack.connected()
        slack.press(there, click("request", KEY, OWNER))
        form = slack.wait_for("views.open")[0]
        assert form["trigger_id"] == "12.34.ab"
        wrong = submit(form["view"], OWNER, amount="0", unit="tokens", reason="a migration")
        assert slack.press(there, wrong)["response_action"] == "errors"

        slack.press(there, submit(form["view"], OWNER, amount="9000", unit="tokens", reason="a <!here> migration"))
        (message,) = slack.wait_for("chat.postMessage")
        app.line("request")
        assert app.end() == 0

    assert message["channel"] == LEAD
    assert "a \u2039!here\u203a migration" in json.dumps(message["blocks"], ensure_ascii=False)
    assert "migration" not in "\n".join(app.heard)


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        ("", 2, "SLACK_APP_TOKEN is not set. It is an app-level token (xapp-...) with the scope connections:write"),
        (TOKEN, 2, "SLACK_APP_TOKEN holds no app-level token"),
        ("xapp-1-A0TEST-999-of\nanother", 2, "SLACK_APP_TOKEN holds no app-level token"),
        ("xapp-1-A0TEST-999-ofanother", 1, "Slack said invalid_auth. SLACK_APP_TOKEN has to be an app-level token"),
    ],
)
def test_a_wrong_app_token_is_said_with_where_to_get_one(tmp_path, slack, token, status, words):
    done = paceline(tmp_path, "slack", **variables(slack, SLACK_APP_TOKEN=token))

    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr and (not token or token not in done.stderr)


def test_an_owner_that_is_no_member_id_is_named(tmp_path, slack):
    done = paceline(tmp_path, "slack", **variables(slack, SLACK_ORG_OWNERS="U0WNER, ann"))

    assert done.returncode == 2
    assert "'ann' is no Slack member id" in done.stderr


def test_a_click_on_approve_changes_the_cap_that_the_next_run_uses_once(example, tmp_path, slack):
    shutil.copytree(example, tmp_path, dirs_exist_ok=True)
    env = variables(slack)
    planned = paceline(tmp_path, "replan", "--month", "2026-11", **env)
    assert planned.returncode == 0, planned.stderr
    proposed = dict(rows(tmp_path, f"select scope_id, recommended_cap_tokens from plan.issued_plans where {PLATFORM}"))
    before = caps_in_use(tmp_path)
    assert {source for _, source in before.values()} == {"set"} and len(proposed) == len(before)
    approve = button(slack.sent_to(LEAD), "approve")

    with running(tmp_path, slack) as app:
        there = slack.connected()
        slack.press(there, click("approve", approve, LEAD, at="1.0"))
        slack.press(there, click("approve", approve, LEAD, at="1.0"))  # Slack sends it again
        slack.press(there, click("approve", approve, OWNER, at="2.0"))  # and somebody else presses it, too
        for outcome in ("done", "repeated", "unchanged"):
            app.line(outcome)
        slack.wait_for("chat.update")
        assert app.end() == 0
    done = paceline(tmp_path, "run", **env)
    assert done.returncode == 0, done.stderr

    assert caps_in_use(tmp_path) == {scope_id: (tokens, "approved") for scope_id, tokens in proposed.items()}
    assert rows(tmp_path, "select count(*), count(distinct decided_by) from plan.cap_decisions") == [(len(proposed), 1)]
    assert len(ledger_of(tmp_path).export()["cap_decisions"]) == len(proposed)
    assert f"Caps decided: {len(proposed)} approved by <@{LEAD}>" in json.dumps(slack.sent_to(LEAD))


PLATFORM = "scope in ('team', 'developer') and team_id = 'platform'"


def caps_in_use(data_dir):
    """What platform and its developers may use in November: {scope_id: (tokens, where the cap is from)}."""
    sql = f"select scope_id, cap_tokens, cap_source from plan.cap_utilization where month = '2026-11-01' and {PLATFORM}"
    return {scope_id: (tokens, source) for scope_id, tokens, source in rows(data_dir, sql)}


def button(messages, verb):
    """What the button of a message carries."""
    blocks = [block for message in messages for block in message["blocks"] if block["type"] == "actions"]
    (value,) = [one["value"] for block in blocks for one in block["elements"] if one["action_id"] == verb]
    return json.loads(value)
