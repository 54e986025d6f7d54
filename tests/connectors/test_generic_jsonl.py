"""Sources that a YAML file declares: what a mapping makes of a record, and what it says when it is wrong.

The worked mappings are examples/mappings/*.yml, their samples tests/data/generic/*.jsonl, in the documented shapes.
"""

import json
import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import _logs
from connectors._files import list_files
from connectors._logs import read_logs
from connectors._mapping import STATUSES, Declaration, Fields
from connectors.generic_jsonl import DOLLARS, DURATIONS, SECONDS, declared, events, read_mapping, source
from pipelines.settings import EXAMPLES
from tests.gateway import DATA, NOW, json_lines, write_lines

MAPPINGS = EXAMPLES / "mappings"
SMALLEST = """
name: gate
location: logs
fields:
  id: id
  started_at: at
  model: model
  input_tokens: in
  output_tokens: out
"""
COUNT = "expected a whole number, 0 to 1,000,000,000,000; a call that succeeded has no input_tokens"
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
WHO = ("user_email", "user_id", "key_alias", "team_id", "task_id", "session_id", "agent_name")


class Outcome(NamedTuple):
    """What became of a file: records, (line, id, reason) of refused lines, how many were skipped."""

    kept: list[dict]
    refused: list[tuple]
    skipped: int


def read(db, feed, folder: Path, only: str = "") -> Outcome:
    """Read the files of a folder whose names begin with `only`."""
    assert feed.refusal is None, feed.refusal
    files = [file for file in list_files(str(folder), "GENERIC_LOGS")[0] if file.key.startswith(only)]
    assert read_logs(db, feed, files, NOW) == []
    kept = db.execute(f"select {', '.join(feed.schema)} from kept order by _file, _line, started_at, id").fetchall()
    refused = db.execute("select _line, record_id, reason from refused order by all").fetchall()
    skipped = db.execute("select coalesce(sum(records), 0) from skipped").fetchall()[0][0]
    return Outcome([dict(zip(feed.schema, row, strict=True)) for row in kept], refused, int(skipped))


@pytest.fixture
def golden(db, lane):
    """The sample of a worked mapping, read in both lanes: id -> versions."""

    def rows(name: str) -> tuple[dict[str, list[dict]], Outcome]:
        outcome = read(db, read_mapping(MAPPINGS / f"{name}.yml"), DATA / "generic", f"{name}.")
        found: dict[str, list[dict]] = {}
        for row in outcome.kept:
            found.setdefault(row["id"], []).append(row)
        return found, outcome

    return rows


def pick(row: dict, *names: str) -> tuple:
    return tuple(row[name] for name in names)


def mapping(tmp_path: Path, text: str = SMALLEST, **fields: object) -> Path:
    """A mapping file, with these fields besides or in place of its own."""
    data = yaml.safe_load(text)
    data["fields"] |= fields
    path = tmp_path / "gate.yml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def record(**changes: object) -> dict:
    """The smallest record that SMALLEST takes."""
    return {"id": "call-1", "at": "2026-11-20T12:00:00Z", "model": "gpt-5", "in": 10, "out": 5} | changes


def read_one(db, tmp_path: Path, sent: dict, text: str = SMALLEST, **fields: object) -> Outcome:
    """What the mapping with these fields makes of one record."""
    write_lines(tmp_path / "logs" / "a.jsonl", sent)
    return read(db, read_mapping(mapping(tmp_path, text, **fields)), tmp_path / "logs")


# --- The worked mappings


def test_every_worked_mapping_has_a_sample_and_reads_it():
    names = {path.stem for path in MAPPINGS.glob("*.yml")}

    assert names == {path.stem for path in (DATA / "generic").glob("*.jsonl")}
    assert len(names) == 10
    for feed in declared({"GENERIC_LOGS": str(MAPPINGS)}):
        assert (feed.refusal, feed.schema) == (None, events.schema)


def test_bedrock_adds_its_three_disjoint_input_counts(golden):
    rows, outcome = golden("bedrock")
    (call,) = rows["11111111-2222-4333-8444-555555555555"]

    # 3 fresh + 120,000 read + 25,037 written = 145,040; no reasoning count and no cost in the log
    assert pick(call, *TOKENS) == (145_040, 120_000, 25_037, 913, None)
    assert pick(call, "provider", "observer_layer", "status", "reported_usd") == (
        "bedrock", "provider", "success", None,
    )  # fmt: skip
    assert call["model"].endswith("application-inference-profile/abc123")
    assert pick(call, "user_email", "team_id", "task_id") == ("dev1@example.test", "platform", "PROJ-42")
    assert call["started_at"] == datetime(2026, 11, 20, 14, 30)
    assert call["provider_request_id"] == call["id"]
    assert (outcome.refused, outcome.skipped) == ([], 1)  # a line of another schemaType


def test_bedrock_embeddings_have_no_output_and_throttled_calls_no_input(golden):
    rows, _ = golden("bedrock")
    (embedding,), (throttled,) = (rows[f"{n}{n[0] * 7}-2222-4333-8444-555555555555"] for n in "23")

    assert pick(embedding, *TOKENS, "user_email", "user_id") == (
        12, None, None, 0, None, None, "arn:aws:sts::123456789012:assumed-role/ci/build-7",
    )  # fmt: skip
    assert pick(throttled, *TOKENS, "status") == (None, None, None, 0, None, "failure")


