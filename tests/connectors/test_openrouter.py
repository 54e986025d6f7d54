"""OpenRouter's report of activity."""

import json
from pathlib import Path

import jsonschema

from connectors.openrouter import activity
from tests.other_bills import read

SCHEMA = Path(__file__).parent.parent / "data" / "schemas" / "openrouter_activity_item.json"


def test_activity_is_dollars_with_input_that_includes_cached_tokens(providers):
    rows = read(providers, activity, "2026-11-21", "2026-11-22")

    assert len(rows) == 4
    assert rows[0] | {"endpoint_id": None} == {
        "day": "2026-11-21", "model": "openai/gpt-5.2", "provider_name": "Example", "endpoint_id": None,
        "account_id": None, "requests": 3, "input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 200,
        "reasoning_tokens": 50, "billed_usd": "0.0125", "byok_usd": "0.0",
    }  # fmt: skip
    assert providers.asked == ["/openrouter/activity"]  # one answer has all that is kept


def test_the_stand_in_answers_as_the_published_schema_says(providers):
    shape = json.loads(SCHEMA.read_text())

    for entry in providers.answer("/openrouter/activity", {})["data"]:
        jsonschema.validate(entry, shape)
