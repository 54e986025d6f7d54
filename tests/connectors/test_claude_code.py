"""Claude Code's transcripts: which lines are calls, and which lines are the same one. Real ones: tests/data."""

from datetime import datetime

import pytest

from connectors.claude_code import calls, source
from tests.agents import REAL, answer, calls_of, load, read, said, staged, tokens
from tests.gateway import write_lines

A_TIME = "a time like 2026-11-20T12:00:00Z, from 2020 to tomorrow"
NOON = datetime(2026, 11, 20, 12)


@pytest.fixture
def written(lake, logs):
    """Lines written as transcripts (file -> lines), loaded and brought to staging."""

    def bring(**files: list[dict]) -> list[dict]:
        for name, lines in files.items():
            write_lines(logs / "projects" / "p" / f"{name}.jsonl", *map(said, lines))
        return calls_of(lake, "claude_code", logs)

    return bring


def test_the_tokens_of_a_real_call_are_as_worked_by_hand(lake):
    (row,) = (
        row for row in calls_of(lake, "claude_code") if row["provider_response_id"] == "msg_016236a28c1a954ce9a0c035"
    )

    # 120 fresh + 15,000 read + 800 written, all of these for an hour; reasoning is not itemised.
    assert tokens(row) == (15_920, 15_000, 800, 800, 33, None)
    assert (row["raw_provider"], row["raw_model"]) == (None, "claude-sonnet-4-5")
    assert (row["service_tier"], row["usage_quality"]) == ("standard", "reported")
    assert row["started_at"] == row["ended_at"] == datetime(2026, 11, 23, 15, 14, 3, 795_000)
    assert row["session_id"] == "b06419f5-2abe-441b-ab66-52aa65f396ad"
    assert row["provider_request_id"] == "req_01147c39e0865b444dabe9ad"
    assert (row["observer_layer"], row["route"], row["agent_name"]) == ("agent_transcript", "direct", "claude-code")


def test_a_real_call_in_four_lines_of_two_sessions_is_one_of_the_first(lake):
    rows = calls_of(lake, "claude_code")

    (row,) = (row for row in rows if row["provider_response_id"] == "msg_0167e956fc7e95423c8d264e")
    assert tokens(row) == (7_710, 7_000, 500, 0, 66, None)
    assert row["session_id"] == "145cf3d3-3ab8-45f7-9969-95b254b5f506"
    # The first block ended at .142, the fourth at .148.
    assert (row["started_at"].microsecond, row["ended_at"].microsecond) == (142_000, 148_000)


def test_the_real_transcripts_have_eleven_calls_and_one_that_failed_is_none_of_them(lake):
    rows = calls_of(lake, "claude_code")

    # 2,823 fresh + 134,500 read + 4,800 written = 142,123
    assert len(rows) == 11
    assert (sum(row["input_tokens"] for row in rows), sum(row["output_tokens"] for row in rows)) == (142_123, 777)


def test_only_answers_are_read_and_nothing_that_was_said(db, logs, lane):
    user = {"type": "user", "message": {"role": "user", "content": "the secret"}, "uuid": "u"}
    names = [{"type": "summary", "summary": "the secret"}, {"type": "mode", "mode": "normal"}, user]
    telling = answer(message__content=[{"type": "text", "text": "the secret"}])
    wrong = answer(message__content="the secret", message__usage="the secret")
    write_lines(logs / "a.jsonl", *map(said, [*names, telling]))
    write_lines(
        logs / "b.jsonl", *map(said, [*names, wrong]), '{"type": "assistant", "message": {"content": "the secret'
    )

    outcome = read(db, calls, logs)

    assert [row["message_id"] for row in outcome.kept] == ["msg_1"]
    assert [(file, line) for file, line, *_ in outcome.refused] == [("b.jsonl", 4), ("b.jsonl", 5)]
    assert "the secret" not in repr(outcome)