def test_portkey_costs_are_cents_and_its_parts_come_from_the_answer(golden):
    rows, outcome = golden("portkey")
    (call,) = rows["pk-1"]

    assert pick(call, *TOKENS) == (1_200, 1_000, None, 340, 256)
    assert call["reported_usd"] == Decimal("0.0049")  # 0.49 cents
    assert pick(call, *WHO) == (
        "dev1@example.test", "dev1@example.test", "vk-platform", "platform", "PAY-1", "sess-1", None,
    )  # fmt: skip
    assert pick(call, "provider", "model", "provider_response_id", "status", "is_cache_hit", "is_session_sent") == (
        "openai", "gpt-5", "chatcmpl-1", "success", False, False,
    )  # fmt: skip
    assert (call["started_at"], call["duration_seconds"]) == (datetime(2026, 11, 20, 9, 15, 0, 250_000), 2.5)
    assert (outcome.refused, outcome.skipped) == ([], 0)


def test_portkey_cache_hits_failures_and_newer_names(golden):
    rows, _ = golden("portkey")

    assert pick(rows["pk-2"][0], "is_cache_hit", "status", "user_email", "user_id") == (True, "success", None, "u-17")
    assert pick(rows["pk-3"][0], "status", "input_tokens", "output_tokens", "user_id") == ("failure", 0, 0, None)
    assert pick(rows["pk-4"][0], "input_tokens", "output_tokens", "is_cache_hit") == (10, 2, False)
    assert rows["pk-4"][0]["reported_usd"] == Decimal("0.000125")


def test_helicone_costs_are_billionths_and_both_versions_of_a_row_are_kept(golden):
    rows, outcome = golden("helicone_anthropic")
    final, first = rows["0e1f0000-0000-4000-8000-000000000001"]

    # 1,728 fresh + 90,112 read + 512 written = 92,352
    assert pick(final, *TOKENS) == (92_352, 90_112, 512, 848, None)
    assert final["reported_usd"] == Decimal("0.0480096")
    assert pick(final, "user_email", "task_id", "session_id", "is_cache_hit") == (
        "dev1@example.test", "PLT-104", "sess-9", False,
    )  # fmt: skip
    assert final["started_at"] == datetime(2026, 11, 20, 23, 59, 58, 500_000)
    assert (final["updated_at"], first["updated_at"]) == (
        datetime(2026, 11, 21, 0, 5), datetime(2026, 11, 21, 0, 0, 2),
    )  # fmt: skip
    assert first["output_tokens"] == 0
    assert (outcome.refused, outcome.skipped) == ([], 1)  # another provider's


def test_helicone_rows_of_other_providers_have_the_cached_tokens_in_the_prompt(golden):
    rows, outcome = golden("helicone")
    (call,) = rows["0e1f0000-0000-4000-8000-000000000004"]

    assert pick(call, "provider", *TOKENS) == ("OPENAI", 1_000, 800, 0, 10, 4)
    assert (outcome.refused, outcome.skipped) == ([], 1)  # Anthropic's


def test_helicone_properties_may_be_text_and_a_cache_reference_is_a_hit(golden):
    rows, _ = golden("helicone_anthropic")

    hit, overloaded = (rows[f"0e1f0000-0000-4000-8000-00000000000{n}"][0] for n in "23")

    assert pick(hit, "is_cache_hit", "task_id", "session_id") == (True, "PLT-7", None)
    assert pick(overloaded, "status", "user_id", "task_id", "input_tokens") == ("failure", None, None, 0)


def test_cloudflare_observes_neither_cache_nor_reasoning(golden):
    rows, outcome = golden("cloudflare")
    (call,) = rows["01JD0000000000000000000001"]

    assert pick(call, *TOKENS) == (5_000, None, None, 600, None)
    assert call["reported_usd"] == Decimal("0.01225")
    assert pick(call, *WHO) == ("dev1@example.test", "dev1@example.test", None, "platform", "PAY-1", "sess-1", None)
    assert pick(call, "status", "is_cache_hit", "duration_seconds") == ("success", False, Decimal("1.834"))
    assert pick(rows["01JD0000000000000000000002"][0], "is_cache_hit", "user_id") == (True, "u-17")
    assert pick(rows["01JD0000000000000000000003"][0], "status", "user_id") == ("failure", None)
    assert (outcome.refused, outcome.skipped) == ([], 0)


def test_kong_reads_both_of_its_spellings_and_skips_other_routes(golden):
    rows, outcome = golden("kong")
    (call,) = rows["kong-1"]

    assert pick(call, *TOKENS, "total_tokens") == (2_416, 2_048, None, 700, 300, 3_116)
    assert call["reported_usd"] == Decimal("0.0075")
    assert pick(call, *WHO) == (
        "dev1@example.test", "d-1", "dev1@example.test", "platform", "PAY-1", "sess-1", "claude-cli",
    )  # fmt: skip
    assert pick(call, "provider", "model", "status") == ("openai", "gpt-5-2025-08-07", "success")
    assert (call["started_at"], call["duration_seconds"]) == (datetime(2026, 11, 20, 12, 0, 0, 250_000), 2)
    assert pick(rows["kong-3"][0], *TOKENS, "model", "user_id") == (89, None, None, 56, None, "gpt-35-turbo", "ci-bot")
    assert pick(rows["kong-4"][0], *TOKENS, "status") == (None, None, None, None, None, "failure")
    assert (outcome.refused, outcome.skipped) == ([], 1)


