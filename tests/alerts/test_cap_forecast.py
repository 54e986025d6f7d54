"""The words of a cap that will probably not last."""

import pytest

from alerts import render_text
from alerts.cap_forecast import line, message
from tests.alerts.rows import finding, forecast_row


def said(**changes):
    return render_text(message(forecast_row(**changes)))


def test_the_forecast_has_its_end_its_date_its_range_and_its_chance():
    assert (
        "Forecast: at this pace November ends at 4.72 M tokens (118 % of the cap); the cap is passed on 25 Nov 2026; "
        "80 % range 103 % to 140 %, chance of reaching the cap 87 %\n"
    ) in said()


def test_the_line_says_when_and_how_sure_it_is():
    assert line(forecast_row()) == (
        "📈 dev-03 is likely to pass its November 2026 cap on 25 Nov 2026: chance 87 %, "
        "2.10 M of 4.00 M tokens (52 %) used so far."
    )


def test_it_says_from_which_chance_on_it_is_sent():
    assert "Team Platform. Sent with the daily digest; once, when that chance is 80 % or more.\n" in said()
    assert "once, when the cap is likely to be passed.\n" in said(limit_probability=None)


def test_a_cap_in_dollars_is_told_in_dollars():
    dollars = {"cap_tokens": None, "cap_usd": 16, "binding_measure": "usd", "used_ratio": 0.503}
    assert "November ends at $18.09 (113 % of the cap)" in said(**dollars)
    assert "$8.05 of $16.00 (50 %) used so far" in line(forecast_row(**dollars))


@pytest.mark.parametrize("end", ["projected_ratio_p10", "projected_ratio_p90"])
def test_a_range_that_is_not_known_is_left_out(end):
    assert "25 Nov 2026; chance of reaching the cap 87 %\n" in said(**{end: None})


def test_missing_numbers_make_a_shorter_message_not_an_error():
    text = render_text(message(finding("cap_forecast", "org", "org", scope_name="The organisation")))
    assert "Forecast: its numbers are missing in the row\n" in text
    assert "1 Dec 2026. Who keeps caps.csv can add the row org,,2026-11.\n" in text
