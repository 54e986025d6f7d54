"""The words of numbers that are old."""

from alerts import render_text
from alerts.pipeline_stale import line, message
from tests.alerts.rows import finding, stale_row


def test_it_says_how_old_the_numbers_are_why_and_what_to_do():
    text = render_text(message(stale_row()))
    assert text.startswith("⏳ The numbers are 3 days old: no run has finished since\n")
    assert "Last run: failed: the build failed: 1 test of fctˍusageˍdaily\n" not in text
    assert "Last run: failed: the build failed: 1 test of fct_usage_daily\n" in text
    assert "Data: measured through 12 Nov 2026; later use is not counted yet\n" in text
    assert "once when nothing was published for more than 2 days.\n" in text


def test_the_line_has_the_day_and_the_error():
    assert line(stale_row(age_days=1, last_error=None)) == (
        "⏳ The numbers are 1 day old: no run has finished since (published on 13 Nov 2026, "
        "measured through 12 Nov 2026)."
    )


def test_missing_numbers_make_a_shorter_message_not_an_error():
    text = render_text(message(finding("pipeline_stale", "pipeline", "warehouse", as_of_date=None)))
    assert "The numbers are old: no run has finished since\n" in text and "Published: never so far\n" in text
