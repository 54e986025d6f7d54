"""The early warnings, back-tested on four real teams by the marts' own SQL. Tables: python -m benchmarks.alerts."""

import pytest

from benchmarks.alerts import ALL, EARLY, FIXED, FORECASTS, RULES, judged, months


@pytest.fixture(scope="module")
def team_months():
    """Every month of the four teams that had a cap."""
    return [month for month in months() if month.scope == "org"]


def test_early_warnings_are_more_precise_than_the_fixed_rule_and_come_days_earlier(team_months):
    early, fixed = judged(team_months, EARLY), judged(team_months, FIXED)

    assert (early["months"], early["breached"]) == (204, 68)
    assert early["precision"] >= fixed["precision"] + 0.025
    assert early["lead_days"] >= fixed["lead_days"] + 3
    assert early["recall"] >= 0.7


def test_all_alerts_that_ask_to_act_are_more_precise_and_earlier_than_the_fixed_rule(team_months):
    every, fixed = judged(team_months, RULES[ALL]), judged(team_months, FIXED)

    assert every["precision"] >= fixed["precision"] + 0.05
    assert every["lead_days"] >= fixed["lead_days"] + 4
    assert every["recall"] >= 0.85


def test_a_forecast_alone_is_the_most_precise_warning(team_months):
    forecast, fixed = judged(team_months, FORECASTS), judged(team_months, FIXED)

    assert forecast["precision"] >= fixed["precision"] + 0.1
    assert forecast["lead_days_mean"] >= fixed["lead_days_mean"] + 2


def test_the_fixed_rule_misses_no_breach_and_is_wrong_three_times_in_ten(team_months):
    fixed = judged(team_months, FIXED)

    assert fixed["recall"] == 1
    assert (fixed["warned"], fixed["false_alarms"]) == (98, 30)
