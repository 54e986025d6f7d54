"""Codex's rollouts: calls by their records, and in older files by how much the session's total grew."""

import pytest

from connectors.codex import calls
from tests.agents import REAL, calls_of, read, rollout, said, so_far, tokens, usage
from tests.gateway import write_lines

META = rollout("session_meta", id="thread-1", session_id="thread-1", git={"branch": "fix/PAY-12"})
MODEL = rollout("turn_context", model="gpt-5.1-codex")


def record(response_id: str, used: dict, total: dict, thread: str = "thread-1", **more: str) -> dict:
    """The line of one call."""
    ids = {"thread_id": thread, "session_id": thread, "response_id": response_id}
    return rollout("token_usage_record", **more, **ids, usage=used, thread_token_usage=total)


@pytest.fixture
def written(lake, logs):
    """Lines written as rollouts (path -> lines), loaded and brought to staging."""

    def bring(files: dict[str, list[dict]]) -> list[dict]:
        for path, lines in files.items():
            write_lines(logs / path, *map(said, lines))
        return calls_of(lake, "codex", logs)

    return bring


ONE = "sessions/2026/11/20/rollout-1.jsonl"


def test_the_tokens_of_a_real_call_are_as_worked_by_hand(lake):
    first, second, third = calls_of(lake, "codex")

    # 700 fresh and 8,000 cached; of 190 out 60 were reasoning. OpenAI has no 1-hour writes.
    assert tokens(second) == (8_700, 8_000, 0, None, 190, 60)
    assert second["provider_response_id"] == "resp_763925b5c62b4fadaa0522e37bccc3d4"
    assert second["session_id"] == "01a208ff-3b2e-77b0-83b1-19cdd18ccd52"
    assert (second["raw_provider"], second["raw_model"], second["agent_name"]) == ("openai", "gpt-5.1-codex", "codex")
    # The same session a minute later: its total is 18,600, its own 9,900.
    assert tokens(third) == (9_900, 9_000, 0, None, 33, 0)
    assert tokens(first) == (4_500, 4_000, 0, None, 90, 30)


def test_older_files_are_counted_by_how_much_the_total_grew(written):
    grown = [usage(100, 80, 10, 4), usage(100, 80, 10, 4), usage(250, 200, 30, 4)]

    rows = written({ONE: [META, MODEL, *map(so_far, grown)]})

    # 100 and 10, the same again, then 150 and 20 more.
    assert [tokens(row) for row in rows] == [(100, 80, 0, None, 10, 4), (150, 120, 0, None, 20, 0)]
    assert [row["request_id"] for row in rows] == ["thread-1/110", "thread-1/280"]


def test_a_total_that_falls_began_again(written):
    rows = written({ONE: [META, MODEL, so_far(usage(100, 80, 10)), so_far(usage(40, 0, 5)), so_far(usage(60, 0, 9))]})

    assert sorted(tokens(row)[:5] for row in rows) == [(20, 0, 0, None, 4), (40, 0, 0, None, 5), (100, 80, 0, None, 10)]


def test_a_total_beside_a_record_is_the_same_call(written):
    old, new, both = usage(100, 80, 10), usage(50, 0, 5), usage(150, 80, 15)

    # Begun by an older version, taken up by a newer one.
    rows = written({ONE: [META, MODEL, so_far(old), record("resp_2", new, both), so_far(both), so_far(both)]})

    assert sorted((row["request_id"], *tokens(row)[::4]) for row in rows) == [
        ("resp_2", 50, 5),
        ("thread-1/110", 100, 10),
    ]


@pytest.mark.parametrize("total", [usage(100, 0, 10), None])
def test_a_total_is_no_second_call_whether_or_not_the_record_names_it(written, total):
    rows = written({ONE: [META, MODEL, record("resp_1", usage(100, 0, 10), total), so_far(usage(100, 0, 10))]})

    assert [(row["request_id"], *tokens(row)[::4]) for row in rows] == [("resp_1", 100, 10)]


def test_a_total_just_before_its_record_is_the_same_call(written):
    old, both = usage(100, 80, 10), usage(150, 80, 15)

    rows = written({ONE: [META, MODEL, so_far(old), so_far(both), record("resp_2", usage(50, 0, 5), both)]})

    assert [(row["request_id"], *tokens(row)[::4]) for row in rows] == [("resp_2", 50, 5), ("thread-1/110", 100, 10)]


