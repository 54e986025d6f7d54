"""OpenTelemetry: of every agent one event per call, whatever else it sends of it. Real lines: tests/data."""

from datetime import datetime
from decimal import Decimal

import pytest

from connectors.otel import calls
from tests.agents import REAL, calls_of, otlp, read, said, tokens
from tests.gateway import write_lines

NANOS = "1795176000250000000"  # 2026-11-20 12:00:00.25 UTC
GEMINI = {  # As Gemini CLI 0.61.0 wrote them into its own file of another format.
    "session.id": "e78d3688-5cdd-4924-9591-021bf2f85240", "installation.id": "6844d91e-84cb-4f12-89a6-9223eedeed42",
    "event.name": "gemini_cli.api_response", "event.timestamp": "2026-11-23T15:21:22.213Z", "model": "gemini-2.5-pro",
    "duration_ms": 69, "input_token_count": 5600, "output_token_count": 100, "cached_content_token_count": 5000,
    "thoughts_token_count": 50, "tool_token_count": 0, "total_token_count": 5750,
    "prompt_id": "e78d3688-5cdd-4924-9591-021bf2f85240", "status_code": 200, "role": "main",
}  # fmt: skip
TWIN = {
    "session.id": "e78d3688-5cdd-4924-9591-021bf2f85240", "event.name": "gen_ai.client.inference.operation.details",
    "event.timestamp": "2026-11-23T15:21:22.213Z", "gen_ai.operation.name": "generate_content",
    "gen_ai.request.model": "gemini-2.5-pro", "gen_ai.usage.input_tokens": 5600, "gen_ai.usage.output_tokens": 100,
}  # fmt: skip


def claude(**changes: object) -> dict:
    """Claude Code's event of a call: 10 fresh, 200 read, 30 written, 5 out, after 1,500 ms."""
    values = {
        "event.name": "api_request", "event.timestamp": "2026-11-20T12:00:00.250Z", "event.sequence": 3,
        "session.id": "s1", "user.id": "hash-of-device", "model": "claude-sonnet-4-5", "input_tokens": 10,
        "cache_read_tokens": 200, "cache_creation_tokens": 30, "output_tokens": 5, "duration_ms": 1500,
        "request_id": "req_1", "cost_usd": 0.25,
    } | {name.replace("__", "."): value for name, value in changes.items()}  # fmt: skip
    kept = {name: value for name, value in values.items() if value is not None}
    return {"timeUnixNano": NANOS, "observedTimeUnixNano": NANOS, "attributes": kept}


def span(span_id: str = "b7", **changes: object) -> dict:
    """A span of the GenAI conventions: 100 in, 20 out, over two seconds."""
    values = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5",
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20,
    } | {name.replace("__", "."): value for name, value in changes.items()}  # fmt: skip
    return {
        "traceId": "a1",
        "spanId": span_id,
        "startTimeUnixNano": "1795175998250000000",
        "endTimeUnixNano": NANOS,
        "attributes": {name: value for name, value in values.items() if value is not None},
    }


@pytest.fixture
def sent(lake, logs):
    """Lines as a collector writes them, loaded and brought to staging."""

    def bring(*lines: dict, name: str = "logs.jsonl") -> list[dict]:
        write_lines(logs / name, *map(said, lines))
        return calls_of(lake, "otel", logs)

    return bring


def test_the_tokens_of_a_real_call_of_claude_code_are_as_worked_by_hand(lake):
    (row,) = (row for row in calls_of(lake, "otel") if row["request_id"] == "req_0119d3ede0e2de441548028b")

    # 210 fresh + 7,000 read + 500 written; which of these for an hour it does not say.
    assert tokens(row) == (7_710, 7_000, 500, None, 66, None)
    assert (row["provider_request_id"], row["reported_usd"]) == (row["request_id"], Decimal("0.005595"))
    # It ended at .168 after 84 ms.
    assert row["started_at"] == datetime(2026, 11, 23, 15, 22, 19, 84_000)
    assert row["ended_at"] == datetime(2026, 11, 23, 15, 22, 19, 168_000)
    assert (row["task_id"], row["task_source"], row["gateway_team_id"]) == ("PLT-7", "resource_attribute", "platform")
    # It may be Bedrock's or another's: the name of the model tells.
    assert (row["raw_provider"], row["raw_model"]) == (None, "claude-sonnet-4-5")
    assert (row["session_id"], row["agent_name"]) == ("145cf3d3-3ab8-45f7-9969-95b254b5f506", "claude-code")
    assert row["device"] == "fa2268694ad02e05b631c604ef5d7b6c62341e990b752bd9d75d2ab188785033"
    assert (row["observer_layer"], row["route"]) == ("agent_telemetry", "direct")


