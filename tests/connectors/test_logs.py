"""Files of JSON lines: which are found, which of their lines are kept, and where and why the others were refused."""

import gzip
import io
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import _files, _logs
from connectors._contract import Field
from connectors._errors import SourceRefused
from connectors._files import lines, list_files
from connectors._logs import read_logs
from connectors.litellm import requests
from tests.gateway import DATA, NOW, json_lines, read, read_files, record, usage, write_lines

pytestmark = pytest.mark.usefixtures("lane")

# The 8 good records of the batch file of which tests/data/bad_lines holds damaged copies.
GOOD = [
    "msg_01d1e02a2afe7d42d6a1ce18",
    "msg_0157f22de6670749548ce340",
    "msg_01b7137318457041248fd027",
    "msg_018e48037feb3f486eb1edec",
    "msg_0101beb879fdd0435daadad1",
    "msg_01207d5ce917a649f0aec06e",
    "msg_01f87c1977a3034056b6398c",
    "msg_01350b8da842cf425f8adec9",
]
COUNT = "expected a whole number, 0 to 1,000,000,000,000"
TIME = "expected seconds since 1970, from 2020 to tomorrow"
WRONG_TYPES = (
    "metadata is not an object, or has no key hash, route and user agent"
    f"; started_at is 'yesterday', {TIME}; prompt_tokens is '12,345', {COUNT}"
    """; request_tags is '{"task":"X"}', expected a list"""
)
BAD_LINES = {
    "01_truncated_json.jsonl": (GOOD[:7], [(8, None, "not JSON: Unterminated string")]),
    "02_binary_junk.jsonl": (GOOD[:2], [(2, None, "not JSON: 'utf-8' codec can't decode byte 0xbb in position 1")]),
    "03_wrong_types.jsonl": (
        [GOOD[0], "wrongtype-0002", GOOD[1]],
        [
            (2, "wrongtype-0001", WRONG_TYPES),
            (4, None, "a JSON int, expected an object"),
            (5, None, "a JSON list, expected an object"),
            (6, None, "a JSON NoneType, expected an object"),
        ],
    ),
    "04_negative_tokens.jsonl": (
        GOOD[:1],
        [(2, "negative-0001", f"prompt_tokens is '-500', {COUNT}; completion_tokens is '-3', {COUNT}")],
    ),
    "05_missing_id.jsonl": (GOOD[:1], [(line, None, "id is missing") for line in (2, 3, 4)]),
    "06_future_date.jsonl": (
        GOOD[:1],
        [(2, "future-0001", f"started_at is '1924992000.0', {TIME}; ended_at is '1924992002.0', {TIME}")],
    ),
    "07_10mb_line.jsonl.gz": ([GOOD[1], "big-line-0001", GOOD[2]], []),
    "08_duplicate_id_different_content.jsonl": ([GOOD[0], GOOD[0]], []),
    "09_bom.jsonl": (GOOD, []),
    "10_crlf.jsonl": (GOOD, []),
    "11_empty.jsonl": ([], []),
    "12_blank_lines_and_no_newline.jsonl": (GOOD[:2], []),
    "13_cache_read_exceeds_input.jsonl": (
        [],
        [(1, "inconsistent-0001", "cache reads 17761 and writes 159 are more than prompt_tokens 16762")],
    ),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_refused_with_its_place_and_reason_and_the_rest_is_kept(db, logs, name):
    shutil.copy(DATA / "bad_lines" / name, logs)
    ids, refused = BAD_LINES[name]

    outcome = read(db, logs)

    assert sorted(outcome.ids) == sorted(ids)
    assert [(file, line, id) for file, line, id, _ in outcome.refused] == [(name, line, id) for line, id, _ in refused]
    for reason, (*_, expected) in zip(outcome.reasons, refused, strict=True):
        assert reason.startswith(expected)
    assert outcome.unread == []


def test_all_bad_files_together_end_as_each_does_alone(db, logs):
    for name in BAD_LINES:
        shutil.copy(DATA / "bad_lines" / name, logs)

    outcome = read(db, logs)

    for name, (ids, refused) in BAD_LINES.items():
        assert sorted(row["id"] for row in outcome.kept if row["_file"] == name) == sorted(ids)
        assert [line for file, line, *_ in outcome.refused if file == name] == [line for line, *_ in refused]


def test_a_bom_and_crlf_change_no_number(db, logs):
    for name in ("09_bom.jsonl", "10_crlf.jsonl"):
        shutil.copy(DATA / "bad_lines" / name, logs)

    outcome = read(db, logs)

    for name in ("09_bom.jsonl", "10_crlf.jsonl"):
        rows = [row for row in outcome.kept if row["_file"] == name]
        assert sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows) == 249_766