def test_envoy_keys_have_dots_and_a_dash_is_nothing(golden):
    rows, outcome = golden("envoy")
    (call,) = rows["envoy-1"]

    assert pick(call, *TOKENS, "total_tokens") == (92_352, 90_112, 512, 848, None, 93_200)
    assert pick(call, *WHO) == (
        "dev1@example.test", "dev1@example.test", None, "platform", "PLT-104", "sess-1", "claude-cli",
    )  # fmt: skip
    assert pick(call, "provider", "model") == ("anthropic", "claude-sonnet-4-5-20250929")
    assert (call["started_at"], call["duration_seconds"]) == (datetime(2026, 11, 20, 12, 0, 0, 250_000), 1.5)
    assert pick(rows["envoy-2"][0], *TOKENS, "status", "user_id", "model") == (
        None, None, None, None, None, "cancelled", None, "claude-sonnet-4-5",
    )  # fmt: skip
    assert pick(rows["envoy-4"][0], *TOKENS) == (41, None, None, 9, None)
    assert (outcome.refused, outcome.skipped) == ([], 1)


def test_langfuse_adds_its_disjoint_counts_and_its_total_proves_it(golden):
    rows, outcome = golden("langfuse")
    final, first = rows["obs-1"]

    # 2,140 + 1,024 cached = 3,164; 96 + 310 reasoning = 406; together 3,570, the total that Langfuse gives
    assert pick(final, *TOKENS, "total_tokens") == (3_164, 1_024, None, 406, 310, 3_570)
    assert final["reported_usd"] == Decimal("0.006863")
    assert pick(final, "user_email", "session_id", "task_id", "status", "observer_layer") == (
        "dev1@example.test", "sess-1", None, "success", "agent",
    )  # fmt: skip
    assert final["tags"] == ["team:x", "task:PAY-9", "task:PAY-7", "task_type:bugfix"]
    assert (final["started_at"], final["ended_at"]) == (
        datetime(2026, 11, 20, 13, 0, 0, 250_000), datetime(2026, 11, 20, 13, 0, 4),
    )  # fmt: skip
    assert first["updated_at"] < final["updated_at"]
    assert outcome.skipped == 1  # a span
    assert outcome.refused == [
        (
            6,
            "obs-4",
            "input_tokens 4188 and output_tokens 96 are not total_tokens 3260: input includes cache reads and writes,"
            " output includes reasoning",
        )
    ]


def test_langfuse_details_may_be_text_and_failures_have_none(golden):
    rows, _ = golden("langfuse")

    assert pick(rows["obs-2"][0], *TOKENS, "task_id") == (92_352, 90_112, 512, 848, None, "PLT-104")
    assert pick(rows["obs-3"][0], *TOKENS, "status", "ended_at") == (None, None, None, None, None, "failure", None)


def test_tensorzero_has_the_time_in_its_ids(golden):
    rows, outcome = golden("tensorzero")
    (call,) = rows["01a1f8d3-eafa-7aaa-8bbb-000000000001"]

    # 0x01a1f8d3eafa ms = 1,795,176,000,250 ms = 2026-11-20 12:00:00.25
    assert call["started_at"] == datetime(2026, 11, 20, 12, 0, 0, 250_000)
    assert pick(call, *TOKENS) == (92_352, 90_112, 512, 848, None)
    assert call["reported_usd"] == Decimal("0.0480096")
    assert pick(call, *WHO, "task_type", "is_session_sent") == (
        "dev1@example.test", "dev1@example.test", None, "platform", "PAY-1", "019a9f2e-3d00-7aaa-8bbb-0000000000bb",
        None, "review_code", False,
    )  # fmt: skip
    assert pick(rows["01a1f8d3-eee2-7aaa-8bbb-000000000002"][0], *TOKENS, "reported_usd", "user_id") == (
        92_352, None, None, 848, None, None, None,
    )  # fmt: skip
    assert rows["01a1f8d3-f2ca-7aaa-8bbb-000000000003"][0]["is_cache_hit"] is True
    assert (outcome.refused, outcome.skipped) == ([], 0)


def test_bifrost_looks_into_its_json_texts_and_skips_what_is_still_processing(golden):
    rows, outcome = golden("bifrost")
    (call,) = rows["bf-1"]

    assert pick(call, *TOKENS, "total_tokens") == (92_352, 90_112, 512, 848, 256, 93_200)
    assert call["reported_usd"] == Decimal("0.0480096")
    assert pick(call, *WHO, "key_hash") == (
        "dev1@example.test", "dev1@example.test", "platform-agents", "platform", "PLT-104", "sess-1", None, "vk-1",
    )  # fmt: skip
    assert (call["started_at"], call["duration_seconds"]) == (datetime(2026, 11, 20, 12, 0, 0, 250_000), 2.5)
    assert pick(rows["bf-2"][0], "status", "input_tokens", "task_id") == ("failure", 0, None)
    assert rows["bf-3"][0]["is_cache_hit"] is True
    assert pick(rows["bf-4"][0], *TOKENS, "task_id") == (10, None, None, 2, None, "PAY-1")
    assert (outcome.refused, outcome.skipped) == ([], 1)


