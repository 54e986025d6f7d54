"""The words of a feed whose data cannot be trusted."""

from datetime import date

import pytest

from alerts import render_text
from alerts.source_health import line, message
from tests.alerts.rows import finding, source_row

BAD_LINES = {"state": "bad_lines", "last_error": None, "new_quarantined": 1_204, "quarantined_ratio": 0.034}


def said(**changes):
    return render_text(message(source_row(**changes)))


@pytest.mark.parametrize(
    ("state", "title", "step"),
    [
        ("failed", "could not be loaded", "see that the source can be reached"),
        ("late", "brings nothing new", "check what writes this feed"),
        ("silent", "has no records where it usually has some", "check that the gateway or agent still writes"),
        ("bad_lines", "brings many lines that cannot be read", "look at what was refused and why"),
    ],
)
def test_each_state_has_its_own_words_and_step(state, title, step):
    assert said(state=state).startswith(f"🔌 litellm requests {title}\n")
    assert f"Next step: {step}" in said(state=state)


def test_it_says_since_when_days_are_missing_and_how_old_the_data_is():
    assert "Missing since: 11 Nov 2026\nData: 2 days old, last loaded on 11 Nov 2026, newest record of 10" in said()


def test_no_day_is_called_missing_that_is_not_over():
    assert "issing since" not in said(since_date=date(2026, 11, 13), data_age_days=0)


@pytest.mark.parametrize("state", ["failed", "silent"])
def test_data_is_not_called_up_to_date_where_something_is_wrong(state):
    text = said(state=state, data_age_days=0)
    assert "Data: read through 12 Nov 2026, last loaded on 11 Nov 2026" in text and "up to date" not in text


def test_a_feed_that_never_worked_says_so():
    assert "Data: never loaded so far\n" in said(data_age_days=None, last_loaded_at=None, last_record_at=None)


def test_refused_lines_are_counted_against_all():
    text = said(**BAD_LINES, limit_ratio=0.01)
    assert "Refused: 1,204 lines in a week, 3 % of all; a warning from 1 % on\n" in text
    assert "issing since" not in text
    assert line(source_row(**BAD_LINES)) == (
        "🔌 litellm requests brings many lines that cannot be read: 1,204 lines in a week, 3 % of all."
    )


def test_the_line_has_the_error():
    assert line(source_row(last_error="HTTP 401: the key of <x> was refused.")) == (
        "🔌 litellm requests could not be loaded, its data is missing since 11 Nov 2026: "
        "HTTP 401: the key of &lt;x&gt; was refused."
    )


def test_missing_numbers_make_a_shorter_message_not_an_error():
    assert "openai costs needs a look" in render_text(message(finding("source_health", "pipeline", "openai__costs")))
