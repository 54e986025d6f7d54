"""LiteLLM's records: which of their many shapes become which columns. The records of tests/data/litellm are real."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.litellm import requests, source
from tests.gateway import DATA, read, record, usage, write_lines

PAYLOADS = DATA / "litellm" / "standard_logging_payload.jsonl"


@pytest.fixture(scope="module")
def real(db):
    """The real records as the lake gets them: (start of id, or of the call's id) -> rows."""
    outcome = read(db, PAYLOADS.parent)
    assert outcome.refused == []

    def find(start: str) -> list[dict]:
        found = [row for row in outcome.kept if row["id"].startswith(start) or row["litellm_call_id"].startswith(start)]
        return sorted(found, key=lambda row: row["started_at"])

    return find


def pick(row: dict, *names: str) -> tuple:
    return tuple(row[name] for name in names)


def test_every_real_record_is_kept_with_the_numbers_that_python_reads(real):
    for line in PAYLOADS.read_text().splitlines():
        sent = json.loads(line)
        (row,) = (row for row in real(sent["litellm_call_id"]) if row["id"] == sent["id"])
        assert pick(row, "prompt_tokens", "completion_tokens") == pick(sent, "prompt_tokens", "completion_tokens")
        assert pick(row, "status", "model", "call_type", "trace_id") == pick(
            sent, "status", "model", "call_type", "trace_id"
        )
        assert row["started_at"].replace(tzinfo=UTC).timestamp() == pytest.approx(sent["startTime"], abs=1e-6)
        assert row["response_cost_usd"] == round(Decimal(sent["response_cost"]), 9)
        assert row["request_tags"] == sent["request_tags"]
        assert row["user_id"] == sent["metadata"].get("user_api_key_user_id")


def test_prompt_tokens_of_anthropic_include_cache_reads_and_writes(real):
    (row,) = real("chatcmpl-c05827e6")

    # 1,728 fresh + 90,112 read + 512 written = 92,352
    assert pick(row, "prompt_tokens", "completion_tokens") == (92_352, 848)
    assert pick(row, "cached_tokens", "cache_read_input_tokens") == (90_112, 90_112)
    assert pick(row, "cache_creation_tokens", "cache_creation_input_tokens") == (512, 512)
    assert pick(row, "ephemeral_1h_input_tokens", "reasoning_tokens") == (512, 0)
    assert pick(row, "service_tier", "response_cost_usd") == ("standard", Decimal("0.0480096"))
    assert pick(row, "custom_llm_provider", "model", "model_group") == (
        "anthropic",
        "anthropic/claude-sonnet-4-5",
        "claude-sonnet",
    )
    assert row["started_at"] == datetime(2026, 11, 23, 15, 19, 8, 603_533)
    assert row["ended_at"] == datetime(2026, 11, 23, 15, 19, 9, 940_712)


def test_people_and_tasks_are_read_from_the_metadata(real):
    (row,) = real("chatcmpl-c05827e6")

    assert pick(row, "key_alias", "user_id", "user_email", "team_id") == (
        "dave-agent-key",
        "dave",
        "dave@example.com",
        "team-platform",
    )
    assert row["key_hash"].startswith("e40de0e87f")
    assert pick(row, "task_id", "sent_session_id") == ("PLT-104", "959590c3-4353-5e13-b8d9-9594a0e92bcc")
    assert row["request_tags"][:2] == ["task:PLT-104", "agent:cline"]
    assert row["user_agent"] == "Python/3.11 aiohttp/3.14.5"


def test_the_session_of_claude_code_is_read_from_its_own_header(real):
    (row,) = real("msg_017225444a62f54fc8b965c0")

    assert row["sent_session_id"] == "959590c3-4353-5e13-b8d9-9594a0e92bcc"
    assert row["user_agent"] == "claude-cli/2.1.197 (external, cli)"


def test_a_call_without_a_session_has_a_trace_but_no_sent_session(real):
    (row,) = real("chatcmpl-9ddf0ee1ed9f4eee8efc11845dc7f")

    assert row["trace_id"] == "d6521f5d-deba-428e-84b1-e98d7ef3f5c1"
    assert pick(row, "sent_session_id", "task_id") == (None, None)


def test_a_self_hosted_model_costs_0_and_not_null(real):
    (row,) = real("chatcmpl-9ddf0ee1ed9f4eee8efc11845dc7f")

    assert pick(row, "custom_llm_provider", "response_cost_usd", "reasoning_tokens") == ("hosted_vllm", 0, 690)


def test_ids_of_the_responses_api_are_kept_whole(real):
    rows = real("resp_")

    assert sorted((len(row["id"]), row["call_type"], row["prompt_tokens"]) for row in rows) == [
        (217, "aresponses", 959),
        (217, "responses", 2_365),
        (449, "aresponses", 2_416),
        (453, "aresponses", 92_738),
    ]


def test_a_retry_is_a_failure_and_a_success_of_one_call(real):
    failure, success = real("ed8a7117")

    assert failure["litellm_call_id"] == success["litellm_call_id"]
    assert pick(failure, "status", "error_code", "prompt_tokens", "completion_tokens") == ("failure", "503", 0, 0)
    assert pick(success, "status", "error_code", "prompt_tokens", "completion_tokens") == ("success", None, 3_364, 906)


def test_a_stream_that_the_client_aborted_is_a_success_with_code_499(real):
    anthropic, openai = real("chatcmpl-9bf31712") + real("chatcmpl-dc261bee")

    assert pick(anthropic, "status", "error_code", "prompt_tokens", "completion_tokens", "cached_tokens") == (
        ("success", "499", 6_831, 5, 4_096)
    )
    assert pick(openai, "status", "error_code", "prompt_tokens", "completion_tokens") == ("success", "499", 42, 5)


def test_a_stream_whose_upstream_died_is_a_failure_with_tokens_and_without_code(real):
    anthropic, openai = real("0d232a5b") + real("1075f097")

    assert pick(anthropic, "status", "error_code", "prompt_tokens", "completion_tokens") == ("failure", None, 2_235, 7)
    assert anthropic["response_cost_usd"] == Decimal("0.00681")
    assert pick(openai, "status", "error_code", "prompt_tokens", "completion_tokens") == ("failure", None, 48, 7)


def test_a_cache_hit_of_the_gateway_has_all_tokens_no_cost_and_its_own_id(real):
    first, hit = real("chatcmpl-952e4a4642f74a68bdabdc1ab4d6b")

    assert pick(first, "cache_hit", "prompt_tokens", "completion_tokens") == (None, 2_658, 815)
    assert pick(hit, "cache_hit", "prompt_tokens", "completion_tokens") == (True, 2_658, 815)
    assert (first["response_cost_usd"], hit["response_cost_usd"]) == (Decimal("0.0114725"), 0)
    assert hit["id"] == "chatcmpl-952e4a4642f74a68bdabdc1ab4d6b_cache_hit1795447169.6340528"


@pytest.mark.parametrize(
    ("start", "code", "model", "provider"),
    [
        ("a6a508d3", "429", "anthropic/claude-sonnet-4-5", "anthropic"),
        ("9e4acbc8", "401", "anthropic/claude-sonnet-4-5", "anthropic"),
        ("e430ecdd", "408", "openai/gpt-5", "openai"),
        ("96cfd84b", "400", "no-such-model", None),
        ("19be5777", "404", "openai/gpt-5", "openai"),
        ("6c148eae", None, "openai/gpt-5", "openai"),  # an exception inside LiteLLM
    ],
)
def test_a_call_that_failed_is_kept_without_tokens(real, start, code, model, provider):
    (row,) = real(start)

    assert pick(row, "status", "error_code", "model", "custom_llm_provider") == ("failure", code, model, provider)
    assert pick(row, "prompt_tokens", "completion_tokens") == (0, 0)


def test_reasoning_of_gemini_is_part_of_its_completion(real):
    (row,) = real("2e4881b815264a83ba22aa")

    assert pick(row, "completion_tokens", "reasoning_tokens", "cached_tokens") == (76, 38, None)


def test_the_day_of_a_call_is_its_utc_time_and_not_the_folder_of_a_proxy_in_tokyo(real):
    rows = real("chatcmpl-8ea7d122") + real("chatcmpl-1d240fd8") + real("chatcmpl-fc8e90b2")

    assert [row["started_at"].date().isoformat() for row in rows] == ["2026-11-23"] * 3
    assert {row["_file"].split("/")[3] for row in rows} == {"2026-11-24"}
    assert sum(row["prompt_tokens"] for row in rows) == 300


def test_numbers_as_strings_load_by_a_safe_cast(db, logs):
    sent = record(
        prompt_tokens="100",
        completion_tokens="7",
        startTime="1795176000.25",
        response_cost="0.25",
        cache_hit="true",
        metadata=usage(cache_read_input_tokens="90"),
    )
    write_lines(logs / "a.jsonl", sent)

    (row,) = read(db, logs).kept

    assert pick(row, "prompt_tokens", "completion_tokens", "cache_read_input_tokens") == (100, 7, 90)
    assert row["started_at"] == datetime(2026, 11, 20, 12, 0, 0, 250_000)
    assert pick(row, "response_cost_usd", "cache_hit") == (Decimal("0.25"), True)


def test_what_a_record_does_not_say_is_null_and_not_0(db, logs):
    write_lines(logs / "a.jsonl", record())

    (row,) = read(db, logs).kept

    said = {"id", "status", "model", "started_at", "prompt_tokens", "completion_tokens", "key_hash", "_file", "_line"}
    assert {name for name, value in row.items() if value is not None} == said


@pytest.mark.parametrize(
    ("metadata", "session"),
    [
        (
            {"requester_metadata": {"session_id": "body"}, "requester_custom_headers": {"x-litellm-session-id": "h"}},
            "body",
        ),
        ({"requester_custom_headers": {"x-claude-code-session-id": "claude", "x-litellm-session-id": "h"}}, "claude"),
        ({"requester_custom_headers": {"x-litellm-session-id": "header"}}, "header"),
        ({"requester_custom_headers": {"x-client-request-id": "codex"}}, "codex"),
        ({"requester_metadata": "text", "requester_custom_headers": ["list"]}, None),
    ],
)
def test_a_session_may_be_sent_in_four_ways(db, logs, metadata, session):
    write_lines(logs / "a.jsonl", record(metadata={"user_api_key_hash": "key-1", **metadata}))

    assert [row["sent_session_id"] for row in read(db, logs).kept] == [session]


@pytest.mark.parametrize(
    ("sent", "task"),
    [
        ({"task_id": "PAY-1"}, "PAY-1"),
        ({"task_id": 17}, "17"),
        ({"pr": 93}, None),
        ("PAY-1", None),
        ("{oops", None),
        ([], None),
    ],
)
def test_a_client_may_send_any_spend_metadata(db, logs, sent, task):
    write_lines(logs / "a.jsonl", record(metadata={"user_api_key_hash": "key-1", "spend_logs_metadata": sent}))

    outcome = read(db, logs)

    assert [row["task_id"] for row in outcome.kept] == [task]
    assert outcome.refused == []


@pytest.mark.parametrize("proof", ["user_api_key_hash", "user_api_key_request_route", "user_agent"])
def test_metadata_is_proved_by_any_of_three_fields(db, logs, proof):
    write_lines(logs / "a.jsonl", record(metadata={proof: "x"}))

    assert read(db, logs).ids == ["call-1"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"metadata": usage(prompt_tokens_details={"cached_tokens": 11})},
            "cache reads 11 and writes 0 are more than prompt_tokens 10",
        ),
        (
            {"metadata": usage(cache_read_input_tokens=6, cache_creation_input_tokens=5)},
            "cache reads 6 and writes 5 are more than prompt_tokens 10",
        ),
        (
            {
                "metadata": usage(
                    prompt_tokens_details={"cache_creation_token_details": {"ephemeral_1h_input_tokens": 1}}
                )
            },
            "1-hour cache writes 1 are more than all 0",
        ),
        (
            {"metadata": usage(completion_tokens_details={"reasoning_tokens": 6})},
            "reasoning_tokens 6 are more than completion_tokens 5",
        ),
        ({"metadata": {"user_api_key_hash": "key-1", "usage_object": [1]}}, "metadata.usage_object is not an object"),
        ({"error_information": "timeout"}, "error_information is not an object"),
        ({"request_tags": {"task": "X"}}, """request_tags is '{"task":"X"}', expected a list"""),
    ],
)
def test_what_cannot_be_is_refused(db, logs, changes, reason):
    write_lines(logs / "a.jsonl", record(**changes))

    outcome = read(db, logs)

    assert outcome.kept == []
    assert outcome.refused == [("a.jsonl", 1, "call-1", reason)]


