"""What a run and the doctor remark of a published warehouse."""

import duckdb
import pytest

from pipelines.remarks import remarks
from pipelines.settings import load_settings


@pytest.fixture
def settings(tmp_path):
    return load_settings(PACELINE_DATA_DIR=tmp_path)


def publish(settings, *statements):
    with duckdb.connect(str(settings.warehouse_file)) as db:
        db.execute("create schema ops")
        for statement in statements:
            db.execute(statement)


def test_where_nothing_is_published_or_by_an_earlier_version_nothing_is_remarked(settings):
    assert list(remarks(settings)) == []
    publish(settings)
    assert list(remarks(settings)) == []


def test_a_cost_that_its_source_reports_otherwise_is_told_with_the_two_ways_to_mend_it(settings):
    publish(
        settings, "create table ops.reported_costs as select 'anthropic' provider, 'opus' model, 2.0 reported_ratio"
    )

    assert list(remarks(settings)) == [
        "anthropic opus: its source reports 2.00 times what it costs here, of the last 30 days. Say what was agreed in "
        "price_overrides.csv; where that is said, LiteLLM's model_cost does not know it"
    ]


def test_of_many_missing_days_the_first_are_named_and_all_are_read_again(settings):
    days = "select 'litellm__requests' feed, unnest(range(date '2026-11-02', date '2026-11-07', interval 1 day))::date"
    publish(settings, f"create table ops.missing_days as {days} missing_date")

    [said] = remarks(settings)

    assert "no records of 2026-11-02, 2026-11-03, 2026-11-04 and 2 more." in said
    assert "paceline run --from 2026-11-02 --to 2026-11-06." in said


def test_a_price_of_a_model_like_no_other_asks_no_question(settings):
    row = "'own' provider, 'llama' model, date '2026-01-01' valid_from, null::date valid_to, null::varchar did_you_mean"
    publish(settings, f"create table ops.unused_prices as select {row}")

    assert list(remarks(settings)) == [
        "price_overrides.csv, row own,llama,2026-01-01: nobody uses this model, no price list knows it"
    ]
