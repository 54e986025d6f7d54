"""An alert is a state: one message per incident, which changes, escalates, sleeps and ends."""

import dataclasses
from datetime import date, timedelta

import pytest

from alerts import open_ledger, pending, untold
from tests.alerts.rows import NOW, at, developer_row, finding, source_row, team_row

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


def test_what_comes_back_is_the_same_incident_told_once_more_in_its_thread(tell, slack, ledger):
    tell([near()])
    tell([], now=NOW + timedelta(days=1))
    for day in (2, 3):
        tell([near()], now=NOW + timedelta(days=day))
    parent, _, again = slack.messages
    assert again["thread_ts"] == parent["ts"] and again["reply_broadcast"]
    assert again["metadata"]["event_payload"]["alert_key"] == f"{KEY}/80/again-2"
    assert (state(ledger), ledger.incident(KEY)["times_opened"]) == ("open", 2)


def test_a_second_breach_after_the_cap_was_raised_is_told(tell, slack):
    tell([near()])
    tell([near(), team_row()], now=NOW + timedelta(days=1))
    tell([], now=NOW + timedelta(days=2))
    tell([near()], now=NOW + timedelta(days=3))
    tell([near(), team_row()], now=NOW + timedelta(days=4))
    keys = [message["metadata"]["event_payload"]["alert_key"].removeprefix(KEY) for message in slack.messages]
    assert keys == ["/80", "/100", "/resolved/1", "/80/again-2", "/100/again-2"]


def test_what_was_told_in_a_summary_is_told_again_when_it_comes_back(tell, slack):
    rows = [developer_row(f"dev-{n}", level=100) for n in range(4)]
    tell(rows)
    tell([], now=NOW + timedelta(days=1))
    tell(rows, now=NOW + timedelta(days=2))
    assert len(slack.messages) == 2 and "dev-3" in str(slack.messages[1]["blocks"])


def test_what_opened_at_night_is_told_in_the_morning_as_long_as_something_holds_it(tell, slack):
    friday = developer_row(level=80)
    tell([friday], clock=at(NOW, digest=False))
    tell([{**friday, "is_firing": False}], clock=at(NOW + timedelta(days=1)))
    assert len(slack.messages) == 1


def test_a_row_that_nobody_can_read_resolves_nothing(tell, slack, ledger):
    tell([near()])
    tell([{**near(), "level": "n/a"}], now=NOW + timedelta(days=1))
    assert state(ledger) == "open" and len(slack.messages) == 1


def test_a_row_that_cannot_be_worded_leaves_the_message_as_it_was(tell, slack):
    tell([near(), developer_row(level=100)])
    done = tell([near(month=None), developer_row("dev-09", level=100)], now=NOW + timedelta(days=1))
    assert "dev-09" in [each.alert_key.split("/")[2] for each in done] and all(each.told for each in done)


def test_a_snooze_until_the_month_ends_ends_without_a_word(tell, slack, ledger):
    tell([near()])
    ledger.change_incident(KEY, changed_by="U0LEAD", state="snoozed", snoozed_until=date(2026, 12, 1))
    tell([near()], now=NOW.replace(month=12, day=1))
    tell([], now=NOW.replace(month=12, day=3))
    assert state(ledger) == "resolved" and len(slack.messages) == 1


def test_a_snoozed_alert_is_kept_from_people_who_were_not_told_yet(tell, slack, ledger):
    tell([developer_row(level=100)])
    ledger.change_incident("cap_level/developer/dev-03/2026-11", state="snoozed", snoozed_until=date(2026, 11, 25))
    tell([developer_row(level=100, slack_id="U0DEV")], now=NOW + timedelta(days=1))
    assert [message["asked_channel"] for message in slack.messages] == ["U0LEAD"]


@pytest.mark.parametrize("kind", ["spike", "plan_due"])
def test_what_passes_by_itself_is_not_called_resolved(tell, slack, kind):
    row = finding(kind, "team", "platform", period="2026-11-21", audience="lead", undecided=3, usage_date=NOW.date())
    tell([row])
    tell([], now=NOW + timedelta(days=3))
    (message,) = slack.messages
    assert "Resolved" not in str(message) and "Over since" in str(message["blocks"])


def test_an_outage_over_the_end_of_a_month_is_resolved_in_its_thread(tell, slack):
    tell([source_row()])
    tell([], now=NOW.replace(month=12, day=2))
    assert "Resolved" in slack.messages[1]["text"]


def test_a_click_during_a_delivery_is_not_shown_as_undone(tell, slack, ledger):
    tell([near()])
    slack.before_post = lambda body: ledger.change_incident(KEY, state="acknowledged", changed_by="U0LEAD")
    tell([near(used_ratio=0.85), developer_row(level=100)], now=NOW + timedelta(days=1))
    assert "Acknowledged by <@U0LEAD>" in str(slack.messages[0]["blocks"])


def test_an_escalation_of_what_was_rendered_is_a_message_of_its_own(tell, slack, settings, ledger):
    tell([near()], settings=dataclasses.replace(settings, token=None))
    tell([team_row()], now=NOW + timedelta(days=1))
    assert ledger.records()[f"{KEY}/100", "C0PLATFORM"]["role"] == "message" and "thread_ts" not in slack.messages[0]


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