def test_no_prompt_and_no_completion_of_the_samples_is_read(db):
    assert "the secret" in "".join(path.read_text() for path in (DATA / "generic").glob("*.jsonl"))

    for path in MAPPINGS.glob("*.yml"):
        assert "the secret" not in repr(read(db, read_mapping(path), DATA / "generic", f"{path.stem}."))


# --- What a value may be


@pytest.mark.parametrize(
    ("sent", "unit", "time"),
    [
        ("2026-11-20T14:30:00Z", "iso", datetime(2026, 11, 20, 14, 30)),
        ("2026-11-20T14:30:00.5+02:00", "iso", datetime(2026, 11, 20, 12, 30, 0, 500_000)),
        ("2026-11-20 14:30:00.123456", "iso", datetime(2026, 11, 20, 14, 30, 0, 123_456)),
        (1795176000.25, "epoch_s", datetime(2026, 11, 20, 12, 0, 0, 250_000)),
        (1795176000250, "epoch_ms", datetime(2026, 11, 20, 12, 0, 0, 250_000)),
        ("1795176000250000", "epoch_us", datetime(2026, 11, 20, 12, 0, 0, 250_000)),
        ("1795176000250000000", "epoch_ns", datetime(2026, 11, 20, 12, 0, 0, 250_000)),
        ("01A1F8D3-EAFA-7aaa-8bbb-000000000001", "uuid_v7", datetime(2026, 11, 20, 12, 0, 0, 250_000)),
    ],
)
def test_a_time_may_be_written_in_six_ways(db, tmp_path, sent, unit, time):
    (row,) = read_one(db, tmp_path, record(at=sent), started_at={"path": "at", "as": unit}).kept

    assert row["started_at"] == time


@pytest.mark.parametrize(
    ("sent", "unit", "expected"),
    [
        ("1795176000", "iso", "an ISO 8601 time (UTC where it names no zone), from 2020 to tomorrow"),
        (1795176000250, "epoch_s", "seconds since 1970, from 2020 to tomorrow"),
        (1795176000, "epoch_ms", "milliseconds since 1970, from 2020 to tomorrow"),
        ("01a1f8d3-eafa-4aaa-8bbb-000000000001", "uuid_v7", "a UUIDv7, from 2020 to tomorrow"),
    ],
)
def test_a_time_in_another_unit_is_refused_in_words_of_the_mapping(db, tmp_path, sent, unit, expected):
    outcome = read_one(db, tmp_path, record(at=sent), started_at={"path": "at", "as": unit})

    assert outcome.refused == [(1, "call-1", f"started_at is '{str(sent)[:40]}', expected {expected}")]


@pytest.mark.parametrize(
    ("sent", "unit", "dollars"),
    [
        (0.5, "usd", "0.5"),
        ("1.25e-5", "usd", "0.0000125"),
        (49, "cents", "0.49"),
        (1234567, "micro_usd", "1.234567"),
        (48009600, "nano_usd", "0.0480096"),
        (0, "cents", "0"),
    ],
)
def test_a_cost_becomes_dollars(db, tmp_path, sent, unit, dollars):
    (row,) = read_one(db, tmp_path, record(cost=sent), reported_usd={"path": "cost", "as": unit}).kept

    assert row["reported_usd"] == Decimal(dollars)


@pytest.mark.parametrize(
    ("parts", "tokens"),
    [
        ({"a": 1, "b": 20, "c": 300}, 321),
        ({"a": 1, "c": "300"}, 301),
        ({"a": 0}, 0),
        ({"b": 20}, None),  # without the first part nothing is known
        ({}, None),
    ],
)
def test_a_sum_needs_its_first_part(db, tmp_path, parts, tokens):
    fields = {"input_tokens": {"sum": ["u.a", "u.b", "u.c"]}, "status": {"constant": "failure"}}

    (row,) = read_one(db, tmp_path, record(u=parts), **fields).kept

    assert row["input_tokens"] == tokens


@pytest.mark.parametrize(
    ("field", "said", "sent", "value"),
    [
        ("user_id", "a.b", {"a": {"b": "x"}}, "x"),
        ("user_id", 'a."b.c"', {"a": {"b.c": "x"}}, "x"),
        ("user_id", 'a."b\\"c"', {"a": {'b"c': "x"}}, "x"),
        ("user_id", "a[1].b", {"a": [{}, {"b": "x"}]}, "x"),
        ("user_id", "a.b", {"a": None}, None),
        ("user_id", "a.b", {"a": "text"}, None),
        ("user_id", "a", {"a": ""}, None),
        ("user_id", "a", {"a": 17}, "17"),
        ("user_id", {"first": ["a", "b.c"]}, {"a": "", "b": {"c": "x"}}, "x"),
        ("user_id", {"first": ["a", "b"], "default": "nobody"}, {}, "nobody"),
        ("user_id", {"path": "a", "match": "[^/]+$"}, {"a": "role/dev-1"}, "dev-1"),
        ("user_id", {"path": "a", "match": "user=(\\w+)"}, {"a": "x;user=dev1;y"}, "dev1"),
        ("user_id", {"path": "a", "match": "[0-9]+"}, {"a": "none"}, None),
        ("tags", "a", {"a": ["x", "y"]}, ["x", "y"]),
        ("status", {"path": "a", "as": "http_status"}, {"a": 201}, "success"),
        ("status", {"path": "a", "as": "http_status"}, {"a": 499}, "cancelled"),
        ("status", {"path": "a", "as": "http_status"}, {"a": "503"}, "failure"),
        ("status", {"path": "a", "map": {"OK": "success"}, "otherwise": "failure"}, {"a": "odd"}, "failure"),
        ("status", "a", {"a": "cancelled"}, "cancelled"),
        ("is_estimated", "a", {"a": True}, True),
        ("is_cache_hit", {"path": "a", "map": {"HIT": "true"}, "otherwise": "false"}, {"a": "MISS"}, False),
        ("is_cache_hit", {"path": "a", "map": {"HIT": "true"}}, {}, None),
        ("is_cache_hit", {"path": "a", "map": {"none": "false"}, "otherwise": "true"}, {}, None),
        ("is_cache_hit", {"path": "a", "otherwise": "true"}, {"a": "some id"}, True),
    ],
)
def test_a_value_is_found_where_the_mapping_says(db, tmp_path, lane, field, said, sent, value):
    (row,) = read_one(db, tmp_path, record(**sent), **{field: said}).kept

    assert row[field] == value


