"""One call in the eyes of several sources of a kind, from their lines to the daily tables."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors import claude_code, genai_prices, litellm, otel
from connectors.generic_jsonl import read_mapping
from pipelines.lake import Lake
from pipelines.raw import PRICES
from tests.agents import answer, load, otlp, said
from tests.events import EventHalf
from tests.gateway import record, write_lines

MAPPINGS = Path(__file__).parents[2] / "examples" / "mappings"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SONNET_ON_BEDROCK = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
USD = """
    select observers, route, provider, is_unpriced, sum(requests)::int, (sum(input_tokens) + sum(output_tokens))::int,
        sum(fresh_input_list_usd + cache_read_list_usd + cache_write_5m_list_usd + output_list_usd)::double
    from int_usage_daily group by all order by all"""
SUSPECTED = "select source, like_source, requests::int, total_tokens::int from int_suspected_daily order by all"


@pytest.fixture
def seen(tmp_path):
    """Lines of some sources (feed, path, lines), loaded and brought through to the daily tables."""

    def bring(*sources: tuple) -> EventHalf:
        lake = Lake(str(tmp_path / "lake"), tmp_path / "scratch")
        for feed, path, *lines in sources:
            write_lines(tmp_path / feed.table / path, *map(said, lines))
            done = load(lake, feed, tmp_path / feed.table)
            assert (done.status, done.quarantined) == ("loaded", 0), done
        lake.write_rows(genai_prices.prices(), genai_prices.PRICES_SCHEMA, PRICES)
        events = EventHalf(lake)
        events.run()
        return events

    return bring


def gateway(**changes: object) -> tuple:
    """LiteLLM's record of a call of 240 and 5 tokens that ended two seconds after noon."""
    call = {
        "id": "chatcmpl-00001", "trace_id": "session-1", "custom_llm_provider": "anthropic",
        "model": "anthropic/claude-opus-4-8", "prompt_tokens": 240, "completion_tokens": 5,
        "endTime": (NOON + timedelta(seconds=2)).timestamp(),
    }  # fmt: skip
    return litellm.requests, "2026-11-20/a.jsonl", record(**call | changes)


def transcript(**changes: object) -> tuple:
    """Claude Code's line of the same call, in its session."""
    call = {"timestamp": "2026-11-20T12:00:02.000Z", "message__model": "claude-opus-4-8"}
    return claude_code.calls, "dev-07/projects/p/a.jsonl", answer(**call | changes)


def bedrock(at: str = "2026-11-20T12:00:01Z") -> tuple:
    """Bedrock's invocation log of it."""
    line = {
        "schemaType": "ModelInvocationLog", "timestamp": at, "requestId": "b5c1e1a0-0000-4000-8000-000000000001",
        "operation": "Converse", "modelId": SONNET_ON_BEDROCK,
        "identity": {"arn": "arn:aws:sts::1:assumed-role/gateway/gateway"},
        "input": {"inputTokenCount": 240}, "output": {"outputTokenCount": 5},
    }  # fmt: skip
    return read_mapping(MAPPINGS / "bedrock.yml"), "a.jsonl", line


def test_a_call_to_bedrock_through_the_gateway_is_one_by_the_id_of_its_request(seen):
    headers = {"llm_provider-x-amzn-requestid": "b5c1e1a0-0000-4000-8000-000000000001"}
    call = {"custom_llm_provider": "bedrock", "model": f"bedrock/{SONNET_ON_BEDROCK}"}

    events = seen(gateway(**call, hidden_params={"additional_headers": headers}), bedrock())

    ((observers, route, provider, _, *counts, _),) = events.rows(USD)
    assert (observers, route) == ("generic_jsonl__bedrock, litellm__requests", "gateway")
    assert (provider, *counts) == ("aws", 1, 245)


def test_how_a_call_came_that_only_its_provider_saw_is_unknown(seen):
    assert [row[1] for row in seen(bedrock()).rows(USD)] == ["unknown"]


def test_a_fast_call_costs_the_same_whoever_else_saw_it(seen):
    fast = {"message__usage__speed": "fast"}
    # The gateway passes the provider's word on, which says nothing of speed.
    usage = {"user_api_key_hash": "key-1", "usage_object": {"service_tier": "standard"}}

    events = seen(transcript(**fast), gateway(id="msg_1", metadata=usage))

    # 10 fresh, 200 read, 30 written, 5 out at 10, 1, 12.5 and 50 USD per million tokens.
    assert events.rows(USD) == [
        ("claude_code__calls, litellm__requests", "gateway", "anthropic", False, 1, 245, 0.000925)
    ]


def test_claude_code_on_bedrock_has_bedrocks_price_and_looks_like_its_log(seen):
    mine = transcript(message__id="msg_bdrk_1", message__model="claude-sonnet-4-5-20250929", requestId=None)

    events = seen(mine, bedrock())

    assert [(row[0], row[2], row[3]) for row in events.rows(USD)] == [
        ("claude_code__calls", "aws", False),
        ("generic_jsonl__bedrock", "aws", False),
    ]
    assert events.rows(SUSPECTED) == [("claude_code__calls", "generic_jsonl__bedrock", 1, 245)]


def test_a_gateway_in_front_of_another_is_suspected(seen):
    kong = {
        "request": {"id": "kong-req-0000000000001", "headers": {}}, "started_at": int(NOON.timestamp() * 1000),
        "latencies": {"request": 2000}, "response": {"status": 200}, "consumer": {"username": "dev-1"},
        "ai": {"proxy": {
            "meta": {"provider_name": "openai", "request_model": "gpt-5", "response_model": "gpt-5"},
            "usage": {"prompt_tokens": 240, "completion_tokens": 5, "total_tokens": 245},
        }},
    }  # fmt: skip
    behind = gateway(custom_llm_provider="openai", model="openai/gpt-5")

    events = seen((read_mapping(MAPPINGS / "kong.yml"), "a.jsonl", kong), behind)

    assert events.rows(SUSPECTED) == [("litellm__requests", "generic_jsonl__kong", 1, 245)]


def test_a_call_under_the_gateways_name_of_the_model_is_suspected(seen):
    event = {
        "event.name": "api_request", "event.timestamp": "2026-11-20T12:00:32.000Z", "session.id": "another",
        "model": "claude-sonnet", "input_tokens": 10, "cache_read_tokens": 200, "cache_creation_tokens": 30,
        "output_tokens": 5, "request_id": "req_9",
    }  # fmt: skip

    events = seen((otel.calls, "a.jsonl", otlp({"attributes": event})), gateway())

    assert events.rows(SUSPECTED) == [("otel__calls", "litellm__requests", 1, 245)]
