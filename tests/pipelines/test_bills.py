"""Bills beside logs: the whole daily job with the providers' stand-ins, reconciled with what the gateway saw."""

from pathlib import Path

import pytest

from docs.answers import PAGES, QUERIES, answered, with_answers
from pipelines.assets.outcome import MONTHS_APART
from pipelines.publish import read_warehouse
from tests.example_bills import RUN, with_bills
from tests.focus import broken_rules
from tests.providers import KEY, Providers, bill
from tests.runs import paceline, rows

EXPECTED = Path(__file__).parent.parent / "data" / "expected" / "reconciliation_day_provider.csv"


@pytest.fixture(scope="module")
def providers():
    """The example company's providers."""
    stand_in = Providers()
    yield stand_in
    stand_in.stop()


@pytest.fixture(scope="module")
def variables(providers) -> dict[str, str]:
    """The example company with its bills."""
    return with_bills(providers)


@pytest.fixture(scope="module")
def billed(tmp_path_factory, variables) -> Path:
    """A data directory after one run with bills."""
    data_dir = tmp_path_factory.mktemp("billed")
    done = paceline(data_dir, *RUN, **variables)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    return data_dir


def test_what_is_billed_equals_what_the_providers_counted_per_account_key_model_and_day(billed):
    measured = rows(
        billed,
        """
        select
            utc_date::varchar, provider, account_id, provider_api_key_id, model, requests, input_tokens,
            cache_read_tokens, output_tokens, list_usd
        from core.fct_billed_daily where provider = 'anthropic' order by all""",
    )

    assert measured == sorted(
        (
            row["day"], row["provider"], row["account_id"], row["api_key_id"], row["model"], row["requests"],
            row["uncached_input_tokens"] + row["cache_read_tokens"] + row["cache_write_5m_tokens"]
            + row["cache_write_1h_tokens"],
            row["cache_read_tokens"], row["output_tokens"], row["list_usd"],
        )
        for row in bill() if row["provider"] == "anthropic"
    )  # fmt: skip


def test_every_difference_between_bill_and_gateway_is_known_to_the_token(billed):
    differing = rows(
        billed,
        f"""
        with ours as (
            select
                utc_date as day, provider, sum(observed_tokens) as observed, sum(estimated_tokens) as estimated,
                sum(billed_tokens) as billed, sum(bypass_tokens) as bypass, sum(remaining_tokens) as remaining
            from core.fct_reconciliation_daily group by all)
        select theirs.*, ours.*
        from (from read_csv('{EXPECTED}') where provider in ('anthropic', 'openai')) as theirs
        full join ours using (day, provider)
        where (observed, estimated, billed, bypass, remaining + estimated) is distinct from (
            gateway_tokens + gateway_estimated_tokens, gateway_estimated_tokens, billed_tokens, diff_direct,
            diff_client_abort + diff_client_timeout + diff_other_unlogged)""",
    )

    assert differing == []
    assert rows(billed, "select count(*) from core.fct_reconciliation_daily where cause like '%unexplained%'") == [(0,)]
    apart = (
        "select count(*) from core.fct_reconciliation_daily where observed_tokens + unobserved_tokens != billed_tokens"
    )
    assert rows(billed, apart) == [(0,)]


def test_bill_and_gateway_agree_in_closed_months_until_a_key_belongs_to_nobody(billed):
    with read_warehouse(billed / "warehouse.duckdb") as db:
        assert db.execute(MONTHS_APART).fetchall() == []

    # As if nobody had said whose keys these are.
    apart = rows(
        billed,
        """select month, provider from core.reconciliation_monthly
        where is_closed and abs(unobserved_tokens) > 0.02 * greatest(billed_tokens, observed_tokens) order by all""",
    )

    assert [(str(month), provider) for month, provider in apart] == [
        ("2026-08-01", "anthropic"),  # 8.1 % by reconciliation_day_provider.csv; OpenAI's 0.1 % are no error
        ("2026-09-01", "anthropic"),
        ("2026-09-01", "openai"),
        ("2026-10-01", "anthropic"),
        ("2026-10-01", "openai"),
    ]