def test_what_the_mapping_does_not_name_is_null_and_not_0(db, tmp_path):
    (row,) = read_one(db, tmp_path, record()).kept

    said = {"id", "started_at", "model", "input_tokens", "output_tokens", "status", "source_name", "observer_layer"}
    assert {name for name, value in row.items() if value is not None} == said | {"_file", "_line"}
    assert pick(row, "source_name", "observer_layer", "status") == ("gate", "gateway", "success")


@pytest.mark.parametrize(
    ("changes", "fields", "reason"),
    [
        ({"in": None}, {}, "a call that succeeded has no input_tokens"),
        ({"out": None}, {}, "a call that succeeded has no output_tokens"),
        ({"in": -1}, {}, f"input_tokens is '-1', {COUNT}"),
        (
            {"c": "x"},
            {"input_tokens": {"sum": ["in", "c"]}},
            f"input_tokens is 'x', {COUNT}",
        ),
        ({"c": 11}, {"cache_read_tokens": "c"}, "cache reads 11 and writes 0 are more than input_tokens 10"),
        ({"c": 11}, {"cache_write_tokens": "c"}, "cache reads 0 and writes 11 are more than input_tokens 10"),
        ({"c": 6}, {"reasoning_tokens": "c"}, "reasoning_tokens 6 are more than output_tokens 5"),
        (
            {"c": 3},
            {"cache_write_tokens": {"constant": "2"}, "cache_write_1h_tokens": "c"},
            "1-hour cache writes 3 are more than all 2",
        ),
        ({"s": "odd"}, {"status": "s"}, "status is 'odd', expected one of success, failure, cancelled"),
        ({}, {"status": "s"}, "status is missing"),
        (
            {"s": "teapot"},
            {"status": {"path": "s", "as": "http_status"}},
            "status is 'teapot', expected an HTTP status",
        ),
        (
            {"h": "odd"},
            {"is_cache_hit": {"path": "h", "map": {"HIT": "true", "MISS": "false"}}},
            "is_cache_hit is 'odd', expected one of HIT, MISS",
        ),
        ({"h": "odd"}, {"is_cache_hit": "h"}, "is_cache_hit is 'odd', expected true or false"),
        ({"c": "free"}, {"reported_usd": "c"}, "reported_usd is 'free', expected a number"),
        ({"t": "x"}, {"tags": "t"}, "tags is 'x', expected a list"),
        ({"u": "x" * 1001}, {"user_id": "u"}, "user_id has more than 1000 characters"),
        ({"model": None}, {}, "model is missing"),
    ],
)
def test_what_cannot_be_is_refused(db, tmp_path, lane, changes, fields, reason):
    outcome = read_one(db, tmp_path, record(**changes), **fields)

    assert (outcome.kept, outcome.refused) == ([], [(1, "call-1", reason)])


@pytest.mark.parametrize(
    ("where", "kinds"),
    [
        ("{kind: call}", ["call"]),
        ("{kind: [call, embedding]}", ["call", "embedding"]),
        ("{kind: {not: [span, call]}}", ["embedding", None]),
        ('{kind: {exists: "true"}}', ["call", "embedding", "span"]),
        ('{kind: {exists: "false"}}', [None]),
        ('{kind: {not: span, exists: "true"}, model: gpt-5}', ["call", "embedding"]),
        ("{model: other}", []),
    ],
)
def test_records_that_where_leaves_out_are_skipped_and_counted(db, tmp_path, lane, where, kinds):
    sent = [record(id=str(kind), kind=kind) for kind in ("call", "embedding", "span", None)]
    path = write_lines(tmp_path / "logs" / "a.jsonl", *sent)
    text = SMALLEST + f"  user_id: kind\nwhere: {where}\n"

    outcome = read(db, read_mapping(mapping(tmp_path, text)), path.parent)

    assert sorted((row["user_id"] for row in outcome.kept), key=str) == sorted(kinds, key=str)
    assert (outcome.refused, outcome.skipped) == ([], 4 - len(kinds))