def test_the_tokens_of_a_real_call_of_codex_are_as_worked_by_hand(lake):
    (row,) = (row for row in calls_of(lake, "otel") if row["input_tokens"] == 8_700)

    # 700 fresh and 8,000 cached; of 190 out 60 were reasoning. Its time is not where OTLP has it.
    assert tokens(row) == (8_700, 8_000, 0, None, 190, 60)
    assert row["started_at"] == row["ended_at"] == datetime(2026, 11, 23, 15, 21, 14, 419_000)
    assert (row["raw_provider"], row["raw_model"], row["agent_name"]) == ("openai", "gpt-5.1-codex", "codex")
    assert (row["session_id"], row["task_id"]) == ("01a208ff-3b2e-77b0-83b1-19cdd18ccd52", "PLT-8")


def test_the_tokens_of_a_call_of_gemini_cli_are_as_worked_by_hand(sent):
    (row,) = sent(otlp({"attributes": GEMINI}, resource={"service.name": "gemini-cli", "task.id": "MOB-3"}))

    # 600 fresh and 5,000 cached; 100 out and 50 thoughts: the total of 5,750.
    assert tokens(row) == (5_600, 5_000, 0, 0, 150, 50)
    assert (row["agent_name"], row["raw_model"], row["task_id"]) == ("gemini-cli", "gemini-2.5-pro", "MOB-3")
    assert row["device"] == "6844d91e-84cb-4f12-89a6-9223eedeed42"
    assert row["started_at"] == datetime(2026, 11, 23, 15, 21, 22, 144_000)


def test_what_tools_gave_gemini_is_input(sent):
    (row,) = sent(otlp({"attributes": GEMINI | {"tool_token_count": 40}}))

    assert tokens(row) == (5_640, 5_000, 0, 0, 150, 50)


def test_the_real_lines_have_nine_calls_and_those_of_claude_code_are_those_of_its_transcripts(lake, tmp_path):
    other = type(lake)(str(tmp_path / "other"), lake.scratch)
    by_request = {row["provider_request_id"]: row for row in calls_of(other, "claude_code")}

    rows = calls_of(lake, "otel")

    # Six of eleven calls were made with telemetry on.
    of_claude = [row for row in rows if row["agent_name"] == "claude-code"]
    assert (len(rows), len(of_claude)) == (9, 6)
    for row in of_claude:
        twin = by_request[row["provider_request_id"]]
        assert tokens(row)[:3] == tokens(twin)[:3]
        assert (row["output_tokens"], row["session_id"]) == (twin["output_tokens"], twin["session_id"])


def test_the_gen_ai_twin_of_a_call_is_not_a_second_one(sent):
    assert len(sent(otlp({"attributes": GEMINI}, {"attributes": TWIN}))) == 1


def test_metrics_and_other_events_are_no_calls(db, logs, lane):
    write_lines(logs / "metrics.jsonl", said({"resourceMetrics": [{"scopeMetrics": []}]}))
    others = [claude(event__name=name) for name in ("user_prompt", "api_error", "tool_result")]
    write_lines(logs / "logs.jsonl", said(otlp(*others, claude())), said(otlp()))
    write_lines(logs / "empty.jsonl", said({"resourceLogs": []}))

    outcome = read(db, calls, logs)

    assert ([row["event"] for row in outcome.kept], outcome.refused) == (["claude_code.api_request"], [])


@pytest.mark.parametrize(
    "value",
    [
        {"intValue": 120}, {"intValue": "120"}, {"stringValue": "120"},
        {"doubleValue": 120}, {"doubleValue": 120.0}, {"doubleValue": "1.2E2"},
    ],
)  # fmt: skip
def test_a_count_may_be_of_any_type(db, logs, lane, value):
    line = otlp(claude(input_tokens=None))
    line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"] += [{"key": "input_tokens", "value": value}]
    write_lines(logs / "logs.jsonl", said(line))

    assert [row["input_tokens"] for row in read(db, calls, logs).kept] == [120]


