"""The month-end forecast, back-tested on real teams by the models' own SQL. Tables: python -m benchmarks.forecast."""

import pytest

from benchmarks.forecast import DAYS, breach_call, coverage, outcomes, wape


@pytest.fixture(scope="module")
def judged():
    """Every judged forecast, by scope and day of the month."""
    found = outcomes()
    return lambda scope, day: [row for row in found if row.scope == scope and row.day == day]


def test_the_forecast_beats_the_run_rate_and_the_weekday_profile(judged):
    better = []
    for day in DAYS:
        rows = judged("org", day)
        assert len(rows) > 150
        assert wape(rows, "p50") < wape(rows, "run_rate")
        assert wape(rows, "p50") <= wape(rows, "weekday_level") * 1.02
        better.append(1 - wape(rows, "p50") / wape(rows, "weekday_level"))
    assert sum(better) / len(better) > 0.05


@pytest.mark.parametrize("scope", ["org", "developer"])
@pytest.mark.parametrize("day", DAYS)
def test_four_of_five_months_end_inside_the_range(judged, scope, day):
    rows = judged(scope, day)

    assert 0.75 <= coverage(rows) <= 0.85
    assert all(row.used <= row.p10 <= row.p50 <= row.p90 for row in rows)


@pytest.mark.parametrize(("day", "least"), [(5, 0.10), (10, 0.25), (15, 0.40), (20, 0.55)])
def test_a_month_that_is_called_over_its_cap_ends_over_it(judged, day, least):
    precision, recall = breach_call(judged("org", day))

    assert precision >= 0.9
    assert recall >= least