def test_a_bom_crlf_and_blank_lines_do_not_move_line_numbers(db, logs):
    (logs / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + json_lines([record(), "", "  ", "bad"]).replace(b"\n", b"\r\n"))

    outcome = read(db, logs)

    assert outcome.ids == ["call-1"]
    assert [(line, reason[:8]) for _, line, _, reason in outcome.refused] == [(4, "not JSON")]


def test_all_reasons_of_a_line_are_given_together(db, logs):
    write_lines(logs / "a.jsonl", record(status="", prompt_tokens=-1, cache_hit="perhaps", response_cost="much"))

    (reason,) = read(db, logs).reasons

    assert reason == (
        f"status is missing; cache_hit is 'perhaps', expected true or false; prompt_tokens is '-1', {COUNT}"
        "; response_cost_usd is 'much', expected a number"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompt_tokens": 10.0}, f"prompt_tokens is '10.0', {COUNT}"),
        ({"prompt_tokens": "1e3"}, f"prompt_tokens is '1e3', {COUNT}"),
        ({"prompt_tokens": " 10"}, f"prompt_tokens is ' 10', {COUNT}"),
        ({"prompt_tokens": True}, f"prompt_tokens is 'true', {COUNT}"),
        ({"prompt_tokens": None}, "prompt_tokens is missing"),
        ({"prompt_tokens": 10**12 + 1}, f"prompt_tokens is '1000000000001', {COUNT}"),
        ({"startTime": 1795447148603}, f"started_at is '1795447148603', {TIME}"),  # milliseconds
        ({"startTime": "2026-11-20T12:00:00Z"}, f"started_at is '2026-11-20T12:00:00Z', {TIME}"),
        ({"startTime": 1577836799}, f"started_at is '1577836799', {TIME}"),  # one second before 2020
        ({"startTime": (NOW + timedelta(days=1, seconds=1)).timestamp()}, f"started_at is '1795608001.0', {TIME}"),
        ({"endTime": 0}, f"ended_at is '0', {TIME}"),
        ({"model": ""}, "model is missing"),
        ({"metadata": None}, "metadata is not an object, or has no key hash, route and user agent"),
    ],
)
def test_a_value_that_is_none_is_refused_by_name(db, logs, changes, reason):
    write_lines(logs / "a.jsonl", record(id="good"), record(**changes))

    outcome = read(db, logs)

    assert outcome.ids == ["good"]
    assert outcome.refused == [("a.jsonl", 2, "call-1", reason)]


def test_the_first_second_of_2020_and_the_last_of_tomorrow_are_kept(db, logs):
    write_lines(logs / "a.jsonl", record(startTime=1577836800), record(startTime=1795608000))

    assert [row["started_at"] for row in read(db, logs).kept] == [datetime(2020, 1, 1), datetime(2026, 11, 25, 12)]


@pytest.mark.parametrize(
    "changes",
    [
        {"error_information": "oops"},
        {"error_information": "{oops"},
        {"request_tags": "[oops"},
        {"metadata": usage() | {"usage_object": "{oops"}},
    ],
)
def test_a_text_where_an_object_belongs_costs_its_own_line_only(db, logs, changes):
    write_lines(logs / "a.jsonl", record(id="before"), record(id="bad", **changes), record(id="after"))

    outcome = read(db, logs)

    assert outcome.ids == ["before", "after"]
    assert [(line, id) for _, line, id, _ in outcome.refused] == [(2, "bad")]
    assert outcome.unread == []


def test_absurd_counts_cost_their_own_line_only(db, logs):
    most = 2**63 - 1
    absurd = record(id="bad", prompt_tokens=most, metadata=usage(cache_read_input_tokens=most, cached_tokens=most))
    absurd["metadata"]["usage_object"]["cache_creation_input_tokens"] = most
    write_lines(logs / "a.jsonl", record(id="before"), absurd, record(id="after"))

    outcome = read(db, logs)

    assert outcome.ids == ["before", "after"]
    assert outcome.reasons[0].startswith(f"prompt_tokens is '{most}', {COUNT}")


