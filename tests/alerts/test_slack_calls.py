"""What is asked of Slack over HTTP, and what its failures mean."""

import dataclasses
import time
from datetime import timedelta

import pytest

from alerts import DeliveryFailed, discover
from alerts._slack import Slack
from tests.alerts.fake_slack import LOST_REPLY, RESET, error, status
from tests.alerts.rows import NOW, team_row

MESSAGE = discover()["cap_level"].message(team_row())
SINCE = NOW - timedelta(hours=1)


@pytest.fixture
def client(settings):
    return Slack(settings)


def failure_of(call):
    with pytest.raises(DeliveryFailed) as caught:
        call()
    return caught.value


def test_a_post_carries_its_key_and_unfurls_nothing(client, slack):
    posted = client.post(MESSAGE, "C0PLATFORM")
    (body,) = slack.asked("chat.postMessage")
    assert body["metadata"] == {
        "event_type": "paceline_alert",
        "event_payload": {"alert_key": MESSAGE.alert_key, "recipient": "C0PLATFORM"},
    }
    assert (body["unfurl_links"], body["link_names"], body["parse"]) == (False, False, "none")
    assert (body["text"], body["blocks"]) == (MESSAGE.text, MESSAGE.blocks)
    assert (posted.channel, posted.ts) == ("C0PLATFORM", slack.messages[0]["ts"])


@pytest.mark.parametrize(
    ("fault", "retry_helps", "maybe_sent", "reason"),
    [
        (status(429, Retry_After="3"), True, False, "Slack said ratelimited"),
        (error("ratelimited"), True, False, "Slack said ratelimited"),
        (status(500), True, True, "Slack had an error of its own (HTTP 500)"),
        (error("fatal_error"), True, True, "Slack had an error of its own (fatal_error)"),
        (RESET, True, True, "Slack was not reachable (ConnectionResetError)"),
        (LOST_REPLY, True, True, "Slack was not reachable (RemoteDisconnected)"),
        (status(200, body="<html>sign in</html>"), True, True, "the answer was not Slack's (HTTP 200)"),
        (status(404), False, True, "the answer was not Slack's (HTTP 404)"),
        (status(200, body="{half"), True, True, "Slack's answer could not be read (JSONDecodeError)"),
        (error("invalid_blocks"), False, False, "Slack said invalid_blocks"),
        (error("not_in_channel"), False, False, "Slack said not_in_channel"),
    ],
)
def test_a_failure_says_whether_waiting_helps_and_whether_it_may_have_arrived(
    client, slack, fault, retry_helps, maybe_sent, reason
):
    slack.faults["chat.postMessage"] = [fault]
    failure = failure_of(lambda: client.post(MESSAGE, "C0PLATFORM"))
    assert (failure.reason, failure.retry_helps, failure.maybe_sent) == (reason, retry_helps, maybe_sent)
    assert failure.who_must_act
    assert len(slack.asked("chat.postMessage")) == 1  # never repeated blindly


def test_a_short_rate_limit_is_waited_for(client, slack):
    slack.faults["chat.postMessage"] = [status(429, Retry_After="0")]
    assert client.post(MESSAGE, "C0PLATFORM").ts
    assert len(slack.asked("chat.postMessage")) == 2


def test_a_closed_port_means_the_message_did_not_arrive(client, slack):
    slack.stop()
    failure = failure_of(lambda: client.post(MESSAGE, "C0PLATFORM"))
    assert failure.reason == "Slack was not reachable (ConnectionRefusedError)"
    assert (failure.retry_helps, failure.maybe_sent, failure.unreachable) == (True, False, True)


def test_a_silent_slack_is_not_waited_for_longer_than_the_timeout(settings, slack):
    slack.faults["chat.postMessage"] = [("silent",)]
    started = time.monotonic()
    failure = failure_of(lambda: Slack(dataclasses.replace(settings, timeout_seconds=0.2)).post(MESSAGE, "C0PLATFORM"))
    assert time.monotonic() - started < 2
    assert failure.reason == "Slack was not reachable (TimeoutError)" and failure.maybe_sent


def test_an_earlier_post_is_found_by_its_key_and_recipient(client, slack):
    posted = client.post(MESSAGE, "C0PLATFORM")
    assert client.find(MESSAGE.alert_key, "C0PLATFORM", SINCE) == posted
    assert client.find("cap_level/team/other/2026-11/100", "C0PLATFORM", SINCE) is None
    assert client.find(MESSAGE.alert_key, "C0ELSEWHERE", SINCE) is None
    assert client.find(MESSAGE.alert_key, "C0PLATFORM", NOW + timedelta(hours=1)) is None


def test_a_direct_message_is_found_in_its_conversation(client, slack):
    posted = client.post(MESSAGE, "U0LEAD")
    assert client.find(MESSAGE.alert_key, "U0LEAD", SINCE) == posted
    assert slack.asked("conversations.open") == [{"users": "U0LEAD"}]
    assert client.find(MESSAGE.alert_key, "U0LEAD", SINCE, known_id="DU0LEAD") == posted
    assert len(slack.asked("conversations.open")) == 1


def test_a_message_to_a_named_channel_is_found_by_the_channels_id(client, slack):
    posted = client.post(MESSAGE, "#ai-platform")
    assert posted.channel == "CAI-PLATFORM"
    assert client.find(MESSAGE.alert_key, "#ai-platform", SINCE) == posted
    failure = failure_of(lambda: client.find(MESSAGE.alert_key, "#private-one", SINCE))
    assert (failure.code, failure.retry_helps) == ("channel_not_found", False)


def test_the_search_follows_pages_and_ends(client, slack):
    slack.page_size = 2
    posted = client.post(MESSAGE, "C0PLATFORM")
    for number in range(6):
        client.post(dataclasses.replace(MESSAGE, alert_key=f"other/{number}"), "C0PLATFORM")
    assert client.find(MESSAGE.alert_key, "C0PLATFORM", SINCE) == posted
    for number in range(6):
        client.post(dataclasses.replace(MESSAGE, alert_key=f"more/{number}"), "C0PLATFORM")
    assert client.find(MESSAGE.alert_key, "C0PLATFORM", SINCE) is None
    assert len(slack.asked("conversations.history")) == 4 + 5


def test_reading_is_repeated_after_an_error_of_slacks(client, slack):
    posted = client.post(MESSAGE, "C0PLATFORM")
    slack.faults["conversations.history"] = [status(503)]
    assert client.find(MESSAGE.alert_key, "C0PLATFORM", SINCE) == posted


def test_not_being_allowed_to_look_is_told_apart_from_not_finding(client, slack):
    slack.always["conversations.history"] = error("missing_scope", needed="channels:history")
    failure = failure_of(lambda: client.find(MESSAGE.alert_key, "C0PLATFORM", SINCE))
    assert (failure.code, failure.retry_helps) == ("missing_scope", False)
