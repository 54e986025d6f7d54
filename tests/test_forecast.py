"""The month-end forecast, back-tested on real teams by the models' own SQL. Tables: python -m benchmarks.forecast."""

from datetime import date

import pytest

from benchmarks.forecast import DAYS, breach_call, coverage, outcomes, wape


@pytest.fixture(scope="module")
def teams():
    """Every forecast for four teams since 2023."""
    return list(outcomes("org", since=date(2023, 1, 1)))


def test_the_forecast_beats_the_run_rate_and_the_weekday_profile(teams):
    better = []
    for day in DAYS:
        rows = [row for row in teams if row.day == day]
        assert wape(rows, "p50") < wape(rows, "run_rate")
        assert wape(rows, "p50") <= wape(rows, "baseline") * 1.02
        better.append(1 - wape(rows, "p50") / wape(rows, "baseline"))
    assert sum(better) / len(better) > 0.05


def test_four_of_five_months_end_inside_the_range(teams):
    assert len(teams) > 300
    assert 0.75 <= coverage(teams) <= 0.87
    assert all(row.used <= row.p10 <= row.p50 <= row.p90 for row in teams)


def test_a_month_that_is_called_over_its_cap_ends_over_it(teams):
    precision, recall = breach_call(teams)

    assert precision >= 0.9
    assert recall >= 0.4