def test_a_value_that_stops_duckdb_costs_its_own_line_only(db, logs):
    stops = Field("VARCHAR", "case model when 'stop' then error('no such model') else model end", required=True)
    feed = replace(requests, fields={**requests.fields, "model": stops})
    forged = {"paceline_key": "other.jsonl", "paceline_line": 99}
    write_lines(logs / "a.jsonl", record(), record(model="stop", **forged), record(id="call-3"), "bad")
    write_lines(logs / "b.jsonl", record(id="call-4"))

    unread = read_logs(db, feed, list_files(str(logs), "LITELLM_LOGS")[0], NOW)

    assert unread == []
    kept = db.execute("select id from kept order by all").fetchall()
    assert kept == [("call-1",), ("call-3",), ("call-4",)]
    refused = db.execute("select _file, _line, reason from refused order by all").fetchall()
    assert [place for *place, _ in refused] == [["a.jsonl", 2], ["a.jsonl", 4]]
    assert refused[0][2].startswith("DuckDB stopped at it") and "no such model" in refused[0][2]


def test_two_objects_in_one_line_are_one_bad_line(db, logs):
    one = json_lines([record()]).strip()
    write_lines(logs / "a.jsonl", one + one, one + b" " + one, one + b"\r" + one)

    outcome = read(db, logs)

    assert outcome.kept == []
    assert [line for _, line, *_ in outcome.refused] == [1, 2, 3]


def test_a_json_array_in_one_line_is_one_bad_line(db, logs):
    (logs / "a.json").write_bytes(b"[" + json_lines([record()]).strip() + b"]")

    assert read(db, logs).refused == [("a.json", 1, None, "a JSON list, expected an object")]


def test_a_line_that_only_python_can_read_is_refused(db, logs):
    lone_surrogate = json_lines([record(id="\ud800")]).strip()
    second_bom = b"\xef\xbb\xbf" + json_lines([record()]).strip()
    write_lines(logs / "a.jsonl", lone_surrogate, record(id="good"), second_bom)

    outcome = read(db, logs)

    assert outcome.ids == ["good"]
    reason = "JSON that Python can read and DuckDB cannot"
    assert outcome.refused == [("a.jsonl", 1, None, reason), ("a.jsonl", 3, None, reason)]


def test_a_record_cannot_forge_its_place(db, logs):
    write_lines(logs / "a.jsonl", record(paceline_key="other.jsonl", paceline_line=99), "bad")

    outcome = read(db, logs)

    assert [(row["_file"], row["_line"]) for row in outcome.kept] == [("a.jsonl", 1)]


# --- Packed and damaged files


def test_the_lines_before_the_damage_of_a_gzip_file_are_kept_and_the_file_is_named(db, logs):
    packed = gzip.compress(json_lines(record(id=f"call-{n}", pad=os.urandom(9000).hex()) for n in range(9)))
    (logs / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    write_lines(logs / "b.jsonl", record(id="other file"))

    outcome = read(db, logs)

    assert outcome.ids[:4] == ["call-0", "call-1", "call-2", "call-3"]
    assert outcome.ids[-1] == "other file"
    reason = "file: not read to its end (EOFError: Compressed file ended before the end-of-stream marker was reached)"
    assert outcome.refused[-1] == ("a.jsonl.gz", None, None, reason)
    assert [bad.key for bad in outcome.unread] == ["a.jsonl.gz"]


def test_a_gzip_file_without_its_last_bytes_keeps_all_its_lines_and_is_named(db, logs):
    (logs / "a.jsonl.gz").write_bytes(gzip.compress(json_lines([record(), record(id="call-2")]))[:-4])

    outcome = read(db, logs)

    assert outcome.ids == ["call-1", "call-2"]
    assert [bad.key for bad in outcome.unread] == ["a.jsonl.gz"]


def test_a_file_that_only_claims_to_be_gzip_is_named(db, logs):
    write_lines(logs / "a.jsonl.gz", record())

    outcome = read(db, logs)

    assert outcome.kept == []
    assert outcome.reasons == ["file: not read to its end (BadGzipFile: Not a gzipped file (b'{\"'))"]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "A.JSONL.GZ"])
