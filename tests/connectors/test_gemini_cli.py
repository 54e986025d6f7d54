"""Gemini CLI's chats: messages, said once or again."""

import pytest

from connectors.gemini_cli import calls
from tests.agents import REAL, calls_of, read, said, tokens
from tests.gateway import write_lines

HEAD = {"sessionId": "session-1", "projectHash": "p", "startTime": "2026-11-20T12:00:00.000Z", "kind": "main"}
COUNTS = {"input": 100, "output": 20, "cached": 60, "thoughts": 7, "tool": 3, "total": 130}


def message(**changes: object) -> dict:
    """A line of a chat that tells of a call."""
    line = {
        "id": "m1",
        "timestamp": "2026-11-20T12:00:01.000Z",
        "type": "gemini",
        "tokens": COUNTS,
        "model": "gemini-3-pro",
    }
    return line | changes  # fmt: skip


@pytest.fixture
def written(lake, logs):
    """Lines written as chats (path -> lines), loaded and brought to staging."""

    def bring(*lines: dict, path: str = "tmp/p/chats/session-1.jsonl", **more: list[dict]) -> list[dict]:
        for name, some in {path: lines, **more}.items():
            write_lines(logs / name, *map(said, some))
        return calls_of(lake, "gemini_cli", logs)

    return bring


def test_the_tokens_of_a_real_call_are_as_worked_by_hand(lake):
    (row,) = calls_of(lake, "gemini_cli")

    # 600 fresh and 5,000 cached; 100 out and 50 thoughts; writing to the cache costs nothing.
    assert tokens(row) == (5_600, 5_000, 0, 0, 150, 50)
    assert (row["request_id"], row["session_id"]) == (
        "c39a313a-03e6-4563-910d-c8797009223f",
        "e78d3688-5cdd-4924-9591-021bf2f85240",
    )
    assert (row["raw_provider"], row["raw_model"], row["agent_name"]) == ("gemini", "gemini-2.5-pro", "gemini-cli")


def test_what_tools_gave_is_input_and_thoughts_are_output(written):
    # 100 + 3 and 20 + 7: together the total of 130.
    assert [tokens(row) for row in written(HEAD, message())] == [(103, 60, 0, 0, 27, 7)]


def test_a_message_that_is_said_again_counts_once_and_whole(written):
    begun = message(tokens=COUNTS | {"output": 1, "thoughts": 0})

    rows = written(HEAD, begun, message(), {"$set": {"messages": [begun, message(), message(id="m2")]}})

    assert [(row["request_id"], tokens(row)[4]) for row in rows] == [("m1", 27), ("m2", 27)]


def test_messages_of_people_and_such_without_counts_are_no_calls(written):
    user = message(id="u1", type="user", tokens=None)

    assert len(written(HEAD, user, message(id="m0", tokens=None), {"$set": {"lastUpdated": "now"}}, message())) == 1


def test_the_session_is_that_of_the_first_line_and_the_owner_that_of_the_folder(written):
    (row,) = written(HEAD, message(), path="dev-07/tmp/p/chats/session-1.jsonl")

    assert (row["session_id"], row["device"]) == ("session-1", "dev-07")
    assert (row["task_id"], row["task_source"]) == (None, None)


def test_nothing_that_was_said_is_read(db, logs, lane):
    spoken = message(content="the secret", thoughts=["the secret"])
    again = {"$set": {"messages": [{"id": "u", "type": "user", "content": [{"text": "the secret"}]}]}}
    write_lines(logs / "chats" / "session-1.jsonl", *map(said, [HEAD, again, spoken]))
    write_lines(logs / "logs.json", '[{"message": "the secret"}]')

    outcome = read(db, calls, logs)

    assert (len(outcome.kept), outcome.refused) == (1, [])
    assert "the secret" not in repr(outcome)


def test_a_chat_of_an_older_version_is_told_as_unreadable(db, logs):
    write_lines(logs / "tmp" / "p" / "chats" / "session-1.json", "{", "}")
    write_lines(logs / "tmp" / "p" / "logs.json", "[]")  # no chat

    outcome = read(db, calls, logs)

    assert [(file.key, file.reason) for file in outcome.unlisted] == [
        ("tmp/p/chats/session-1.json", "the name ends in none of .jsonl, .jsonl.gz")
    ]


def test_a_half_written_last_line_is_refused_and_the_rest_goes_on(db, logs, lane):
    write_lines(logs / "chats" / "session-1.jsonl", said(HEAD), said(message()), said(message(id="m2"))[:60])

    outcome = read(db, calls, logs)

    assert [row["message_id"] for row in outcome.kept] == ["m1"]
    assert [(file, line) for file, line, *_ in outcome.refused] == [("chats/session-1.jsonl", 3)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (message(model=None), "said.model is missing"),
        (message(timestamp=None), "said.timestamp is missing"),
        (message(tokens={"input": 1}), "said.tokens.output is missing"),
        (message(tokens=COUNTS | {"cached": 104}), "cached 104 is more than input 100 and tool use 3"),
        ({"$set": {"messages": [message(id=None)]}}, "said.id is missing"),
    ],
)
def test_what_cannot_be_is_refused(db, logs, lane, line, reason):
    write_lines(logs / "chats" / "session-1.jsonl", *map(said, [HEAD, line]))

    outcome = read(db, calls, logs)

    assert (outcome.kept, [(line, reason) for _, line, _, reason in outcome.refused]) == ([], [(2, reason)])


def test_the_real_chat_is_read_without_a_refusal(db, lane):
    outcome = read(db, calls, REAL / "gemini_cli")

    assert (len(outcome.kept), outcome.refused) == (1, [])
