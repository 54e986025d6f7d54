"""Without a token: files instead of messages."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from alerts import _outbox
from tests.alerts.rows import developer_row, team_row


@pytest.fixture
def silent(settings):
    return dataclasses.replace(settings, token=None)


def test_without_a_token_messages_go_to_the_outbox_and_nothing_is_sent(tell, silent, slack, outbox, states, spoken):
    done = tell([developer_row(), team_row()], settings=silent)
    assert slack.requests == []
    assert [each.state for each in done] == ["rendered", "rendered"] and all(each.told for each in done)
    stem = "cap_level__developer__dev-03__2026-11__80__U0LEAD"
    other = "cap_level__team__platform__2026-11__100__C0PLATFORM"
    assert sorted(file.name for file in outbox.iterdir()) == [
        f"{stem}.json",
        f"{stem}.txt",
        f"{other}.json",
        f"{other}.txt",
    ]
    text = done[0].file.read_text()
    assert text.startswith("To: U0LEAD\n\n🟡 dev-03 has reached 80 % of its November 2026 cap\n")
    assert spoken == [each.file.read_text() for each in done]
    sent = json.loads((outbox / f"{stem}.json").read_text())
    assert sent["channel"] == "U0LEAD" and sent["metadata"]["event_type"] == "paceline_alert"


def test_a_rendered_message_is_rendered_once(tell, silent, outbox, spoken):
    tell([developer_row()], settings=silent)
    for file in outbox.iterdir():
        file.unlink()
    assert tell([developer_row()], settings=silent) == []
    assert list(outbox.iterdir()) == [] and len(spoken) == 1


def test_switching_slack_on_does_not_send_what_was_rendered(tell, silent, slack):
    tell([developer_row(level=100)], settings=silent)
    assert tell([developer_row(level=100)]) == []
    assert tell([developer_row(level=80)]) == []
    assert slack.messages == []
    assert [each.state for each in tell([team_row()])] == ["delivered"]


def test_with_a_token_nothing_is_said_on_the_console(tell, spoken, outbox):
    tell([developer_row()])
    assert spoken == [] and not outbox.exists()


NASTY = ["../../etc/passwd", "/abs", "..", ".hidden", "a\0b", "C:\\x", "x" * 500, "", "ü/ö", "a b", "nul\n"]


@pytest.mark.parametrize("name", NASTY)
def test_no_name_leads_out_of_the_outbox(tell, silent, outbox, name):
    row = developer_row(alert_key=f"cap_level/developer/{name}/80", scope_id=name or "-", lead_slack_id=f"U{name}")
    (done,) = tell([row], settings=silent)
    assert done.state == "rendered" and done.file.parent == outbox
    assert done.file.resolve().parent == outbox.resolve() and len(done.file.name.encode()) <= 200
    assert sorted(file.suffix for file in outbox.iterdir()) == [".json", ".txt"]
    assert sorted(file.name for file in outbox.parent.iterdir()) == ["outbox", "state"]


KEYS = st.text(st.sampled_from("ab/_~.-A"), max_size=8) | st.text(max_size=300)


@examples(max_examples=100, deadline=None)
@given(KEYS, KEYS, KEYS, KEYS)
def test_two_messages_never_share_a_file(key, recipient, other_key, other_recipient):
    names = _outbox.stem(key, recipient), _outbox.stem(other_key, other_recipient)
    assert (names[0] == names[1]) == ((key, recipient) == (other_key, other_recipient))
    assert all(len(name.encode()) <= 195 and "/" not in name and not name.startswith(".") for name in names)


def test_the_usual_name_needs_no_hash_and_a_double_one_gets_one():
    assert _outbox.stem("cap_level/team/a/80", "C1") == "cap_level__team__a__80__C1"
    assert _outbox.stem("cap_level/team/a__80", "C1").startswith("cap_level__team__a__80__C1~")
