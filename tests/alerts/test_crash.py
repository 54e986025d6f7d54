"""A delivery that is killed in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.alerts.fake_slack import DEAF, SILENT, TOKEN
from tests.alerts.rows import NOW, developer_row

DELIVERY = """
import sys
from alerts import SlackSettings, deliver, open_ledger
from tests.alerts.rows import NOW, at, developer_row
url, ledger, outbox, token = sys.argv[1:]
settings = SlackSettings(token=token, api_url=url, timeout_seconds=30)
deliver([developer_row()], settings, open_ledger(ledger), outbox, at(NOW))
"""


@pytest.fixture
def kill_while_sending(slack, ledger_url, outbox):
    """Starts a delivery in a process of its own and kills it (SIGKILL) in the middle of the post."""

    def run(moment):
        command = [sys.executable, "-c", DELIVERY, slack.url, ledger_url, str(outbox), TOKEN]
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        try:
            assert moment.wait(20)
        finally:
            os.kill(process.pid, signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL

    return run


def test_a_process_killed_while_sending_has_its_message_found_by_the_next(kill_while_sending, slack, states, tell):
    slack.faults["chat.postMessage"] = [SILENT]
    kill_while_sending(slack.taken)
    assert states() == {(80, "U0LEAD"): "sending"}
    (done,) = tell([developer_row()])
    assert (done.state, done.slack_ts) == ("delivered", f"{NOW.timestamp():.6f}")
    assert len(slack.messages) == len(slack.asked("chat.postMessage")) == 1


def test_a_process_killed_before_slack_took_the_message_has_it_sent_by_the_next(
    kill_while_sending, slack, states, tell
):
    slack.faults["chat.postMessage"] = [DEAF]
    kill_while_sending(slack.heard)
    assert states() == {(80, "U0LEAD"): "sending"}
    (done,) = tell([developer_row()])
    assert done.state == "delivered" and len(slack.messages) == 1
