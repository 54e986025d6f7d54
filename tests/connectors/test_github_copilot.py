"""GitHub Copilot's reports of members and of AI credits."""

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from connectors._api import Client, read_days
from connectors._errors import SourceRefused, SourceUnavailable
from connectors.github_copilot import ai_credits, users_daily
from tests.other_bills import StandIn, read
from tests.providers import KEY, status

SCHEMAS = Path(__file__).parent.parent / "data" / "schemas" / "github.json"
ORGS = ("acme", "acme-labs")
CLI = {
    "session_count": 2, "request_count": 2, "prompt_count": 2,
    "token_usage": {"prompt_tokens_sum": 3800, "output_tokens_sum": 5000, "avg_tokens_per_request": 4400.0},
}  # fmt: skip


def answer(address: str, path: str, asked: dict, page_size: int) -> dict | list[dict] | None:
    if path.startswith("/github_copilot/files/"):
        day, org = path.split("/")[3:5]
        members = [("1", "Dev-01", 12.5), ("2", "dev-02", 7.5)] if org == "acme" else [("3", "dev-03", 0)]
        return [
            {
                "day": day, "enterprise_id": "1", "user_id": number, "user_login": login, "ai_credits_used": credits,
                "user_initiated_interaction_count": 9, "totals_by_ide": [],
                **({"totals_by_cli": CLI} if credits > 10 else {}),
            }
            for number, login, credits in members
        ]  # fmt: skip
    org = path.split("/")[3]
    if org not in ORGS:
        return None
    if path.endswith("/users-1-day"):
        day = asked["day"][0]
        return {"download_links": [f"{address}/github_copilot/files/{day}/{org}?sig=signed"], "report_day": day}
    year, month, day = (int(asked[name][0]) for name in ("year", "month", "day"))
    items = [("GPT-5", 15, 0.15, 0.15), ("Claude Sonnet 4.5", 10, 0.1, 0.0)] if org == "acme" else []
    return {
        "timePeriod": {"year": year, "month": month, "day": day}, "organization": org,
        "usageItems": [
            {
                "product": "Copilot", "sku": "Copilot AI Credits", "model": model, "unitType": "credits",
                "pricePerUnit": 0.01, "grossQuantity": credits, "grossAmount": gross,
                "discountQuantity": 0, "discountAmount": gross - net, "netQuantity": credits, "netAmount": net,
            }
            for model, credits, gross, net in items
        ],
    }  # fmt: skip


STAND_IN = StandIn(
    environ=lambda address, key: {
        "GITHUB_COPILOT_BASE_URL": f"{address}/github_copilot",
        "GITHUB_COPILOT_TOKEN": key,
        "GITHUB_COPILOT_ORG": ", ".join(ORGS),
    },
    answer=answer,
    requests={
        "github_copilot__users_daily": 2 * len(ORGS),  # the link and the file
        "github_copilot__ai_credits": len(ORGS),
    },
)


def test_members_are_read_from_signed_files_of_every_organisation(providers):
    rows = read(providers, users_daily, "2026-11-20")

    assert [(row["account_id"], row["user_login"], row["credits"]) for row in rows] == [
        ("acme", "Dev-01", "12.5"), ("acme", "dev-02", "7.5"), ("acme-labs", "dev-03", "0"),
    ]  # fmt: skip
    first, second, _ = rows
    assert [first[f"cli_{name}"] for name in ("requests", "input_tokens", "output_tokens")] == [2, 3800, 5000]
    assert second["cli_input_tokens"] is None  # did not use it
    assert first["app_requests"] is None


def test_a_day_without_a_report_is_empty(providers):
    providers.faults = {0: status(204, b""), 1: status(204, b"")}

    assert read(providers, users_daily, "2026-11-20") == []


def test_a_signed_link_stays_out_of_what_is_said(providers):
    providers.faults = {1: status(403, b"Signature sig=signed does not match")}

    with pytest.raises(SourceRefused) as refused:
        read(providers, users_daily, "2026-11-20")

    assert "403" in str(refused.value)
    assert "signed" not in str(refused.value).replace("signed files", "")
    assert KEY not in str(refused.value)


def test_a_403_that_says_when_to_come_back_is_a_busy_github_and_not_a_wrong_token(providers):
    providers.faults = {0: status(403, b"secondary rate limit", Retry_After="0")}
    assert len(read(providers, users_daily, "2026-11-20")) == 3

    providers.faults = dict.fromkeys(range(99), status(403, b"rate limit", x_ratelimit_remaining="0"))
    with pytest.raises(SourceUnavailable, match="answered 403"):
        read(providers, users_daily, "2026-11-20")

    providers.faults = dict.fromkeys(range(99), status(403, b"no", x_ratelimit_remaining="4999"))
    with pytest.raises(SourceRefused, match="GITHUB_COPILOT_TOKEN must be"):
        read(providers, users_daily, "2026-11-20")


def test_a_setting_that_names_nothing_is_refused(providers):
    with pytest.raises(SourceRefused, match="GITHUB_COPILOT_ORG is ' , ', which names nothing"):
        Client(users_daily.api, providers.other_environ | {"GITHUB_COPILOT_ORG": " , "})


def test_credits_are_asked_for_one_day_at_a_time_and_told_before_and_after_the_allowance(providers):
    rows = read(providers, ai_credits, "2026-11-20")

    assert [(row["model"], row["credits"], row["list_usd"], row["billed_usd"]) for row in rows] == [
        ("GPT-5", "15", "0.15", "0.15"), ("Claude Sonnet 4.5", "10", "0.1", "0.0"),
    ]  # fmt: skip
    assert "year=2026&month=11&day=20" in providers.asked[0]


def test_an_answer_about_a_whole_month_is_not_taken_for_a_day(providers):
    client = Client(ai_credits.api, providers.other_environ)
    whole = json.dumps({"timePeriod": {"year": 2026, "month": 11}, "usageItems": []}).encode()
    providers.faults = {0: lambda handler, _: status(200, whole)(handler, b"")}

    with pytest.raises(Exception, match="the time"):
        read_days(client, ai_credits, [date(2026, 11, 20)])


@pytest.mark.parametrize("feed", [users_daily, ai_credits], ids=lambda feed: feed.table)
def test_the_stand_in_answers_as_the_published_schema_says(providers, feed):
    document = json.loads(SCHEMAS.read_text())
    asked = {"day": ["2026-11-20"]} if feed is users_daily else {"year": ["2026"], "month": ["11"], "day": ["20"]}
    path = feed.path.replace("{org}", "acme")

    answer = providers.answer(f"/github_copilot{path}", asked)

    jsonschema.validate(json.loads(json.dumps(answer)), document[feed.path])
    assert asked.keys() <= set(document["parameters"])
