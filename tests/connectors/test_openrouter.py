"""OpenRouter's report of activity."""

import json
from datetime import date, timedelta
from pathlib import Path

import jsonschema

from connectors.openrouter import activity
from tests.other_bills import StandIn, read

SCHEMA = Path(__file__).parent.parent / "data" / "schemas" / "openrouter_activity_item.json"


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
    # The last 30 completed days, whatever is asked for.
    days = [date(2026, 11, 22) - timedelta(days=n) for n in range(30)]
    return {
        "data": [
            {
                "date": str(day), "model": model, "model_permaslug": f"{model}-2026", "endpoint_id": "e1",
                "provider_name": "Example", "usage": usage, "byok_usage_inference": 0.0, "requests": 3,
                "prompt_tokens": 1000, "cached_tokens": 400, "completion_tokens": 200, "reasoning_tokens": 50,
            }
            for day in days
            for model, usage in (("openai/gpt-5.2", 0.0125), ("z-ai/glm-5", 0.5))
        ]
    }  # fmt: skip


STAND_IN = StandIn(
    environ=lambda address, key: {
        "OPENROUTER_BASE_URL": f"{address}/openrouter",
        "OPENROUTER_MANAGEMENT_KEY": key,
    },
    answer=answer,
)


def test_activity_is_dollars_with_input_that_includes_cached_tokens(providers):
    rows = read(providers, activity, "2026-11-21", "2026-11-22")

    assert len(rows) == 4
    assert rows[0] == {
        "day": "2026-11-21", "model": "openai/gpt-5.2", "account_id": None, "requests": 3, "input_tokens": 1000,
        "cache_read_tokens": 400, "output_tokens": 200, "reasoning_tokens": 50, "billed_usd": "0.0125",
    }  # fmt: skip
    assert providers.asked == ["/openrouter/activity"]  # one answer has all that is kept


def test_the_stand_in_answers_as_the_published_schema_says(providers):
    shape = json.loads(SCHEMA.read_text())

    for entry in providers.answer("/openrouter/activity", {})["data"]:
        jsonschema.validate(entry, shape)