def test_a_half_written_last_line_is_refused_and_the_rest_goes_on(db, logs, lane):
    write_lines(logs / "a.jsonl", said(answer()), said(answer(message__id="msg_2"))[:50])

    outcome = read(db, calls, logs)

    assert [row["message_id"] for row in outcome.kept] == ["msg_1"]
    assert [(file, line) for file, line, *_ in outcome.refused] == [("a.jsonl", 2)]
    assert outcome.reasons[0].startswith("not JSON")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": None}, "written_at is missing"),
        ({"timestamp": "yesterday"}, f"written_at is 'yesterday', expected {A_TIME}"),
        ({"timestamp": "2036-11-20T12:00:00Z"}, f"written_at is '2036-11-20T12:00:00Z', expected {A_TIME}"),
        ({"message__model": None}, "model is missing"),
        ({"message__usage__output_tokens": -1}, f"output_tokens is '-1', expected a whole number, 0 to {10**12:,}"),
        ({"message__usage": None}, "fresh_input_tokens is missing; output_tokens is missing"),
        ({"message__id": None, "uuid": None}, "message_id is missing"),
        (
            {"message__usage__cache_creation__ephemeral_1h_input_tokens": 31},
            "1-hour cache writes 31 are more than all 30",
        ),
    ],
)
def test_what_cannot_be_is_refused(db, logs, lane, changes, reason):
    write_lines(logs / "a.jsonl", said(answer()), said(answer(**changes)))

    outcome = read(db, calls, logs)

    assert len(outcome.kept) == 1
    assert [(line, reason) for _, line, _, reason in outcome.refused] == [(2, reason)]


def test_times_are_utc_whatever_zone_they_are_given_in(db, logs, lane):
    write_lines(logs / "a.jsonl", said(answer(timestamp="2026-11-20T21:00:00.5+09:00")))

    assert [row["started_at"] for row in read(db, calls, logs).kept] == [datetime(2026, 11, 20, 12, 0, 0, 500_000)]


def test_a_placeholder_that_was_written_while_the_answer_streamed_loses_to_the_whole(written):
    first, last = answer(message__usage__output_tokens=1), answer(timestamp="2026-11-20T12:00:04.000Z")

    for lines in ([first, last], [last, first]):
        (row,) = written(a=lines)
        assert tokens(row) == (240, 200, 30, 0, 5, None)
        assert (row["started_at"], row["ended_at"].second) == (NOON, 4)


def test_a_fork_counts_in_the_session_that_it_came_from(written):
    copied = [answer(sessionId="fork"), answer(sessionId="fork", message__id="msg_2", requestId="req_2")]

    rows = written(a=[answer(sessionId="origin")], b=copied)

    assert [(row["provider_response_id"], row["session_id"]) for row in rows] == [
        ("msg_1", "origin"),
        ("msg_2", "fork"),
    ]


def test_a_call_of_two_requests_is_two(written):
    assert len(written(a=[answer(), answer(requestId="req_2")])) == 2


def test_a_sidechain_that_repeats_a_call_of_the_main_thread_adds_nothing(written):
    aside = answer(isSidechain=True, requestId="req_other", message__usage__output_tokens=9)

    assert [tokens(row)[4] for row in written(a=[aside], b=[answer()])] == [5]


def test_a_call_that_only_sidechains_have_counts_once(written):
    rows = written(a=[answer(isSidechain=True)], b=[answer(isSidechain=True, requestId="req_other")])

    assert len(rows) == 1


def test_a_call_without_a_message_id_is_known_by_the_line_that_a_fork_copies(written):
    nameless = answer(message__id=None)

    assert len(written(a=[nameless, answer(message__id=None, uuid="uuid-2")], b=[nameless])) == 2


def test_a_call_over_midnight_is_one_of_the_day_on_which_its_first_block_ended(written):
    late, early = answer(timestamp="2026-11-20T23:59:59.900Z"), answer(timestamp="2026-11-21T00:00:00.100Z")

    (row,) = written(a=[late, early], b=[late | {"sessionId": "fork"}, early | {"sessionId": "fork"}])

    assert (str(row["utc_date"]), str(row["ended_at"])) == ("2026-11-20", "2026-11-21 00:00:00.100000")