def test_totals_that_a_fork_took_over_count_where_they_were_made(written):
    fork = rollout("session_meta", id="thread-2", session_id="thread-2", forked_from_id="thread-1")
    mine = [so_far(usage(100, 0, 10)), so_far(usage(250, 0, 20), at="2026-11-20T12:01:00.000Z")]
    # A day later all of it is written again within a moment, then the fork goes on.
    day = "2026-11-21T09:00:00"
    again = [line | {"timestamp": f"{day}.00{n}Z"} for n, line in enumerate([fork, META, MODEL, *mine])]
    own = so_far(usage(300, 0, 25), at="2026-11-21T09:00:07.000Z")

    rows = written({ONE: [META, MODEL, *mine], "sessions/rollout-2.jsonl": [*again, own]})

    assert [(row["request_id"], *tokens(row)[::4]) for row in rows] == [
        ("thread-1/110", 100, 10),
        ("thread-1/270", 150, 10),
        ("thread-2/325", 50, 5),
    ]


def test_a_total_that_is_not_there_yet_says_nothing(written):
    empty = rollout("event_msg", type="token_count", info=None)

    assert len(written({ONE: [META, MODEL, empty, so_far(usage(1, 0, 1)), empty]})) == 1


def test_a_session_that_is_resumed_days_later_goes_on_where_it_was(written):
    begun = [META, MODEL, so_far(usage(100, 80, 10))]
    later = so_far(usage(250, 200, 30), at="2026-11-22T09:00:00.000Z")

    assert [row["input_tokens"] for row in written({ONE: begun})] == [100]
    rows = written({ONE: [*begun, later]})

    assert [(str(row["utc_date"]), row["input_tokens"]) for row in rows] == [("2026-11-20", 100), ("2026-11-22", 150)]


def test_the_model_is_that_of_the_turn(written):
    other = rollout("turn_context", model="gpt-5-mini")
    grown = [so_far(usage(n, 0, 1)) for n in (1, 2, 3)]

    rows = written({ONE: [META, grown[0], MODEL, grown[1], other, grown[2]]})

    assert [row["raw_model"] for row in rows] == ["unknown", "gpt-5.1-codex", "gpt-5-mini"]


def test_a_session_that_was_archived_counts_once(written):
    lines = [META, MODEL, so_far(usage(5, 0, 1)), record("resp_1", usage(4, 0, 1), usage(9, 0, 2))]

    rows = written({"archived_sessions/rollout-1.jsonl": lines, ONE: lines})

    assert [row["request_id"] for row in rows] == ["resp_1", "thread-1/6"]


def test_records_that_a_fork_took_over_count_where_they_were_made(written):
    taken = record("resp_1", usage(5, 0, 1), usage(5, 0, 1))
    fork = rollout("session_meta", id="thread-2", session_id="thread-2")
    own = record("resp_2", usage(7, 0, 1), usage(12, 0, 2), thread="thread-2")
    # Written when the session was forked, a day later.
    again = taken | {"timestamp": "2026-11-21T12:00:00.000Z"}

    rows = written({ONE: [META, MODEL, taken], "sessions/rollout-2.jsonl": [fork, META, MODEL, again, own]})

    assert [(row["request_id"], row["session_id"]) for row in rows] == [("resp_1", "thread-1"), ("resp_2", "thread-2")]


def test_branch_and_owner_say_what_for_and_whose(written):
    lines = [META, MODEL, so_far(usage(1, 0, 1))]

    (row,) = written({f"dev-07/{ONE}": lines})

    assert (row["device"], row["task_id"], row["task_source"]) == ("dev-07", "fix/PAY-12", "git_branch")


def test_nothing_that_was_said_is_read(db, logs, lane):
    spoken = rollout("response_item", type="message", content=[{"type": "input_text", "text": "the secret"}])
    write_lines(logs / "rollout-1.jsonl", *map(said, [META, spoken, MODEL, so_far(usage(1, 0, 1))]))
    write_lines(logs / "history.jsonl", said({"session_id": "s", "text": "the secret"}))

    outcome = read(db, calls, logs)

    assert (len(outcome.kept), outcome.refused) == (1, [])
    assert "the secret" not in repr(outcome)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (record(None, usage(1, 0, 1), usage(1, 0, 1)), "payload.response_id is missing"),
        (
            record("r", {}, {}),
            "payload.usage.input_tokens is missing; payload.usage.output_tokens is missing",
        ),
        (record("r", usage(1, 2, 1), usage(1, 0, 1)), "cache reads 2 and writes 0 are more than input_tokens 1"),
        (record("r", usage(1, 0, 1, 2), usage(1, 0, 1)), "reasoning tokens 2 are more than output_tokens 1"),
        (so_far({"input_tokens": 1}), "payload.info.total_token_usage.total_tokens is missing"),
    ],
)
def test_what_cannot_be_is_refused(db, logs, lane, line, reason):
    write_lines(logs / "rollout-1.jsonl", *map(said, [META, MODEL, line]))

    outcome = read(db, calls, logs)

    assert (outcome.kept, [(line, reason) for _, line, _, reason in outcome.refused]) == ([], [(3, reason)])


def test_all_real_rollouts_are_read_without_a_refusal(db, lane):
    outcome = read(db, calls, REAL / "codex")

    assert (len(outcome.kept), outcome.refused) == (3, [])