@pytest.mark.parametrize("more", [[], ["bad"]])
def test_packed_files_are_read_whatever_the_case_of_their_ending(db, logs, name, more):
    # Two gzip members, as after `cat a.gz b.gz`.
    packed = gzip.compress(json_lines([record()])) + gzip.compress(json_lines([record(id="call-2"), *more]))
    (logs / name).write_bytes(packed)

    outcome = read(db, logs)

    assert outcome.ids == ["call-1", "call-2"]
    assert [line for _, line, *_ in outcome.refused] == [3] * len(more)


def test_an_empty_gzip_file_is_no_error(db, logs):
    (logs / "a.jsonl.gz").write_bytes(b"")

    assert read(db, logs) == ([], [], [], [])


def test_a_line_over_the_limit_is_refused_and_the_next_one_read(db, logs, monkeypatch):
    monkeypatch.setattr(_logs, "LONGEST_LINE_BYTES", 1024**2)
    write_lines(logs / "a.jsonl", record(pad="x" * 1024**2), record(id="short"), "bad")

    outcome = read(db, logs)

    assert outcome.ids == ["short"]
    assert outcome.refused[0] == ("a.jsonl", 1, None, "the line is longer than 1 MiB")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"abc\nabcd\nab\n", [(1, b"abc"), (2, None), (3, b"ab")]),
        (b"abc\nabcdefghijk\n\nabc", [(1, b"abc"), (2, None), (3, b""), (4, b"abc")]),
        (b"abcd", [(1, None)]),
        (b"ab\r\na\r\n", [(1, b"ab"), (2, b"a")]),
        (b"", []),
    ],
)
def test_a_line_may_be_as_long_as_the_limit(data, found):
    assert list(lines(io.BytesIO(data), longest=3)) == found


def test_a_file_that_vanishes_before_it_is_read_stops_nothing(db, logs):
    write_lines(logs / "a.jsonl", record())
    write_lines(logs / "b.jsonl", record(id="call-2"))
    files, _ = list_files(str(logs), "LITELLM_LOGS")
    (logs / "a.jsonl").unlink()

    outcome = read_files(db, files)

    assert outcome.ids == ["call-2"]
    assert [bad.key for bad in outcome.unread] == ["a.jsonl"]
    assert "FileNotFoundError" in outcome.reasons[0]


# --- Names and listings