def test_bypassing_the_gateway_does_not_escape_the_cap(billed):
    # 427,817 tokens through the gateway and 942,564 on own keys, of a cap of 502,000.
    assert rows(
        billed,
        """select observed_tokens, unobserved_tokens, used_tokens, round(used_ratio, 2), status
        from plan.cap_utilization where scope_id = 'dev-02' and month = '2026-11-01'""",
    ) == [(427_817, 942_564, 1_370_381, 2.73, "over")]
    (told,) = (billed / "outbox").glob("*dev-02*.txt")
    assert "943 k of the tokens went past the gateway" in told.read_text()


def test_the_discount_is_measured_from_the_bill(billed):
    found = rows(
        billed,
        """select provider, round(sum(billed_usd) / sum(list_usd), 6)::double
        from core.fct_reconciliation_daily group by 1 order by 1""",
    )

    assert found == [("anthropic", 0.9), ("openai", 1.0)]


def test_every_question_about_bills_has_the_answer_that_stands_below_it(billed):
    assert len([one for one in answered(QUERIES.read_text()) if one["bills"]]) == 4

    with read_warehouse(billed / "warehouse.duckdb") as db:
        for text in (page.read_text() for page in PAGES):
            assert with_answers(text, db, with_bills=True) == text, "run: make answers"


def test_the_bill_keeps_the_rules_of_focus(billed):
    with read_warehouse(billed / "warehouse.duckdb") as db:
        assert broken_rules(db) == []


def test_names_that_map_to_nobody_are_proposed_and_never_invented(billed, variables):
    done = paceline(billed, "sources", "--propose-identities", **variables)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "kind,value,developer_id,valid_from,valid_to",
        "provider_api_key_id,apikey_gateway_anthropic,,2026-08-24,",
        "provider_api_key_id,apikey_gateway_openai,,2026-08-25,",
        "key_alias,shared-sandbox,,2026-08-26,",
    ]


def test_a_restated_bill_is_followed_and_only_what_is_new_is_told(billed, variables, providers):
    outbox = {path.name for path in (billed / "outbox").iterdir()}
    for row in providers.rows:
        if row["day"] == "2026-11-21":
            row["output_tokens"] = row["output_tokens"] * 1015 // 1000
    providers.rows = [row for row in providers.rows if row["day"] != "2026-11-20"]
    day = "select sum(total_tokens) from core.fct_billed_daily where utc_date = '2026-11-{}' and provider = 'anthropic'"
    before = rows(billed, day.format(21))

    done = paceline(billed, "run", **variables)

    assert done.returncode == 0, done.stderr
    now = sum(
        sum(row[name] for name in row if name.endswith("_tokens"))
        for row in providers.rows
        if row["day"] == "2026-11-21" and row["provider"] == "anthropic"
    )
    assert rows(billed, day.format(21)) == [(now,)] != before
    assert rows(billed, day.format(20)) == [(None,)]
    believed = "from core.fct_billed_history where utc_date = '2026-11-21' and superseded_at is {} null"
    assert rows(billed, f"select sum(total_tokens) {believed.format('not')} and provider = 'anthropic'") == before
    # The 20th was seen at the gateway, and nobody bills it any more.
    news = {path.name for path in (billed / "outbox").iterdir()} - outbox
    assert {name.partition("__2026")[0] for name in news} == {
        f"bill_gap__pipeline__{provider}" for provider in ("anthropic", "openai")
    }


def test_a_provider_that_refuses_stops_neither_the_others_nor_the_plan(billed, variables, providers):
    before = rows(billed, "select sum(total_tokens) from core.fct_billed_daily where provider = 'anthropic'")
    refused = variables | {"ANTHROPIC_ADMIN_KEY": "sk-ant-api03-of-another-kind"}

    done = paceline(billed, "run", **refused)

    assert done.returncode == 1
    assert "ANTHROPIC_ADMIN_KEY must be an Admin key" in done.stderr
    assert "sk-ant-api03" not in done.stdout + done.stderr
    assert rows(billed, "select sum(total_tokens) from core.fct_billed_daily where provider = 'anthropic'") == before
    assert rows(
        billed, "select count(*) from ops.source_freshness where last_status = 'loaded' and feed like 'openai%'"
    ) == [(12,)]
    shown = paceline(billed, "sources", **refused).stdout
    assert "answered 401" in shown
