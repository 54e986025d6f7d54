"""Each alert reaches each of its recipients once."""

import dataclasses
import threading
from datetime import timedelta

import pytest

from alerts import DeliveryBusy, deliver, open_ledger
from tests.alerts.fake_slack import LOST_REPLY, RESET, error, status
from tests.alerts.rows import NOW, at, developer_row, team_row


def test_the_same_alert_is_sent_once_however_often_it_is_due(tell, slack):
    first = tell([developer_row()])
    assert [(done.state, done.recipient, done.told) for done in first] == [("delivered", "U0LEAD", True)]
    for _ in range(99):
        assert tell([developer_row()]) == []
    assert len(slack.messages) == 1 and len(slack.requests) == 1


def test_a_jump_sends_only_the_highest_level(tell, slack):
    tell([developer_row(level=80), developer_row(level=100), developer_row(level=80)])
    assert [message["metadata"]["event_payload"]["alert_key"] for message in slack.messages] == [
        "cap_level/developer/dev-03/2026-11/100"
    ]


def test_both_levels_are_told_when_they_come_one_after_the_other(tell, slack):
    tell([developer_row(level=80)])
    tell([developer_row(level=80), developer_row(level=100)])
    assert len(slack.messages) == 2


def test_a_lower_level_is_not_sent_after_a_higher_one(tell, slack):
    tell([developer_row(level=100)])
    assert tell([developer_row(level=80)]) == []  # the cap was raised in between
    assert tell([developer_row(level=80, lead_slack_id="U0NEWLEAD")]) == []
    assert len(slack.messages) == 1
    december = {
        "alert_key": "cap_level/developer/dev-03/2026-12/80",
        "incident_key": "new",
        "month": NOW.date().replace(month=12, day=1),
    }
    assert len(tell([developer_row(level=80, **december)], now=NOW.replace(month=12))) == 1


def test_nothing_is_marked_as_told_before_slack_confirmed(tell, slack, states):
    seen = []
    slack.before_post = lambda body: seen.append(states())
    tell([developer_row()])
    assert seen == [{(80, "U0LEAD"): "sending"}]
    assert states() == {(80, "U0LEAD"): "delivered"}


@pytest.mark.parametrize(
    "fault", [status(500), status(502), RESET, error("internal_error"), error("channel_not_found")]
)
def test_slack_down_is_retried_next_time_and_the_rest_goes_out(tell, slack, fault):
    slack.faults["chat.postMessage"] = [fault]
    slack.always["conversations.history"] = status(500)
    rows = [developer_row("dev-01", level=100), developer_row("dev-02", level=100)]
    done = tell(rows)
    assert [each.told for each in done] == [False, True]
    assert done[0].reason and done[0].who_must_act
    slack.always.clear()
    assert [each.told for each in tell(rows)] == [True]
    assert sorted(m["metadata"]["event_payload"]["alert_key"][20:26] for m in slack.messages) == ["dev-01", "dev-02"]


def test_a_reply_lost_on_the_way_is_not_sent_twice(tell, slack):
    slack.faults["chat.postMessage"] = [LOST_REPLY]
    done = tell([developer_row()])
    assert [each.state for each in done] == ["delivered"] and done[0].slack_ts == slack.messages[0]["ts"]
    assert tell([developer_row()]) == []
    assert len(slack.messages) == len(slack.asked("chat.postMessage")) == 1


def test_a_reply_lost_with_slack_away_is_looked_for_next_time(tell, slack):
    slack.faults["chat.postMessage"] = [LOST_REPLY]
    slack.always["conversations.history"] = RESET
    assert [each.state for each in tell([developer_row()])] == ["sending"]
    assert [each.state for each in tell([developer_row()])] == ["sending"]  # cannot look: sends nothing
    slack.always.clear()
    assert [each.state for each in tell([developer_row()])] == ["delivered"]
    assert len(slack.messages) == 1


def test_without_leave_to_read_an_alert_comes_rather_twice_than_never(tell, slack):
    slack.faults["chat.postMessage"] = [LOST_REPLY]
    slack.always["conversations.open"] = error("missing_scope", needed="im:write")
    assert [each.state for each in tell([developer_row()])] == ["sending"]
    assert [each.state for each in tell([developer_row()])] == ["delivered"]
    assert len(slack.messages) == 2


def test_a_lost_reply_is_still_looked_for_after_the_token_was_replaced(tell, slack, settings):
    slack.faults["chat.postMessage"] = [LOST_REPLY]
    slack.always["conversations.open"] = status(503)
    tell([developer_row()])
    slack.always.clear()
    revoked = dataclasses.replace(settings, token="xoxb-revoked")
    assert [(each.state, each.told) for each in tell([developer_row()], settings=revoked)] == [("sending", False)]
    assert [each.state for each in tell([developer_row()])] == ["delivered"]
    assert len(slack.messages) == 1


def test_when_slack_does_not_answer_the_rest_waits_for_the_next_call(tell, slack):
    slack.always["chat.postMessage"] = slack.always["conversations.open"] = RESET
    rows = [developer_row(f"dev-{number:02}", lead_slack_id=f"U0LEAD{number}") for number in range(10)]
    done = tell(rows)
    assert len(done) == 10 and not any(each.told for each in done) and all(each.retry_helps for each in done)
    assert len(slack.asked("chat.postMessage")) == 3
    slack.always.clear()
    assert all(each.told for each in tell(rows)) and len(slack.messages) == 10


def test_one_row_that_cannot_be_worded_does_not_keep_the_others_back(tell, slack):
    rows = [
        {**developer_row("dev-01"), "level": "eighty"},
        developer_row("dev-02", urgency="immediate", kind="unheard_of"),
        developer_row("dev-03", urgency="immediate", drivers=7),
        {"alert_key": "odd"},
        developer_row("dev-04", level=100),
    ]
    done = {each.alert_key: each for each in tell(rows)}
    assert len(done) == 5 and [each.alert_key for each in done.values() if each.told] == [rows[4]["alert_key"]]
    assert all("could not be worded" in each.who_must_act for each in done.values() if not each.told)


def test_two_deliveries_at_once_send_once(settings, ledger_url, outbox, slack):
    rows = [developer_row(f"dev-{number}", lead_slack_id=f"U0LEAD{number}") for number in range(5)]
    start, done = threading.Barrier(3), []

    def run():
        own = open_ledger(ledger_url)
        start.wait()
        done.extend(deliver(rows, settings, own, outbox, at(NOW), say=lambda text: None))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slack.messages) == len(done) == 5


def test_a_delivery_that_never_gets_its_turn_says_so_and_sends_nothing(tell, ledger, outbox, slack):
    from filelock import FileLock

    with FileLock(ledger.lock_file(outbox)), pytest.raises(DeliveryBusy, match="alerts.db.lock"):
        tell([developer_row()], lock_wait_seconds=0.05)
    assert slack.messages == []


def test_a_team_channel_is_told_once_per_month_even_when_asked_later(tell, slack):
    tell([team_row()])
    assert tell([team_row()], now=NOW + timedelta(days=7)) == []
    assert [message["channel"] for message in slack.messages] == ["C0PLATFORM"]