NAMES = [
    "a[1].jsonl", "a*b.jsonl", "a?.jsonl", "{a,b}.jsonl", "it's.jsonl", 'say "a".jsonl', "a b.jsonl",
    "ünï-日本-🚀.jsonl", "new\nline.jsonl", "100%20.jsonl", "back\\slash.jsonl", "$1;--.jsonl", "~.jsonl", "#a.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_any_name(db, logs, name):
    # Beside names that would match, were these names patterns.
    for other in ("a1.jsonl", "ab.jsonl", "axb.jsonl"):
        write_lines(logs / other, record(id=other))
    write_lines(logs / name, record(id=name))

    good = read(db, logs)
    write_lines(logs / name, record(id=name), "bad")
    bad = read(db, logs)

    for outcome in (good, bad):
        assert sorted((row["id"], row["_file"]) for row in outcome.kept) == sorted(
            (file, file) for file in ("a1.jsonl", "ab.jsonl", "axb.jsonl", name)
        )
    assert [(file, line) for file, line, *_ in bad.refused] == [(name, 2)]


@pytest.mark.parametrize("name", ["[x] *?", "it's", "ünï 日本"])
def test_a_folder_and_the_location_may_have_any_name(db, tmp_path, name):
    write_lines(tmp_path / name / name / "a.jsonl", record())
    write_lines(tmp_path / name / "b.jsonl", record(id="call-2"), "bad")

    outcome = read(db, tmp_path / name)

    assert {(row["id"], row["_file"]) for row in outcome.kept} == {("call-2", "b.jsonl"), ("call-1", f"{name}/a.jsonl")}
    assert [(file, line) for file, line, *_ in outcome.refused] == [("b.jsonl", 2)]


def test_a_name_that_is_not_utf8_is_reported_and_stops_nothing(db, logs):
    write_lines(logs / "good.jsonl", record())
    Path(os.fsdecode(os.fsencode(logs) + b"/caf\xe9.jsonl")).write_bytes(b"")

    outcome = read(db, logs)

    assert outcome.ids == ["call-1"]
    assert [(bad.key, bad.reason) for bad in outcome.unlisted] == [("caf\\xe9.jsonl", "file: the name is not UTF-8")]


def test_a_key_is_relative_to_the_location_however_that_is_written(db, logs, monkeypatch):
    write_lines(logs / "2026-11-20" / "a.jsonl", record())
    monkeypatch.chdir(logs.parent)

    for location in (str(logs), f"{logs}/", "logs", "./logs/../logs/"):
        (file,), _ = list_files(location, "LITELLM_LOGS")
        assert (file.key, file.folder) == ("2026-11-20/a.jsonl", "2026-11-20")


def test_every_usual_ending_is_read_and_any_other_is_reported(db, logs):
    for name in ("a.json", "b.jsonl", "c.ndjson", "d.JSON"):
        write_lines(logs / name, record(id=name))
    for name in ("e.json.gz", "f.jsonl.gz", "g.ndjson.gz"):
        (logs / name).write_bytes(gzip.compress(json_lines([record(id=name)])))
    for name in ("notes.txt", "h.jsonl.zst", "requests.jsonl.1", "json"):
        write_lines(logs / name, record(id=name))

    outcome = read(db, logs)

    assert sorted(row["id"][0] for row in outcome.kept) == list("abcdefg")
    assert sorted(bad.key for bad in outcome.unlisted) == ["h.jsonl.zst", "json", "notes.txt", "requests.jsonl.1"]
    expected = "the name ends in none of .json, .jsonl, .ndjson, .json.gz, .jsonl.gz, .ndjson.gz"
    assert {bad.reason for bad in outcome.unlisted} == {expected}


def test_dot_files_and_half_finished_copies_are_passed_over(db, logs):
    for name in (".DS_Store", ".a.jsonl", "a.jsonl.tmp", "b.jsonl.part"):
        write_lines(logs / name, record())

    assert read(db, logs) == ([], [], [], [])


def test_what_cannot_be_read_below_the_location_is_reported_and_the_rest_is_read(db, logs, monkeypatch):
    write_lines(logs / "good.jsonl", record())
    write_lines(logs / "closed.jsonl", record(id="closed"))
    write_lines(logs / "closed" / "a.jsonl", record(id="in a closed folder"))
    (logs / "dangling.jsonl").symlink_to(logs / "nowhere.jsonl")
    (logs / "folder.jsonl").mkdir()
    os.mkfifo(logs / "pipe.jsonl")
    may, scan = os.access, os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("closed.jsonl") and may(path, mode))
    monkeypatch.setattr(os, "scandir", scandir)

    outcome = read(db, logs)

    assert outcome.ids == ["call-1"]
    assert sorted((bad.key, bad.reason) for bad in outcome.unlisted) == [
        ("closed", "folder: Permission denied"),
        ("closed.jsonl", "file: Permission denied"),
        ("dangling.jsonl", "file: No such file or directory"),
    ]


def test_a_linked_file_is_read_and_a_linked_folder_is_reported(db, logs, tmp_path):
    write_lines(tmp_path / "elsewhere" / "a.jsonl", record())
    (logs / "linked.jsonl").symlink_to(tmp_path / "elsewhere" / "a.jsonl")
    (logs / "linked").symlink_to(tmp_path / "elsewhere")
    (logs / "2026-11-20").mkdir()
    (logs / "latest").symlink_to(logs / "2026-11-20")  # is read at its own place

    outcome = read(db, logs)

    assert [row["_file"] for row in outcome.kept] == ["linked.jsonl"]
    assert [(bad.key, bad.reason) for bad in outcome.unlisted] == [("linked", "folder: links are not followed")]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("no/such/folder", "LITELLM_LOGS is 'no/such/folder': there is no such folder. Retrying does not help"),
        (__file__, "there is no such folder"),
        ("gs://bucket/logs", "LITELLM_LOGS is 'gs://bucket/logs': expected a folder or s3://bucket/prefix"),
        ("s3://", "LITELLM_LOGS is 's3://': expected a folder or s3://bucket/prefix"),
    ],
)
def test_a_wrong_location_is_refused_by_the_name_of_its_variable(location, words):
    with pytest.raises(SourceRefused) as refusal:
        list_files(location, "LITELLM_LOGS")

    assert words in str(refusal.value)