def test_parts_may_be_as_large_as_the_whole(db, logs):
    whole = usage(
        cache_read_input_tokens=6,
        cache_creation_input_tokens=4,
        prompt_tokens_details={"cache_creation_token_details": {"ephemeral_1h_input_tokens": 4}},
        completion_tokens_details={"reasoning_tokens": 5},
    )
    write_lines(logs / "a.jsonl", record(metadata=whole))

    assert read(db, logs).ids == ["call-1"]


def test_no_prompt_and_no_completion_is_read(db, logs):
    secret = {"role": "user", "content": "the secret"}
    sent = {"messages": [secret], "response": {"choices": [{"message": secret}]}, "proxy_server_request": secret}
    good, bad = record(id="good", **sent), record(id="bad", **sent, prompt_tokens=-1, metadata="x")
    write_lines(logs / "a.jsonl", good)
    write_lines(logs / "b.jsonl", good, bad, json.dumps(good)[:-20], json.dumps(good) + "}", json.dumps([good]))

    outcome = read(db, logs)

    assert (len(outcome.kept), len(outcome.refused)) == (2, 4)
    assert "the secret" not in repr(outcome)


def test_no_prompt_and_no_completion_of_the_real_records_is_read(db):
    text = PAYLOADS.read_text()
    assert "do it SIM:" in text
    assert "ok claude-sonnet-4-5" in text

    outcome = read(db, PAYLOADS.parent)

    assert "do it SIM:" not in repr(outcome)
    assert "ok claude-sonnet-4-5" not in repr(outcome)


def test_the_source_is_configured_by_one_variable():
    assert source.is_configured({"LITELLM_LOGS": "s3://bucket/logs"})
    assert not source.is_configured({"LITELLM_LOGS": ""})
    assert not source.is_configured({})
    assert requests.table == "litellm__requests"
