"""Quiet by default: one digest a day, and one summary where much happens at once."""

import dataclasses
from datetime import date, datetime, timedelta

from alerts import preview, waiting
from tests.alerts.fake_slack import LOST_REPLY, RESET, status
from tests.alerts.rows import NOW, at, developer_row, team_row


def developers(count, level=80):
    return [developer_row(f"dev-{number:02}", level=level) for number in range(count)]


def keys(slack):
    return [message["metadata"]["event_payload"]["alert_key"] for message in slack.messages]


def test_what_can_wait_waits_for_the_hour_of_the_digest(tell, slack):
    assert tell(developers(2), clock=at(NOW, digest=False)) == [] and slack.messages == []
    done = tell(developers(2))
    assert [each.state for each in done] == ["delivered"] * 2
    assert keys(slack) == ["digest/2026-11-22/U0LEAD"]


def test_a_digest_of_one_is_that_alert(tell, slack):
    tell(developers(1))
    assert keys(slack) == ["cap_level/developer/dev-00/2026-11/80"]


def following(clock):
    """The clock with a next digest on Monday the 23rd at nine."""
    return dataclasses.replace(clock, next_digest_at=datetime(2026, 11, 23, 9))


def test_a_digest_can_be_read_before_it_goes_out(settings, ledger):
    clock = following(at(NOW, digest=False))
    rows = [*developers(2), developer_row("dev-09", level=100, lead_slack_id="U0OTHER")]
    assert [(one.alert_key, one.recipient) for one in waiting(rows, settings, ledger, clock)] == [
        ("cap_level/developer/dev-00/2026-11/80", "U0LEAD"),
        ("cap_level/developer/dev-01/2026-11/80", "U0LEAD"),
    ]
    now, later = preview(rows, settings, ledger, clock).items()
    assert (now[0], later[0]) == ("now", "with the digest of Monday, 23 November from 09:00")
    assert [message.alert_key for _, message in now[1]] == ["cap_level/developer/dev-09/2026-11/100"]
    assert [(to, message.alert_key) for to, message in later[1]] == [("U0LEAD", "digest/2026-11-23/U0LEAD")]


def test_what_goes_out_now_waits_for_no_later_digest(settings, ledger):
    clock = following(at(NOW))
    assert waiting(developers(2), settings, ledger, clock) == []
    now, later = preview(developers(2), settings, ledger, clock).values()
    assert ([message.alert_key for _, message in now], later) == (["digest/2026-11-22/U0LEAD"], [])


def test_who_had_the_digest_of_the_day_waits_for_the_next(tell, settings, ledger):
    tell(developers(2))
    left = waiting(developers(4), settings, ledger, following(at(NOW)))
    assert [one.alert_key[-13:] for one in left] == ["02/2026-11/80", "03/2026-11/80"]


def test_there_is_one_digest_a_day_and_person(tell, slack):
    tell(developers(2))
    assert tell(developers(4)) == []
    tell(developers(4), now=NOW + timedelta(days=1))
    assert keys(slack) == ["digest/2026-11-22/U0LEAD", "digest/2026-11-23/U0LEAD"]
    tell(developers(4), now=NOW + timedelta(days=2))
    assert len(slack.messages) == 2  # nothing new, no digest


def test_a_digest_of_one_is_the_days_digest_too(tell, slack):
    tell(developers(1))
    assert tell(developers(2)) == []
    tell(developers(2), now=NOW + timedelta(days=1))
    assert len(slack.messages) == 2


def test_the_digest_says_what_is_still_open_and_what_is_over(tell, slack):
    tell([*developers(2), developer_row("dev-08")])
    gone = [row for row in developers(2) if row["scope_id"] != "dev-01"]
    tell([*gone, *[developer_row(name) for name in ("dev-05", "dev-06")]], now=NOW + timedelta(days=1))
    second = str(slack.messages[1]["blocks"])
    assert "dev-05" in second and "dev-06" in second and "dev-00" in second and "dev-01" in second


def test_a_breach_does_not_wait(tell, slack):
    done = tell([*developers(3), developer_row("dev-09", level=100)], clock=at(NOW, digest=False))
    assert [each.alert_key for each in done] == ["cap_level/developer/dev-09/2026-11/100"]


def test_what_was_in_a_digest_escalates_with_a_message_of_its_own(tell, slack):
    tell(developers(2))
    tell([*developers(2), developer_row("dev-00", level=100)], now=NOW + timedelta(days=1))
    assert keys(slack)[1] == "cap_level/developer/dev-00/2026-11/100" and "thread_ts" not in slack.messages[1]


def test_three_breaches_at_once_are_three_messages_and_four_are_one(tell, slack):
    tell(developers(3, level=100))
    assert len(slack.messages) == 3
    tell(developers(7, level=100))
    assert len(slack.messages) == 4 and keys(slack)[3].startswith("summary/")
    assert all(f"dev-{number:02}" in str(slack.messages[3]["blocks"]) for number in range(3, 7))


def test_a_digest_whose_reply_was_lost_is_found_and_not_sent_again(tell, slack, states):
    slack.faults["chat.postMessage"] = [LOST_REPLY]
    slack.always["conversations.history"] = RESET
    assert {each.state for each in tell(developers(2))} == {"sending"}
    assert {each.state for each in tell(developers(3))} == {"sending"}
    slack.always.clear()
    assert [each.state for each in tell(developers(3))] == ["delivered"] * 2
    assert keys(slack) == ["digest/2026-11-22/U0LEAD"]  # the third waits for tomorrow's


def test_a_digest_that_did_not_arrive_is_put_together_anew(tell, slack):
    slack.faults["chat.postMessage"] = [status(500)]
    tell(developers(2))
    assert slack.messages == []
    tell(developers(3))
    assert keys(slack) == ["digest/2026-11-22/U0LEAD"] and "dev-02" in str(slack.messages[0]["blocks"])


def test_without_an_address_the_digest_says_which_rows_lack_one(tell, slack):
    rows = [developer_row("dev-01", lead_slack_id=None), team_row(level=80, slack_channel=None)]
    tell(rows)
    shown = str(slack.messages[0]["blocks"])
    assert "lead_slack_id of team platform" in shown and "slack_channel of team platform" in shown


def test_the_ledger_knows_which_message_held_an_alert(tell, ledger):
    tell(developers(2))
    for record in ledger.records().values():
        assert (record["role"], record["message_key"], record["digest_date"]) == (
            "bundled",
            "digest/2026-11-22/U0LEAD",
            date(2026, 11, 22),
        )