def test_a_closed_location_is_refused_by_the_name_of_its_variable(logs, monkeypatch):
    monkeypatch.setattr(_files.os, "access", lambda path, mode: False)

    with pytest.raises(SourceRefused, match="LITELLM_LOGS is .*: this user may not read it. Grant read access."):
        list_files(str(logs), "LITELLM_LOGS")


# --- Any file at all

FRAGMENTS = [json_lines([record()]).strip(), b"{", b"}", b'{"id": "x"}', b"[]", b"null", b"42", b"\r", b"\xef\xbb\xbf"]
TEXT_LINES = st.lists(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=20), max_size=4).map(b"".join))
few = settings(max_examples=60, deadline=None)


@few
@example(b"{")
@given(TEXT_LINES.map(b"\n".join))
def test_every_line_that_is_not_blank_is_kept_or_refused(db, data):
    found = [line.removeprefix(b"\xef\xbb\xbf") if n == 0 else line for n, line in enumerate(data.split(b"\n"))]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.jsonl").write_bytes(data)

        outcome = read(db, Path(folder))

    assert len(outcome.kept) + len(outcome.refused) == sum(1 for line in found if line.strip())
    assert outcome.unread == []


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-1, 20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
LIKELY = st.sampled_from(["7", 7, "0", 1795447148.5, "1795447148", 1.8e9, "", "x", "{", "[", True, "t", [], {}, ["a"]])
VALUE = LIKELY | ANY_JSON
NESTED = {
    "metadata": {
        **dict.fromkeys(["user_api_key_hash", "user_agent", "user_api_key_user_id", "spend_logs_metadata"], VALUE),
        "usage_object": {
            **dict.fromkeys(["cache_read_input_tokens", "cache_creation_input_tokens", "service_tier"], VALUE),
            "prompt_tokens_details": {"cached_tokens": VALUE, "cache_creation_tokens": VALUE},
            "completion_tokens_details": {"reasoning_tokens": VALUE},
        },
        "requester_metadata": {"session_id": VALUE},
        "requester_custom_headers": {"x-claude-code-session-id": VALUE},
    },
}


def some_of(shape: dict) -> st.SearchStrategy[dict]:
    """Objects with any of these keys; each holds what belongs there or anything else."""
    inner = {key: some_of(kind) | VALUE if isinstance(kind, dict) else kind for key, kind in shape.items()}
    return st.fixed_dictionaries({}, optional=inner)


CHANGES = some_of({key: NESTED.get(key, VALUE) for key in requests.json_columns})


@few
@given(st.lists(CHANGES.map(lambda changes: record() | changes), min_size=1, max_size=3))
def test_whatever_a_record_holds_it_is_kept_sound_or_refused_in_either_lane(db, records):
    with tempfile.TemporaryDirectory() as folder:
        write_lines(Path(folder) / "alone.jsonl", *records)
        write_lines(Path(folder) / "slow.jsonl", *records, "bad")  # one bad line sends all of its file to the slow lane
        outcome = read(db, Path(folder))

    alone, slow = ([row for row in outcome.kept if row["_file"] == name] for name in ("alone.jsonl", "slow.jsonl"))
    refused = [file for file, *_ in outcome.refused]
    assert len(alone) + refused.count("alone.jsonl") == len(records)
    assert refused.count("slow.jsonl") == refused.count("alone.jsonl") + 1
    assert outcome.unread == []
    place = dict.fromkeys(["_file", "_line"])
    assert sorted((row | place for row in alone), key=repr) == sorted((row | place for row in slow), key=repr)
    for row in alone:
        assert row["id"]
        assert datetime(2020, 1, 1) <= row["started_at"] <= datetime(2026, 11, 25, 12)
        counts = [row[name] for name, field in requests.fields.items() if field.type == "BIGINT"]
        assert all(count is None or 0 <= count <= 10**12 for count in counts)
        assert row["prompt_tokens"] is not None
        assert row["completion_tokens"] is not None


def test_a_folder_may_lie_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.json").write_text("{}")
    (file,), unreadable = list_files("~/logs", "LITELLM_LOGS")
    assert (file.key, file.path, unreadable) == ("a.json", str(tmp_path / "logs" / "a.json"), [])
