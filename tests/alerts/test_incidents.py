"""An alert is a state: one message per incident, which changes, escalates, sleeps and ends."""

from datetime import date, timedelta

import pytest

from alerts import open_ledger, pending, untold
from tests.alerts.rows import NOW, at, developer_row, team_row

KEY = "cap_level/team/platform/2026-11"


def near(**changes):
    """The team at 80 %, told at once so that no digest is in the way."""
    return team_row(**{"level": 80, "urgency": "immediate", "status": "near", "used_ratio": 0.81, **changes})


def state(ledger):
    return ledger.incident(KEY)["state"]


def test_a_hundred_ticks_on_the_same_data_with_restarts_send_one_message(tell, slack, settings, ledger_url):
    for tick in range(100):
        now = NOW + timedelta(minutes=tick)
        ledger = open_ledger(ledger_url)
        if pending([near()], settings, ledger, at(now)):
            tell([near()], now=now, ledger=ledger)
    tell([near()])
    assert len(slack.messages) == 1 and [name for name, _ in slack.requests] == ["chat.postMessage"]


def test_new_numbers_change_the_message_in_place_and_tell_nobody_anew(tell, slack):
    tell([near()])
    tell([near(used_tokens=22_000_000, used_ratio=0.88)], now=NOW + timedelta(days=1))
    (message,) = slack.messages
    assert message["updates"] == 1 and "22.0 M of 25.0 M tokens (88 %)" in str(message["blocks"])
    assert message["metadata"]["event_payload"]["alert_key"] == f"{KEY}/80"  # still found by its key
    tell([near(used_tokens=22_000_000, used_ratio=0.88)], now=NOW + timedelta(days=2))
    assert message["updates"] == 1


def test_an_escalation_is_a_reply_that_the_channel_sees_and_the_parent_says_it_too(tell, slack, ledger):
    tell([near()])
    tell([near(), team_row()], now=NOW + timedelta(days=1))
    parent, reply = slack.messages
    assert (reply["thread_ts"], reply["reply_broadcast"]) == (parent["ts"], True)
    assert "has used all" in parent["text"] and parent["updates"] == 1
    assert (ledger.incident(KEY)["level"], state(ledger)) == (100, "open")
    tell([near(), team_row()], now=NOW + timedelta(days=2))
    assert len(slack.messages) == 2


def test_what_falls_back_under_is_resolved_in_its_thread_and_in_its_message(tell, slack, ledger):
    tell([near()])
    tell([{**near(), "is_firing": False}], now=NOW + timedelta(days=1))  # a little under: still open
    assert state(ledger) == "open" and len(slack.messages) == 1
    for day in (2, 3):
        tell([], now=NOW + timedelta(days=day))
    parent, reply = slack.messages
    assert state(ledger) == "resolved"
    assert reply["thread_ts"] == parent["ts"] and not reply.get("reply_broadcast")
    assert "Resolved" in reply["text"] and "esolved" in str(parent["blocks"])


def test_what_only_holds_an_incident_opens_none(tell, slack, ledger):
    tell([{**near(), "is_firing": False}])
    assert slack.messages == [] and ledger.incidents() == {}


def test_what_comes_back_is_the_same_incident_and_is_told_in_its_thread_only(tell, slack, ledger):
    tell([near()])
    tell([], now=NOW + timedelta(days=1))
    for day in (2, 3):
        tell([near()], now=NOW + timedelta(days=day))
    parent, _, again = slack.messages
    assert again["thread_ts"] == parent["ts"] and not again.get("reply_broadcast") and "Open again" in again["text"]
    assert (state(ledger), ledger.incident(KEY)["times_opened"]) == ("open", 2)


def test_at_the_end_of_the_month_incidents_end_without_a_word(tell, slack, ledger):
    tell([near()])
    tell([], now=NOW.replace(month=12, day=3))
    (message,) = slack.messages
    assert state(ledger) == "resolved" and message["updates"] == 1


def test_a_snoozed_incident_sleeps_until_its_day_or_until_it_gets_worse(tell, slack, ledger):
    tell([near()])
    ledger.change_incident(KEY, changed_by="U0LEAD", state="snoozed", snoozed_until=date(2026, 11, 25))
    tell([near()], now=NOW + timedelta(days=1))
    assert state(ledger) == "snoozed" and len(slack.messages) == 1
    tell([near()], now=NOW + timedelta(days=3))
    assert state(ledger) == "open" and slack.messages[1]["thread_ts"] == slack.messages[0]["ts"]
    ledger.change_incident(KEY, changed_by="U0LEAD", state="snoozed", snoozed_until=date(2026, 11, 30))
    tell([team_row()], now=NOW + timedelta(days=4))
    assert state(ledger) == "open" and slack.messages[2]["reply_broadcast"]


def test_an_acknowledged_incident_stays_so_until_it_gets_worse(tell, ledger):
    tell([near()])
    ledger.change_incident(KEY, changed_by="U0LEAD", state="acknowledged")
    tell([near()], now=NOW + timedelta(days=1))
    assert state(ledger) == "acknowledged"
    tell([team_row()], now=NOW + timedelta(days=2))
    assert state(ledger) == "open"


def test_a_message_that_somebody_deleted_is_let_go(tell, slack):
    tell([near()])
    slack.messages.clear()
    for day in (1, 2):
        tell([near(used_ratio=0.85)], now=NOW + timedelta(days=day))
    assert len(slack.asked("chat.update")) == 1


def test_a_change_that_slack_does_not_take_is_tried_with_the_next_delivery(tell, slack, settings, ledger):
    tell([near()])
    slack.always["chat.update"] = ("error", "internal_error", {})
    later = near(used_tokens=22_000_000, used_ratio=0.88)
    assert tell([later], now=NOW + timedelta(days=1)) == []
    assert untold([later], settings, ledger, at(NOW)) == []  # nobody lacks an alert because of it
    slack.always.clear()
    tell([later], now=NOW + timedelta(days=1))
    assert "88 %" in str(slack.messages[0]["blocks"])


@pytest.mark.parametrize("changed", ["C0NEW"])
def test_a_channel_that_moved_gets_a_message_of_its_own(tell, slack, changed):
    tell([near()])
    tell([near(slack_channel=changed)])
    assert [message["asked_channel"] for message in slack.messages] == ["C0PLATFORM", changed]


def test_developers_are_told_apart(tell, slack, ledger):
    tell([developer_row(level=100), developer_row("dev-04", level=100)])
    assert len(ledger.incidents()) == len(slack.messages) == 2
