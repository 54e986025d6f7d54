"""The words of a cap that is used too fast."""

import pytest

from alerts import render_text
from alerts.burn_rate import line, message
from tests.alerts.rows import burn_row, finding


def said(**changes):
    return render_text(message(burn_row(**changes)))


def test_the_headline_has_the_share_and_the_window():
    assert said().startswith("🔥 dev-03 used 24 % of its November 2026 cap in one day\n")
    assert said(window_days=3).startswith("🔥 dev-03 used 24 % of its November 2026 cap in 3 days\n")


def test_all_windows_are_compared_with_the_pace_that_lasts():
    assert (
        "Pace: 960 k tokens ($3.68) in one day; against the pace that would last the month: 6.3 times over 1 day, "
        "3.4 times over 3 days, 1.9 times over 7 days\n"
    ) in said()
    assert "last the month: 6.3 times over 1 day\n" in said(burn_3d_ratio=None, burn_7d_ratio=None)


@pytest.mark.parametrize(("left", "words"), [(0.4, "less than a day"), (1.98, "1 day"), (12, "12 days")])
def test_it_says_how_long_the_rest_lasts_and_never_too_much(left, words):
    assert f"Used: 2.10 M of 4.00 M tokens (52 %); the rest lasts {words} at this pace\n" in said(would_last_days=left)


def test_the_line_has_the_ratio_of_its_own_window():
    slow = burn_row(level=1, window_days=7, cap_share_ratio=0.41)
    assert line(slow) == (
        "🔥 dev-03 used 41 % of its November 2026 cap in 7 days: 1.9 times the pace that would last the month, "
        "2.10 M of 4.00 M tokens (52 %) used so far, the rest lasts 1 day at this pace."
    )


def test_what_burns_fast_is_looked_at_and_what_burns_slowly_needs_a_decision():
    assert "Next step: look at the calls of these days and stop what runs by mistake, such as" in said(level=2)
    assert "Next step: raise the cap or agree what waits until 1 Dec 2026. Who keeps caps.csv" in said(level=1)


def test_it_says_why_it_did_not_wait():
    assert "Sent at once, because at this pace the cap is used up within days; once, and again only" in said()
    assert "Sent with the daily digest; once, and again only if it gets faster.\n" in said(urgency="digest")


def test_missing_numbers_make_a_shorter_message_not_an_error():
    text = render_text(message(finding("burn_rate", "team", "mobile", 3)))
    assert text.startswith("🔥 Team mobile used much of its November 2026 cap in a few days\n")
    assert "Pace: an unknown number of tokens in a few days\n" in text and "Forecast" not in text