def test_what_claude_code_says_itself_is_no_call(written):
    failed = answer(message__model="<synthetic>", message__id="m", isApiErrorMessage=True)

    assert len(written(a=[failed, answer()])) == 1


@pytest.mark.parametrize(
    ("branch", "task", "task_source"),
    [
        ("feature/PLT-7", "feature/PLT-7", "git_branch"),
        ("main", None, None),
        ("master", None, None),
        ("HEAD", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_branch_of_its_own_is_a_task(written, branch, task, task_source):
    (row,) = written(a=[answer(gitBranch=branch)])

    assert (row["task_id"], row["task_source"]) == (task, task_source)


@pytest.mark.parametrize(
    ("path", "device"),
    [
        ("projects/p/s.jsonl", None),
        ("p/s.jsonl", None),
        ("dev-07/projects/p/s.jsonl", "dev-07"),
        ("dev-07/.claude/projects/p/s.jsonl", "dev-07"),
        (".claude/projects/p/s.jsonl", None),
        ("dev-07/projects/p/session/subagents/agent-1.jsonl", "dev-07"),
        ("projects/p/session/subagents/agent-1.jsonl", None),
    ],
)
def test_the_owner_of_a_transcript_is_the_folder_above_projects(lake, logs, path, device):
    write_lines(logs / path, said(answer()))

    assert [row["device"] for row in calls_of(lake, "claude_code", logs)] == [device]


def test_who_sold_a_call_stands_in_the_id_of_its_answer_or_is_left_to_the_name_of_its_model(written):
    ids = ("msg_1", "msg_bdrk_2", "msg_vrtx_3")

    rows = written(a=[answer(message__id=name) for name in ids])

    assert [row["raw_provider"] for row in rows] == [None, "bedrock", "vertex_ai"]


def test_fast_answers_have_a_tier_of_their_own(written):
    fast = answer(message__usage__speed="fast", message__id="msg_2")

    assert [row["service_tier"] for row in written(a=[answer(), fast])] == ["standard", "fast"]


def test_what_is_not_said_is_null_and_not_0(written):
    (row,) = written(a=[answer(message__usage={"input_tokens": 3, "output_tokens": 4})])

    assert tokens(row) == (3, None, None, None, 4, None)


def test_files_that_are_no_transcripts_are_none_of_our_business(lake, logs):
    write_lines(logs / "projects" / "p" / "a.jsonl", said(answer()))
    for name in ("sessions-index.json", "memory/notes.md", "session/tool-results/out.txt"):
        write_lines(logs / "projects" / "p" / name, "{}")

    done = load(lake, calls, logs)

    assert (done.files_read, done.quarantined) == (1, 0)


def test_the_order_in_which_files_come_does_not_matter(lake, logs, tmp_path):
    files = {
        "b/s2.jsonl": [answer(sessionId="fork"), answer(sessionId="fork", message__id="msg_2")],
        "a/s1.jsonl": [answer(message__usage__output_tokens=1), answer()],
        "a/s3.jsonl": [answer(isSidechain=True, requestId="other")],
    }
    found = []
    for number, order in enumerate((sorted(files), sorted(files, reverse=True))):
        other = type(lake)(str(tmp_path / f"lake-{number}"), lake.scratch)
        for name in order:
            write_lines(logs / str(number) / name, *map(said, files[name]))
            load(other, calls, logs / str(number))
        found.append(staged(other, "stg_claude_code__calls"))

    assert found[0] == found[1]
    assert [row["session_id"] for row in found[0]] == ["session-1", "fork"]


def test_the_source_is_configured_by_one_variable():
    assert source.is_configured({"CLAUDE_CODE_LOGS": "s3://bucket/transcripts"})
    assert not source.is_configured({})
    assert calls.table == "claude_code__calls"


def test_all_real_transcripts_are_read_without_a_refusal(db, lane):
    outcome = read(db, calls, REAL / "claude_code")

    # 26 lines of calls, and one of a call that failed.
    assert (len(outcome.kept), outcome.refused, outcome.unlisted) == (27, [], [])