def test_half_a_token_is_none_and_a_cost_keeps_its_fraction(db, logs, lane):
    half = otlp(claude(input_tokens=0.5, request_id="req_2"))
    write_lines(logs / "logs.jsonl", said(otlp(claude(cost_usd=0.0125))), said(half))

    outcome = read(db, calls, logs)

    assert [row["reported_usd"] for row in outcome.kept] == [Decimal("0.0125")]
    assert [reason for *_, reason in outcome.refused] == [
        "input_tokens is '0.5', expected a whole number, 0 to 1,000,000,000,000"
    ]


def test_one_line_holds_records_of_many_resources_and_scopes(sent):
    one, two = (
        otlp(claude(), resource={"task.id": "A-1"}),
        otlp(claude(request_id="req_2"), resource={"task.id": "A-2"}),
    )
    two["resourceLogs"][0]["scopeLogs"] *= 2
    two["resourceLogs"][0]["scopeLogs"][1] = otlp(claude(request_id="req_3"))["resourceLogs"][0]["scopeLogs"][0]

    rows = sent({"resourceLogs": one["resourceLogs"] + two["resourceLogs"]})

    assert [(row["request_id"], row["task_id"]) for row in rows] == [
        ("req_1", "A-1"), ("req_2", "A-2"), ("req_3", "A-2"),
    ]  # fmt: skip


def test_of_a_line_one_record_may_be_refused_and_the_others_kept(db, logs, lane):
    bad = claude(request_id="req_2", input_tokens="many")
    write_lines(logs / "logs.jsonl", said(otlp(claude(), bad)), '{"resourceLogs": [')

    outcome = read(db, calls, logs)

    assert [row["request_id"] for row in outcome.kept] == ["req_1"]
    assert [(line, reason[:20]) for _, line, _, reason in outcome.refused] == [
        (1, "input_tokens is 'man"),
        (2, "not JSON: Expecting "),
    ]


def test_a_half_written_last_line_is_refused_and_the_rest_goes_on(db, logs, lane):
    write_lines(logs / "logs.jsonl", said(otlp(claude())), said(otlp(claude(request_id="req_2")))[:200])

    outcome = read(db, calls, logs)

    assert [row["request_id"] for row in outcome.kept] == ["req_1"]
    assert [(file, line) for file, line, *_ in outcome.refused] == [("logs.jsonl", 2)]


def test_an_event_that_was_delivered_twice_counts_once(sent):
    codex = {
        "event.name": "codex.sse_event", "event.kind": "response.completed", "conversation.id": "c", "model": "gpt-5",
        "event.timestamp": "2026-11-20T12:00:00.5Z", "input_token_count": "9", "output_token_count": "1",
    }  # fmt: skip
    twice = otlp(claude(), {"timeUnixNano": "0", "attributes": codex}, {"attributes": GEMINI})
    sent(twice, twice)

    rows = sent(twice, name="again.jsonl")

    assert sorted(row["agent_name"] for row in rows) == ["claude-code", "codex", "gemini-cli"]


def test_a_call_of_claude_code_without_a_request_id_is_known_by_its_place_in_the_session(sent):
    first, second = claude(request_id=None), claude(request_id=None, event__sequence=4)

    assert len(sent(otlp(first), otlp(second), otlp(first))) == 2


def test_a_call_is_of_the_day_on_which_it_started(sent):
    (row,) = sent(otlp(claude(event__timestamp="2026-11-21T00:00:01.000Z")))

    assert (str(row["utc_date"]), str(row["started_at"])) == ("2026-11-20", "2026-11-20 23:59:59.500000")


@pytest.mark.parametrize(
    ("record", "resource", "who"),
    [
        ({"user__email": "Dev.One@Example.test"}, {}, ("dev.one@example.test", None, "hash-of-device")),
        ({}, {"developer.id": "dev-01"}, (None, "dev-01", "hash-of-device")),
        ({}, {"enduser.id": "dev-02"}, (None, "dev-02", "hash-of-device")),
        ({}, {"enduser.id": "dev-02", "developer.id": "dev-01"}, (None, "dev-01", "hash-of-device")),
        ({"user__id": None}, {}, (None, None, None)),
    ],
)
def test_people_are_known_by_email_by_attribute_or_by_device(sent, record, resource, who):
    (row,) = sent(otlp(claude(**record), resource=resource))

    assert (row["user_email"], row["user_id"], row["device"]) == who


