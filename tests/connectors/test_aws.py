"""AWS's Cost Explorer."""

from datetime import date, timedelta

import pytest

from connectors._api import Client, read_days
from connectors._errors import SourceRefused, SourceUnavailable
from connectors.aws import costs, lines
from tests.other_bills import StandIn, days_between, read
from tests.providers import status


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
    if "Dimension" in asked:
        if asked["SearchString"] not in "Bedrock":
            return {"DimensionValues": [], "ReturnSize": 0, "TotalSize": 0}
        names = [f"Claude Sonnet 4.5 (Amazon {asked['SearchString']} Edition)", f"Amazon {asked['SearchString']}"]
        return {"DimensionValues": [{"Value": name} for name in names], "ReturnSize": 2, "TotalSize": 2}
    assert "Claude Sonnet 4.5 (Amazon Bedrock Edition)" in asked["Filter"]["And"][0]["Dimensions"]["Values"]
    days = days_between(asked["TimePeriod"]["Start"], asked["TimePeriod"]["End"])
    start = int(asked.get("NextPageToken", 0))
    page = days[start : start + page_size]
    rest = {"NextPageToken": str(start + page_size)} if start + page_size < len(days) else {}
    return {
        "ResultsByTime": [
            {
                "TimePeriod": {"Start": str(day), "End": str(day + timedelta(days=1))}, "Total": {}, "Estimated": True,
                "Groups": [
                    {
                        "Keys": [service, usage_type],
                        "Metrics": {
                            "UnblendedCost": {"Amount": cost, "Unit": "USD"},
                            "NetUnblendedCost": {"Amount": net, "Unit": "USD"},
                            "UsageQuantity": {"Amount": quantity, "Unit": unit},
                        },
                    }
                    for service, usage_type, cost, net, quantity, unit in AWS_LINES
                ],
            }
            for day in page
        ],
    } | rest  # fmt: skip


AWS_LINES = [
    ("Amazon Bedrock", "USE1-NovaPro-input-tokens", "0.0008", "0.0004", "1.0", "1K tokens"),
    ("Amazon Bedrock", "USE1-Guardrail-ContentPolicyUnitsConsumed", "0.1500000000", "0.15", "1000", "TextUnits"),
    ("Claude Sonnet 4.5 (Amazon Bedrock Edition)", "USE1-MP:USE1_CacheWrite1hInputTokenCount-Units", "6", "6", "1",
     "1M tokens"),
    ("Claude Sonnet 4.5 (Amazon Bedrock Edition)", "USE1-MP:USE1_OutputTokenCount-Units", "15.0", "15.0", "1", "Units"),
]  # fmt: skip


STAND_IN = StandIn(
    environ=lambda address, key: {
        "AWS_COST_BASE_URL": f"{address}/aws",
        "AWS_COST_SERVICES": "Bedrock",
    },
    answer=answer,
    requests={"aws__costs": 2},  # names of services, and their costs
)


def test_model_and_kind_of_token_are_read_from_the_names_of_service_and_meter(providers):
    rows = read(providers, costs, "2026-11-20")

    assert [(row["model"], row["kind"], row["tokens"], row["list_usd"], row["billed_usd"]) for row in rows] == [
        ("novapro", "input", 1_000, "0.0008", "0.0004"),
        (None, None, None, "0.1500000000", "0.15"),  # a guardrail
        ("claude-sonnet-4.5", "cache_write_1h", 1_000_000, "6", "6"),
        ("claude-sonnet-4.5", "output", None, "15.0", "15.0"),  # "Units" may be anything
    ]
    assert len(rows) == len(AWS_LINES)


@pytest.mark.parametrize(
    ("usage_type", "kind"),
    [
        ("USE1-MP:USE1_InputTokenCount-Units", "input"),
        ("USE1-MP:USE1_CacheReadInputTokenCount-Units", "cache_read"),
        ("USE1-MP:USE1_CacheWriteInputTokenCount-Units", "cache_write"),
        ("USE1-NovaPro-cache-read-input-token-count", "cache_read"),
        ("EUC1-NovaLite-output-tokens-batch", "output"),
        ("USE1-Provisioned-Input-ModelUnits", None),
    ],
)
def test_a_name_that_holds_another_is_not_taken_for_it(usage_type, kind):
    metrics = {name: {"Amount": "1", "Unit": "USD"} for name in ("UnblendedCost", "NetUnblendedCost", "UsageQuantity")}
    day = {
        "TimePeriod": {"Start": "2026-11-20"},
        "Groups": [{"Keys": ["Amazon Bedrock", usage_type], "Metrics": metrics}],
    }

    (line,) = lines({"ResultsByTime": [day]})

    assert line["kind"] == kind


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDeniedException", SourceRefused), ("ThrottlingException", SourceUnavailable)],
)
def test_a_refusal_needs_a_person_and_a_busy_service_another_try(providers, code, error):
    body = b'{"__type": "' + code.encode() + b'", "message": "no"}'
    providers.faults = dict.fromkeys(range(9), status(400, body))

    with pytest.raises(error, match=code):
        read(providers, costs, "2026-11-20")


def test_a_word_that_fits_no_service_is_told(providers):
    environ = providers.other_environ | {"AWS_COST_SERVICES": "Bedrock, Bedrok"}

    with pytest.raises(SourceRefused, match="'Bedrok', and no service"):
        read_days(Client(costs.api, environ), costs, [date(2026, 11, 20)])


def test_without_credentials_it_is_said_what_is_needed(providers, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(SourceRefused, match="ce:GetCostAndUsage"):
        read(providers, costs, "2026-11-20")
