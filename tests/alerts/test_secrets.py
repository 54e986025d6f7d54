"""The bot token appears nowhere."""

import dataclasses
import logging
import traceback

import pytest

from alerts import DeliveryFailed, SlackSettings, discover
from alerts._slack import Slack
from tests.alerts.fake_slack import LOST_REPLY, RESET, TOKEN, error, status
from tests.alerts.rows import developer_row, team_row
from tests.secret_scan import found, written

ECHO = status(403, body=f"<html>denied: Authorization: Bearer {TOKEN}</html>")
FAULTS = [ECHO, error("invalid_auth"), error(f"no such token {TOKEN}"), status(500, body=TOKEN), RESET, LOST_REPLY]


def everything_an_exception_holds(error):
    """Its words, its traceback, its attributes, and those of the errors chained to it."""
    held = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    for chained in (error.__cause__, error.__context__):
        held += [] if chained is None else everything_an_exception_holds(chained)
    response = getattr(error, "response", None)
    return held + ([repr(vars(response))] if response is not None else [])


@pytest.mark.parametrize("fault", FAULTS)
def test_the_token_is_not_in_an_error(settings, slack, fault):
    slack.always["chat.postMessage"] = fault
    with pytest.raises(DeliveryFailed) as caught:
        Slack(settings).post(discover()["cap_level"].message(team_row()), "C0PLATFORM")
    assert not any(TOKEN in words for words in everything_an_exception_holds(caught.value))


@pytest.mark.parametrize("broken", [TOKEN[:9] + "\n" + TOKEN[9:], "“" + TOKEN + "”", TOKEN + " x", TOKEN + "\x00"])
def test_a_malformed_token_is_not_repeated(settings, broken):
    with pytest.raises(DeliveryFailed, match="malformed") as caught:
        Slack(dataclasses.replace(settings, token=broken)).post(
            discover()["cap_level"].message(team_row()), "C0PLATFORM"
        )
    assert not any(TOKEN[9:] in words for words in everything_an_exception_holds(caught.value))


def test_the_token_appears_nowhere(tell, slack, settings, outbox, ledger, caplog, capfd, spoken):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("slack_sdk").setLevel(logging.DEBUG)
    done = []
    for number, fault in enumerate([*FAULTS, None]):
        slack.faults["chat.postMessage"] = [fault] if fault else []
        done += tell([developer_row(f"dev-{number}", lead_slack_id=None)])
    done += tell([team_row(slack_channel=None)], settings=dataclasses.replace(settings, ops_channel=None))
    done += tell([team_row()], settings=dataclasses.replace(settings, token=None))
    assert any(outbox.iterdir()) and ledger.file.exists() and spoken
    shown = capfd.readouterr()
    words = (repr(settings), repr(ledger), repr(done), caplog.text, shown.out, shown.err, "".join(spoken))
    told = [("words", each.encode()) for each in words]
    assert found([TOKEN], [*told, *written(outbox), *written(ledger.file.parent)]) == set()


def test_blank_settings_are_unset_settings():
    blank = SlackSettings(token="  ", api_url="", org_channel="\n", ops_channel=None)
    assert (blank.token, blank.api_url, blank.org_channel, blank.ops_channel) == (None, None, None, None)
