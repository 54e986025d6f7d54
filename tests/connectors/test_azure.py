"""Azure Monitor's metrics and the FOCUS export of costs."""

from datetime import date
from pathlib import Path

import pytest

from connectors._api import Client
from connectors._csv import read_csv_files
from connectors._errors import SourceRefused
from connectors._files import CSV_ENDINGS, list_files
from connectors.azure import cost_export, metrics
from tests.gateway import DATA
from tests.other_bills import StandIn, days_between, read

EXPORT = (DATA / "azure" / "part_0.csv").read_text()
CASES = ("Microsoft.Insights", "microsoft.insights", "Microsoft.Insights")
RESOURCES = [
    f"/subscriptions/s1/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/{name}"
    for name in ("east", "west")
]


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
    first, end = (moment[:10] for moment in asked["timespan"][0].split("/"))
    resource = path.removeprefix("/azure").partition("/providers/microsoft.insights/")[0]
    totals = {"ProcessedPromptTokens": 900.0, "GeneratedTokens": 100.0, "AzureOpenAIRequests": 3.0}
    return {
        "value": [
            {
                # It comes in either case.
                "id": f"{resource}/providers/{insights}/metrics/{metric}", "name": {"value": metric},
                "timeseries": [
                    {
                        "metadatavalues": [
                            {"name": {"value": "modeldeploymentname"}, "value": "chat"},
                            {"name": {"value": "modelname"}, "value": "gpt-4o"},
                        ],
                        "data": [
                            {"timeStamp": f"{day}T00:00:00Z", "total": totals[metric]}
                            for day in days_between(first, end)
                        ],
                    },
                ],
            }
            for metric, insights in zip(asked["metricnames"][0].split(","), CASES, strict=True)
        ],
    }  # fmt: skip


STAND_IN = StandIn(
    environ=lambda address, key: {
        "AZURE_MANAGEMENT_URL": f"{address}/azure",
        "AZURE_LOGIN_URL": f"{address}/login",
        "AZURE_TENANT_ID": "tenant-1",
        "AZURE_CLIENT_ID": "client-1",
        "AZURE_CLIENT_SECRET": key,
        "AZURE_OPENAI_RESOURCES": ",".join(RESOURCES),
    },
    answer=answer,
    requests={"azure__metrics": len(RESOURCES)},
)


def test_metrics_of_a_deployment_become_one_line_per_resource(providers):
    rows = read(providers, metrics, "2026-11-20")

    assert rows == [
        {"day": "2026-11-20", "account_id": resource, "deployment": "chat", "model": "gpt-4o", "requests": 3,
         "input_tokens": 900, "output_tokens": 100}
        for resource in RESOURCES
    ]  # fmt: skip


def test_names_that_count_the_same_calls_are_not_both_asked_for(providers):
    read(providers, metrics, "2026-11-20")

    assert all("metricnames=ProcessedPromptTokens%2CGeneratedTokens" in asked for asked in providers.asked)
    assert not any("InputTokens" in asked for asked in providers.asked)


def test_a_secret_that_expired_is_told_without_it(providers):
    environ = providers.other_environ | {"AZURE_CLIENT_SECRET": "last-years-secret"}

    with pytest.raises(SourceRefused, match="AZURE_CLIENT_SECRET, which may have expired") as refused:
        Client(metrics.api, environ)

    assert "last-year" not in str(refused.value)


def told(folder: Path, exports: dict[str, list[tuple]]) -> list[tuple[str, str]]:
    """(resource, cost) of the 20th, of files with lines of (day, resource, cost)."""
    for key, lines in exports.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        cells = [f"{cost},USD,Usage,{day}T00:00Z,{resource},Azure OpenAI" for day, resource, cost in lines]
        header = "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ResourceId,ServiceName"
        (folder / key).write_text("\n".join([header, *cells]))
    files, _ = list_files(str(folder), cost_export.variable, endings=CSV_ENDINGS)
    days = read_csv_files(cost_export, files).days
    return [(row["account_id"], row["billed"]) for row in days[date(2026, 11, 20)]]


def test_an_export_in_two_parts_is_both_of_them_and_the_run_that_reaches_furthest_counts(tmp_path):
    month, early, late = "team/20261101-20261130", ("2026-11-20", "/sub/a", 4), ("2026-11-20", "/sub/a", 10)
    files = {
        f"{month}/run1/part_0_0001.csv": [early],
        f"{month}/run2/part_0_0001.csv": [late],
        f"{month}/run2/part_1_0001.csv": [("2026-11-20", "/sub/a", 7), ("2026-11-21", "/sub/a", 1)],
    }

    assert told(tmp_path, files) == [("/sub/a", "10"), ("/sub/a", "7")]


def test_exports_of_two_scopes_stand_beside_each_other_and_what_both_have_counts_once(tmp_path):
    files = {
        "all/part_0_0001.csv": [("2026-11-20", "/sub/A", 10), ("2026-11-20", "/sub/b", 7), ("2026-11-21", "/sub/b", 1)],
        "group/part_0_0001.csv": [("2026-11-20", "/sub/a", 9), ("2026-11-20", "/sub/c", 3)],
    }

    assert told(tmp_path, files) == [("/sub/A", "10"), ("/sub/b", "7"), ("/sub/c", "3")]


def test_of_an_export_of_everything_the_lines_of_ai_services_are_kept(tmp_path):
    (tmp_path / "part_0.csv").write_text(EXPORT)
    files, _ = list_files(str(tmp_path), cost_export.variable, endings=CSV_ENDINGS)

    told = read_csv_files(cost_export, files)

    (row,) = told.days[date(2026, 11, 20)]
    assert (row["account_id"], row["billed"], row["currency"], row["billed_usd"]) == ("/sub/a", "1.5", "EUR", "1.65")
    assert told.refused == [("part_0.csv", 4, "BilledCost is 'much', expected DECIMAL")]