def test_what_is_skipped_may_be_of_any_shape_but_must_be_an_object(db, tmp_path, lane):
    write_lines(
        tmp_path / "logs" / "a.jsonl",
        {"kind": "span", "at": "never", "in": -1},
        "42",
        "[]",
        '{"kind"',
        record(kind="call"),
    )
    text = SMALLEST + "where: {kind: call}\n"

    outcome = read(db, read_mapping(mapping(tmp_path, text)), tmp_path / "logs")

    assert ([row["id"] for row in outcome.kept], outcome.skipped) == (["call-1"], 1)
    assert [line for line, *_ in outcome.refused] == [2, 3, 4]


@pytest.mark.parametrize("broken", ["{oops", "plain text"])
def test_a_json_text_that_is_no_json_is_refused_and_an_empty_one_is_nothing(db, tmp_path, lane, broken):
    text = SMALLEST + "  user_id: meta.user\njson_texts: [meta]\n"
    sent = [
        record(id=name, meta=value) for name, value in {"a": broken, "b": "", "c": None, "d": {"user": "u"}}.items()
    ]
    write_lines(tmp_path / "logs" / "a.jsonl", *sent)

    outcome = read(db, read_mapping(mapping(tmp_path, text)), tmp_path / "logs")

    assert [pick(row, "id", "user_id") for row in outcome.kept] == [("b", None), ("c", None), ("d", "u")]
    assert outcome.refused == [(1, "a", "meta is not JSON")]


# --- What a mapping may say, and how it is told what is wrong


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: gate", "name: Gate", "line 2: name: is 'Gate': expected lower-case words with _ between, at most 40"),
        ("name: gate", "name: events", "line 2: name: is 'events': expected lower-case words"),
        ("name: gate\n", "", "line 2: name: is missing: expected a name."),
        ("location: logs\n", "", "line 2: location: is missing: expected a folder or s3://bucket/prefix."),
        ("location: logs", "location:", "line 3: location: is nothing: expected a valid string."),
        ("location: logs", "location: logs\nlocation: more", "line 4: location: stands here twice: expected it once."),
        ("location: logs", "place: logs", "line 3: place: is not known: expected one of fields, json_texts, location,"),
        ("  model: model\n", "", "line 4: fields.model: is missing: expected the path at which it stands."),
        ("model: model", "modell: model", "line 7: fields.modell: is not known: expected one of agent_name,"),
        ("id: id", "id: a..b", "line 5: fields.id.path: is 'a..b': expected keys with dots between, such as"),
        ("id: id", "id: {path: a, frist: [b]}", "line 5: fields.id.frist: is not known: expected one of constant,"),
        ("id: id", "id: {}", "line 5: fields.id: expected exactly one of path, first, constant."),
        ("id: id", "id: {path: a, constant: b}", "line 5: fields.id: expected exactly one of path, first, constant."),
        ("id: id", "id: {sum: [a]}", "line 5: fields.id.sum: is not known"),
        ("id: id", "id: {path: a, match: '('}", "line 5: fields.id.match: is '(': expected a regular expression"),
        ("at: at", "at: {path: at, as: epoch}", "line 6: fields.started_at.as: is 'epoch': expected 'iso', 'epoch_s',"),
        ("in: in", "in: in", None),
        ("id: id", "id: id\n  duration_seconds: d", "line 6: fields.duration_seconds.as: is missing: expected one"),
        (
            "id: id",
            "id: id\n  status:\n    path: s\n    map:\n      a: success\n      b: worked",
            "line 10: fields.status.map.b: is 'worked': expected 'success', 'failure' or 'cancelled'.",
        ),
        ("fields:", "where: {kind: {like: x}}\nfields:", "line 4: where.kind.like: is not known: expected one of"),
        ("fields:", "where: {kind: {}}\nfields:", "line 4: where.kind: expected at least one of is, not, exists."),
        ("fields:", "where: {kind: ~}\nfields:", "line 4: where.kind: is nothing: expected"),
        ("fields:", "where: {a..b: x}\nfields:", "line 4: where.a..b: is 'a..b': expected keys with dots between"),
        ("fields:", "observer_layer: proxy\nfields:", "line 4: observer_layer: is 'proxy': expected 'gateway',"),
        ("fields:", "restated_days: 99\nfields:", "line 4: restated_days: is '99': expected"),
        ("fields:", "fields: [", "line 6: expected YAML that can be read"),
        ("fields:", "&x fields:", None),
        ("fields:", "other: *x\nfields:", "line 4: *x: expected no aliases."),
        ("fields:", "? [a]\n: b\nfields:", "line 4: expected a name before the colon."),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_field_and_what_was_expected(tmp_path, old, new, told):
    text = SMALLEST.replace("started_at: at", "at: at").replace(old, new, 1).replace("  at: ", "  started_at: ")
    (tmp_path / "gate.yml").write_text(text)

    refusal = read_mapping(tmp_path / "gate.yml").refusal

    if told is None:
        assert refusal is None
    else:
        assert any(line.startswith(f"gate.yml, {told}") for line in refusal.splitlines()), refusal
        assert refusal.endswith("Retrying does not help until the mapping is corrected.")


def test_all_mistakes_of_a_mapping_are_told_at_once(tmp_path):
    text = SMALLEST.replace("id: id", "id: ''").replace("model: model", "modell: model")
    (tmp_path / "gate.yml").write_text(text)

    lines = read_mapping(tmp_path / "gate.yml").refusal.splitlines()

    assert [line.split(": ")[1] for line in lines[:-1]] == ["fields.id.path", "fields.model", "fields.modell"]


