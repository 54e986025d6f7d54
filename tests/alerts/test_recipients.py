"""Who is told, and who has to act when that is not possible."""

import dataclasses

import pytest

from alerts import render_text
from alerts._message import Message
from tests.alerts.fake_slack import error
from tests.alerts.rows import developer_row, team_row


def told(slack):
    return [message["asked_channel"] for message in slack.messages]


def words(sent):
    return render_text(Message("key", sent["text"], sent["blocks"]))


def test_a_developers_alert_goes_to_the_lead_and_to_the_developer_where_known(tell, slack):
    tell([developer_row(slack_id="U0DEV")])
    assert told(slack) == ["U0LEAD", "U0DEV"]


def test_a_lead_who_is_the_developer_is_told_once(tell, slack):
    tell([developer_row(slack_id="U0LEAD")])
    assert told(slack) == ["U0LEAD"]


def test_a_developer_who_becomes_known_later_is_told_then(tell, slack):
    tell([developer_row()])
    tell([developer_row(slack_id="U0DEV")])
    assert told(slack) == ["U0LEAD", "U0DEV"]


@pytest.mark.parametrize("scope", ["team", "pool"])
def test_a_teams_and_a_pools_alert_go_to_the_teams_channel(tell, slack, scope):
    tell([team_row(scope=scope)])
    assert told(slack) == ["C0PLATFORM"]


def test_the_organisations_alert_goes_to_the_org_channel(tell, slack):
    tell([team_row(scope="org", slack_channel=None)])
    assert told(slack) == ["C0ORG"]


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        (developer_row(lead_slack_id=None), "lead_slack_id of team platform in teams.csv"),
        (
            developer_row(lead_slack_id=" ", team_id=None),
            "lead_slack_id of the team of developer dev-03, which has none",
        ),
        (team_row(slack_channel=float("nan")), "slack_channel of team platform in teams.csv"),
        (team_row(slack_channel="", team_id="*p*"), "slack_channel of team ∗p∗ in teams.csv"),
    ],
)
def test_without_an_address_the_ops_channel_reads_which_row_lacks_it(tell, slack, row, missing):
    tell([row])
    assert told(slack) == ["C0OPS"]
    assert f"Sent here because it has no address of its own: fill in {missing}.\n" in words(slack.messages[0])


def test_with_nobody_to_tell_it_is_kept_in_the_outbox_and_reported(tell, slack, settings, states, spoken):
    nobody = dataclasses.replace(settings, ops_channel="", org_channel=None)
    rows = [developer_row(lead_slack_id=None, urgency="immediate"), team_row(scope="org")]
    for _ in range(2):
        done = tell(rows, settings=nobody)
        assert [(each.recipient, each.state) for each in done] == [("unaddressed", "failed")] * 2
        assert done[0].who_must_act == "fill in lead_slack_id of team platform in teams.csv, or set the ops channel"
        assert done[1].who_must_act == "fill in the org channel setting (SLACK_ORG_CHANNEL), or set the ops channel"
        assert "dev-03 has reached 80 %" in done[0].file.read_text()
    assert slack.requests == [] and spoken == []
    tell(rows)  # somebody set the channels
    assert told(slack) == ["C0OPS", "C0ORG"]


@pytest.mark.parametrize("code", ["channel_not_found", "not_in_channel", "is_archived"])
def test_a_channel_that_refuses_is_reported_and_tried_again(tell, slack, states, code):
    slack.faults["chat.postMessage"] = [error(code), error(code)]
    for _ in range(2):
        (done,) = tell([team_row()])
        assert (done.state, done.retry_helps, done.reason) == ("failed", False, f"Slack said {code}")
        assert done.who_must_act == (
            "fix slack_channel of team platform in teams.csv (now C0PLATFORM), or invite the bot there"
        )
        assert states() == {(100, "C0PLATFORM"): "failed"}
    (done,) = tell([team_row()])  # somebody invited the bot
    assert done.state == "delivered" and len(slack.messages) == 1


def test_a_channel_replaced_after_a_refusal_is_told(tell, slack):
    slack.faults["chat.postMessage"] = [error("is_archived")]
    tell([team_row()])
    tell([team_row(slack_channel="C0NEW")])
    assert told(slack) == ["C0NEW"]


@pytest.mark.parametrize("code", ["invalid_auth", "account_inactive", "missing_scope"])
def test_a_token_that_is_refused_is_the_operators_to_fix(tell, slack, code):
    slack.faults["chat.postMessage"] = [error(code, needed="chat:write")]
    (done,) = tell([team_row()])
    assert done.retry_helps is False and "the Slack bot token" in done.who_must_act
    assert "needs the scope chat:write" in done.who_must_act
