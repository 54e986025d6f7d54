"""The stand-ins answer, and are asked, as the published schemas of the providers say."""

import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema
import pytest

from connectors import discover
from connectors._contract import ApiFeed
from tests.pipelines.test_loading_api import load
from tests.providers import Providers

SCHEMAS = Path(__file__).parent / "data" / "schemas"
PREFIXES = {"anthropic": "/anthropic", "openai": "/openai/v1"}
FEEDS = [
    feed for source in discover() for feed in source.feeds if isinstance(feed, ApiFeed) and feed.source in PREFIXES
]


@pytest.fixture
def providers():
    """The providers, with small pages."""
    stand_in = Providers()
    stand_in.page_size = 31
    yield stand_in
    stand_in.stop()


def operation(feed: ApiFeed) -> tuple[dict, str]:
    """The document that describes a report, and the report's path in it."""
    return json.loads((SCHEMAS / f"{feed.source}.json").read_text()), feed.path.replace("{id}", "{project_id}")


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.table)
def test_what_stand_ins_answer_has_the_published_shape(lake, providers, feed):
    document, path = operation(feed)
    pointer = path.replace("~", "~0").replace("/", "~1")
    shape = document | {"$ref": f"#/paths/{pointer}/get/responses/200/content/application~1json/schema"}
    load(lake, providers, feed)
    asked = [urlsplit(url) for url in providers.asked]
    assert asked

    for url in asked:
        answer = providers.answer(unquote(url.path), parse_qs(url.query))
        if not feed.parent or "api_keys" in url.path:
            jsonschema.validate(json.loads(json.dumps(answer, default=float)), shape)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.table)
def test_what_is_asked_has_published_names_and_values(lake, providers, feed):
    document, path = operation(feed)
    known = {
        parameter["name"].removesuffix("[]"): parameter for parameter in document["paths"][path]["get"]["parameters"]
    }
    load(lake, providers, feed)
    assert providers.asked

    for url in map(urlsplit, providers.asked):
        if feed.parent and "api_keys" not in url.path:
            continue
        query = {name.removesuffix("[]"): values for name, values in parse_qs(url.query).items()}
        assert query.keys() <= known.keys()
        required = {
            name for name, parameter in known.items() if parameter.get("required") and parameter["in"] == "query"
        }
        assert required <= query.keys()
        for name, values in query.items():
            allowed = known[name]["schema"].get("items", known[name]["schema"]).get("enum")
            assert not allowed or set(values) <= set(allowed), name