@pytest.mark.parametrize("content", [b"", b"- a\n", b"text", b"\xff\xfe\x00", b"[" * 60 + b"]" * 60, b"[" * 9000])
def test_a_file_that_is_no_mapping_at_all_is_told_by_its_name(tmp_path, content):
    (tmp_path / "My gateway!.yml").write_bytes(content)

    feed = read_mapping(tmp_path / "My gateway!.yml")

    assert feed.name == "my_gateway"
    assert feed.refusal.startswith("My gateway!.yml")
    assert "expected" in feed.refusal


def test_yaml_does_not_turn_words_into_other_things(db, tmp_path):
    text = SMALLEST + "  user_id: {constant: no}\n  team_id: {constant: 007}\nwhere: {flag: on}\n"
    (tmp_path / "gate.yml").write_text(text)
    write_lines(tmp_path / "logs" / "a.jsonl", record(flag="on"))

    (row,) = read(db, read_mapping(tmp_path / "gate.yml"), tmp_path / "logs").kept

    assert pick(row, "user_id", "team_id") == ("no", "007")


def test_a_folder_of_mappings_gives_a_feed_each_and_a_wrong_one_stops_no_other(tmp_path):
    (tmp_path / "a.yml").write_text(SMALLEST)
    (tmp_path / "b.yaml").write_text(SMALLEST.replace("name: gate", "name: other").replace("id: id", "id: {}"))
    (tmp_path / "c.yml").write_text(SMALLEST)
    (tmp_path / "gate_notes.txt").write_text("no mapping")

    first, wrong, again = source.configured_feeds({"GENERIC_LOGS": str(tmp_path)})

    assert (first.table, first.refusal, first.location) == ("generic_jsonl__gate", None, str(tmp_path / "logs"))
    assert (wrong.table, "b.yaml, line 5" in wrong.refusal) == ("generic_jsonl__other", True)
    assert again.table == "generic_jsonl__c"
    assert again.refusal.startswith(f"c.yml: name: 'gate' is taken by another file of {tmp_path}")


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_a_place_without_mappings_is_refused_by_the_name_of_the_variable(tmp_path, place):
    (tmp_path / "empty").mkdir()

    (feed,) = source.configured_feeds({"GENERIC_LOGS": str(tmp_path / place)})

    expected = f"GENERIC_LOGS is '{tmp_path / place}': expected a .yml file, or a folder of them."
    assert feed.refusal.startswith(expected)


def test_the_source_is_configured_by_one_variable():
    assert not source.is_configured({})
    assert source.configured_feeds({"GENERIC_LOGS": ""}) == ()
    assert source.feeds_in({}) == (events,)
    (feed,) = source.configured_feeds({"GENERIC_LOGS": str(MAPPINGS / "kong.yml")})
    assert feed.table == "generic_jsonl__kong"


def test_a_location_may_be_a_bucket_or_a_folder_beside_the_mapping_or_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/dev-07")
    for location, path in (
        ("s3://b/p", "s3://b/p"), ("../x", f"{tmp_path}/../x"), ("/var/log/x", "/var/log/x"),
        ("~/x", "/home/dev-07/x"), ("~nobody-07/x", f"{tmp_path}/~nobody-07/x"),
    ):  # fmt: skip
        feed = read_mapping(mapping(tmp_path, SMALLEST.replace("location: logs", f"location: {location}")))
        assert (feed.location, feed.located_by) == (path, "location (gate.yml, line 2)")


def test_the_folder_of_mappings_may_be_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    mapping(tmp_path)

    (feed,) = declared({"GENERIC_LOGS": "~"})

    assert feed.refusal is None


def test_another_mapping_is_another_reading_and_another_place_is_not(tmp_path):
    reading = read_mapping(mapping(tmp_path)).reading

    assert read_mapping(mapping(tmp_path, SMALLEST.replace("location: logs", "location: more"))).reading == reading
    assert read_mapping(mapping(tmp_path, input_tokens={"sum": ["in", "cached"]})).reading != reading
    assert read_mapping(mapping(tmp_path, started_at={"path": "at", "as": "epoch_s"})).reading != reading


def test_the_page_about_mappings_names_every_field_and_every_unit():
    page = (MAPPINGS / "README.md").read_text()

    for word in [*Fields.model_fields, *Declaration.model_fields, *SECONDS, *DOLLARS, *DURATIONS, *STATUSES]:
        assert f"`{word}`" in page or f"\n{word}:" in page, word


# --- Paths, texts and patterns are data

