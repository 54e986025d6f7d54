"""The smaller bills in the warehouse: from their stand-ins into one daily run beside the example company's logs."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connectors import _api, discover
from connectors._contract import ApiFeed
from connectors.deepseek import amount, cost
from connectors.google import billing
from pipelines import loading_api
from pipelines.lake import Lake
from pipelines.loading_api import load_api_feed
from pipelines.loading_csv import load_csv_feed
from pipelines.settings import EXAMPLES
from tests.other_bills import set_cloud_credentials
from tests.providers import Providers
from tests.runs import paceline, rows

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
D22 = date(2026, 11, 22)
DAYS = 12
EXPORTS = Path(__file__).parent.parent / "data" / "deepseek"
SOURCES = ("openrouter", "cursor", "github_copilot", "aws", "google", "azure", "vllm")


@pytest.fixture(scope="module")
def billed(tmp_path_factory) -> Path:
    """A data directory after a run on a lake that holds 12 days of every smaller bill."""
    data_dir = tmp_path_factory.mktemp("other_bills")
    lake = Lake(str(data_dir / "lake"), data_dir / "scratch")
    providers = Providers()
    common = {"through": D22, "now": lambda: NOW, "known_at": NOW, "say": lambda text: None}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(_api, "MINUTE_SECONDS", 0)
        monkeypatch.setattr(loading_api, "FIRST_LOAD_DAYS", DAYS)
        set_cloud_credentials(monkeypatch, data_dir, providers.address)
        for feed in (feed for source in discover() if source.name in SOURCES for feed in source.feeds):
            if isinstance(feed, ApiFeed):
                done = load_api_feed(lake, feed, providers.other_environ, **common)
                assert done.status == "loaded", done.error
        # The export of Google's bill has not reached the last day yet.
        path = next(path for path in lake.files("raw/google__billing") if f"day={D22}" in path)
        lake.write_rows([], billing.schema, path)
        for feed in (amount, cost):
            load_csv_feed(lake, feed, {"DEEPSEEK_USAGE_CSV": str(EXPORTS)}, **common)
    providers.stop()
    org = shutil.copytree(EXAMPLES / "org", data_dir / "org")
    with (org / "identities.csv").open("a") as out:
        out.write("github,DEV-01,dev-01,2026-01-01,\n")
    done = paceline(
        data_dir, "run", LITELLM_LOGS=str(EXAMPLES / "gateway"), PACELINE_ORG_DIR=str(org), PACELINE_AS_OF=str(D22)
    )
    assert "warehouse.duckdb" in {path.name for path in data_dir.iterdir()}, done.stderr
    return data_dir


def test_every_bill_counts_with_its_own_meaning_of_input(billed):
    # Per day: see other_bills. Cursor 126 + 11,964 + 6,112 fresh, read and written and 5,805; AWS 1,000 + 1,000,000.
    days = "where utc_date between '2026-11-11' and '2026-11-22' or provider = 'deepseek'"
    found = rows(
        billed,
        f"""select provider, sum(input_tokens), sum(output_tokens), round(sum(billed_usd)::double, 6)
        from core.fct_billed_daily {days} group by 1 order by 1""",
    )

    per_day = [
        ("aws", 1_001_000, 0, 21.1504),
        ("azure", 1_800, 200, None),
        ("cursor", 24_007, 761, 0.5869232),
        ("github_copilot", 3_800, 5_000, 0.15),
        ("openrouter", 2_000, 400, 0.5125),
        ("selfhosted-vllm", 1_000, 200, 0),
    ]
    expected = [
        (provider, asked * DAYS, put_out * DAYS, usd if usd is None else round(usd * DAYS, 6))
        for provider, asked, put_out, usd in per_day
    ]
    deepseek = ("deepseek", 12_000_000 + 106_721_768, 500_000 + 456_669, 0.78)
    # The bill on eleven days, and the token series on the last one.
    google = ("google", 5_000_000 * 12, 500_000 * 11 + 600_000, round(2.23 * 11, 6))
    assert found == sorted([*expected, deepseek, google])


def test_who_is_billed_by_name_is_charged_for_it(billed):
    # dev-01 by the address that developers.csv knows, and by the login of identities.csv; a half of 0.15 USD a day.
    found = rows(
        billed,
        """select provider, model, sum(unobserved_tokens), round(sum(unobserved_usd)::double, 6)
        from core.unobserved_daily
        where developer_id = 'dev-01' and provider in ('cursor', 'github_copilot') group by all order by all""",
    )

    assert found == [
        ("cursor", "claude-test", 18_652 * DAYS, round(0.2136232 * DAYS, 6)),
        ("github_copilot", "copilot-cli", 8_800 * DAYS, 0),
        ("github_copilot", "gpt-5", 0, round(0.075 * DAYS, 6)),
    ]


def test_a_login_that_maps_to_nobody_is_proposed_as_what_it_is(billed):
    shown = paceline(billed, "sources", "--propose-identities")

    assert "github,dev-02,,2026-11-11," in shown.stdout.splitlines()


def test_the_token_series_of_google_counts_where_the_bill_says_nothing(billed):
    found = rows(
        billed,
        """select feed, min(utc_date), max(utc_date) from intermediate.int_billing_versions
        where provider = 'google' group by 1 order by 1""",
    )

    assert found == [
        ("google__billing", date(2026, 11, 11), date(2026, 11, 21)),
        ("google__tokens", D22, D22),
    ]