# --- Spans of the GenAI conventions


def test_a_span_is_a_call(sent):
    whole = span(
        gen_ai__response__id="resp_1", gen_ai__response__model="gpt-5-2026", gen_ai__conversation__id="c1",
        gen_ai__usage__cache_read__input_tokens=60, gen_ai__usage__reasoning__output_tokens=7, user__id="dev-01",
        gen_ai__agent__name="reviewer",
    )  # fmt: skip

    (row,) = sent(otlp(whole, signal="Spans"), name="traces.jsonl")

    assert tokens(row) == (100, 60, None, None, 20, 7)
    assert (row["request_id"], row["provider_response_id"], row["session_id"]) == ("resp_1", "resp_1", "c1")
    assert (row["raw_provider"], row["raw_model"], row["agent_name"]) == ("openai", "gpt-5-2026", "reviewer")
    assert (row["started_at"], row["ended_at"]) == (
        datetime(2026, 11, 20, 11, 59, 58, 250_000),
        datetime(2026, 11, 20, 12, 0, 0, 250_000),
    )
    assert (row["user_id"], row["device"]) == ("dev-01", None)


def test_older_names_of_counts_are_read(sent):
    old = span(
        gen_ai__usage__input_tokens=None, gen_ai__usage__output_tokens=None, gen_ai__provider__name=None,
        gen_ai__system="anthropic", gen_ai__usage__prompt_tokens=90, gen_ai__usage__completion_tokens=8,
        gen_ai__usage__cache_read_input_tokens=50, gen_ai__usage__cache_creation_input_tokens=20,
    )  # fmt: skip

    (row,) = sent(otlp(old, signal="Spans"))

    assert (tokens(row), row["raw_provider"]) == ((90, 50, 20, None, 8, None), "anthropic")


def test_an_input_that_is_less_than_what_was_cached_leaves_that_out(sent):
    fresh = span(gen_ai__usage__cache_read__input_tokens=500, gen_ai__usage__cache_creation__input_tokens=40)

    assert [tokens(row) for row in sent(otlp(fresh, signal="Spans"))] == [(640, 500, 40, None, 20, None)]


def test_a_run_of_an_agent_repeats_what_is_below_it(sent):
    above = [span(f"b{n}", gen_ai__operation__name=name) for n, name in enumerate(("invoke_agent", "execute_tool"))]

    assert len(sent(otlp(span(), *above, signal="Spans"))) == 1


def test_a_call_that_two_instrumentations_saw_counts_once(sent):
    seen = [span("b1", gen_ai__response__id="r"), span("b2", gen_ai__response__id="r"), span("b3"), span("b4")]

    assert sorted(row["request_id"] for row in sent(otlp(*seen, signal="Spans"))) == ["a1/b3", "a1/b4", "r"]


@pytest.mark.parametrize("service", ["claude-code", "gemini-cli", "codex_exec"])
def test_spans_of_agents_whose_events_are_read_are_not(sent, service):
    assert sent(otlp(span(), resource={"service.name": service}, signal="Spans")) == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (claude(model=None), "model is missing"),
        (claude(output_tokens=None), "output_tokens is missing"),
        ({"attributes": GEMINI | {"cached_content_token_count": 5601}},
         "cache reads 5601 and writes 0 are more than input tokens 5600"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(db, logs, lane, record, reason):
    write_lines(logs / "logs.jsonl", said(otlp(record)))

    outcome = read(db, calls, logs)

    assert (outcome.kept, outcome.reasons) == ([], [reason])


def test_nothing_that_was_said_is_read(db, logs, lane):
    telling = claude(prompt="the secret", response="the secret")
    told = span(gen_ai__input__messages="the secret", gen_ai__output__messages="the secret")
    write_lines(logs / "logs.jsonl", said(otlp(telling, claude(model=None, prompt="the secret"))))
    write_lines(logs / "traces.jsonl", said(otlp(told, signal="Spans")))

    outcome = read(db, calls, logs)

    assert (len(outcome.kept), len(outcome.refused)) == (2, 1)
    assert "the secret" not in repr(outcome)


def test_all_real_lines_are_read_without_a_refusal(db, lane):
    outcome = read(db, calls, REAL / "otel")

    assert (len(outcome.kept), outcome.refused) == (9, [])