NASTY = [
    "'", "''); drop table kept; --", '"', "$$", "{}", "{0}", "\\", "/", "~", "~0", "*", "$", "?", "%s", "a b", "ü🚀",
    "*.x", "$.x", "Id", "record", "filename", "_file", "found", "\n", "\u2028", "0", "null", "#", "`",
]  # fmt: skip


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_that_a_mapping_says_becomes_sql(db, tmp_path, lane, nasty):
    path = '"' + nasty.replace("\\", "\\\\").replace('"', '\\"') + '"'
    text = SMALLEST + "where: {}\n"
    data = yaml.safe_load(text)
    data["where"] = {path: {"is": nasty}}
    data["missing"] = [nasty + "x"]
    fields = {
        "user_id": f"{path}",
        "team_id": {"constant": nasty},
        "key_alias": {"path": "a", "default": nasty},
        "session_id": f"deep.{path}",
        "status": {"path": path, "map": {nasty: "cancelled"}},
        "task_id": {"path": "gone"},
    }
    sent = record(**{"deep": {nasty: "found"}, "gone": nasty + "x"}) | {nasty: nasty}
    write_lines(tmp_path / "logs" / "a.jsonl", sent)

    outcome = read(db, read_mapping(mapping(tmp_path, yaml.safe_dump(data), **fields)), tmp_path / "logs")

    (row,) = outcome.kept
    assert pick(row, "user_id", "team_id", "key_alias", "session_id", "status", "task_id") == (
        nasty, nasty, nasty, "found", "cancelled", None,
    )  # fmt: skip


# --- Any lines and any mapping at all

few = settings(max_examples=60, deadline=None)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-1, 20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
LIKELY = st.sampled_from(
    ["7", 7, "2026-11-20T12:00:00Z", 1795447148.5, "1795447148", "", "x", "{", "[", True, [], {}, "call", '{"a": 1}']
)
KEYS = ["id", "at", "model", "in", "out", "kind", "meta", "cost", "tags", "took", "hit", "state", "parts"]
RECORDS = st.fixed_dictionaries({}, optional={key: LIKELY | ANY_JSON for key in KEYS})
WIDE = """
name: wide
location: logs
missing: ["-", "x"]
json_texts: [meta]
where: {kind: {not: [span, 7]}}
fields:
  id: id
  started_at: at
  ended_at: {first: [meta.end, at]}
  updated_at: {path: at, as: epoch_s}
  duration_seconds: {path: took, as: ms}
  model: {first: [model, meta.model], default: unknown}
  status: {path: state, default: "200", as: http_status}
  is_cache_hit: {path: hit, map: {call: "true"}, otherwise: "false"}
  input_tokens: {sum: [in, meta.a, parts]}
  cache_read_tokens: meta.a
  output_tokens: out
  reported_usd: {path: cost, as: nano_usd}
  user_id: {path: parts, match: "([a-z]+)"}
  tags: tags
"""


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    path = tmp_path_factory.mktemp("wide") / "wide.yml"
    path.write_text(WIDE)
    return read_mapping(path)


@few
@given(st.lists(RECORDS.map(lambda sent: record() | sent) | ANY_JSON, min_size=1, max_size=4))
@example([record(kind="span"), record(kind=7), 42, None])
def test_any_json_line_is_kept_refused_or_skipped_alike_in_both_lanes(db, wide, lines):
    with tempfile.TemporaryDirectory() as folder:
        content = [json.dumps(line) for line in lines]
        write_lines(Path(folder) / "alone.jsonl", *content)
        write_lines(Path(folder) / "slow.jsonl", *content, "bad")  # one bad line sends its file to the slow lane
        whole = _logs.SMALL_FILE_BYTES
        try:
            _logs.SMALL_FILE_BYTES = 0
            alone, slow = (read(db, wide, Path(folder), only) for only in ("alone", "slow"))
        finally:
            _logs.SMALL_FILE_BYTES = whole

    assert len(alone.kept) + len(alone.refused) + alone.skipped == len(lines)
    assert len(slow.refused) == len(alone.refused) + 1
    assert slow.skipped == alone.skipped
    place = dict.fromkeys(["_file", "_line"])
    assert sorted((row | place for row in alone.kept), key=repr) == sorted((row | place for row in slow.kept), key=repr)
    for row in alone.kept:
        assert row["id"] and row["model"]
        assert datetime(2020, 1, 1) <= row["started_at"] <= datetime(2026, 11, 25, 12)
        assert row["status"] in ("success", "failure", "cancelled")
        assert row["input_tokens"] is None or row["input_tokens"] >= (row["cache_read_tokens"] or 0)


@few
@given(st.lists(st.binary(max_size=30) | st.sampled_from(json_lines([record()]).splitlines()), max_size=5))
def test_every_line_of_any_bytes_is_kept_refused_or_skipped(db, wide, lines):
    data = b"\n".join(line.replace(b"\n", b" ").replace(b"\r", b" ") for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.jsonl").write_bytes(data)

        outcome = read(db, wide, Path(folder))

    found = [line.removeprefix(b"\xef\xbb\xbf") if n == 0 else line for n, line in enumerate(data.split(b"\n"))]
    assert len(outcome.kept) + len(outcome.refused) + outcome.skipped == sum(1 for line in found if line.strip())


@few
@given(st.text(min_size=1, max_size=6).filter(lambda key: "\0" not in key and key not in record()), st.text(max_size=6))
def test_any_key_can_be_named_and_any_text_be_meant(db, key, text):
    path = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    with tempfile.TemporaryDirectory() as folder:
        said = mapping(Path(folder), user_id=f"deep.{path}", team_id={"constant": text + "x"})
        write_lines(Path(folder) / "logs" / "a.jsonl", json.dumps(record(deep={key: "found"})))

        outcome = read(db, read_mapping(said), Path(folder) / "logs")

    assert [pick(row, "user_id", "team_id") for row in outcome.kept] == [("found", text + "x")]
