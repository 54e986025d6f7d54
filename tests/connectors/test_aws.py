"""AWS's Cost Explorer."""

import pytest

from connectors._errors import SourceRefused, SourceUnavailable
from connectors.aws import costs, lines
from tests.other_bills import AWS_LINES, read
from tests.providers import status


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


def test_without_credentials_it_is_said_what_is_needed(providers, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(SourceRefused, match="ce:GetCostAndUsage"):
        read(providers, costs, "2026-11-20")
