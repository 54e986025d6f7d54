"""The words of a day far above the usual one."""

import pytest

from alerts import render_text
from alerts.spike import line, message
from tests.alerts.rows import finding, spike_row


def said(**changes):
    return render_text(message(spike_row(**changes)))


def test_a_spike_says_what_was_used_what_is_usual_and_what_is_above():
    assert (
        "Used: 1.20 M tokens ($4.60)\n"
        "Usual: 230 k tokens ($0.88); the largest day of the eight weeks before had 510 k tokens\n"
        "Above: 970 k tokens, $3.72, 24 % of the month's cap\n"
    ) in said()


def test_the_line_names_the_largest_part():
    assert line(spike_row()) == (
        "⚡ dev-03 used 5.2 times its usual day on 12 Nov 2026: 1.20 M tokens ($4.60) instead of about 230 k tokens; "
        "the largest part is task PAY-118: 900 k tokens (75 %)."
    )
    task_type = {"what": "task_type", "name": "feature", "tokens": 1_100_000, "share_ratio": 0.916}
    assert line(spike_row(drivers=[*spike_row()["drivers"], task_type])).endswith(
        "task type feature: 1.10 M tokens (91 %)."
    )
    assert line(spike_row(drivers=None)).endswith(" instead of about 230 k tokens.")


@pytest.mark.parametrize(
    ("ratio", "words"), [(5.25, "5.3 times"), (9.96, "10 times"), (1234.4, "1,234 times"), (0, "0 times")]
)
def test_how_many_times_is_told_as_exactly_as_it_matters(ratio, words):
    assert f"dev-03 used {words} its usual day" in said(times_usual_ratio=ratio)


def test_where_a_usual_day_has_no_use_there_is_no_ratio():
    text = said(times_usual_ratio=None, usual_tokens=0, usual_usd=0)
    assert text.startswith("⚡ dev-03 used far more than on a usual day on 12 Nov 2026\n")
    assert "Usual: 0 tokens ($0.00); the largest day" in text


def test_missing_numbers_make_a_shorter_message_not_an_error():
    text = render_text(message(finding("spike", "org", "org", scope_name="The organisation")))
    assert "The organisation used far more than on a usual day on an unknown date" in text
    assert "Usual: not known\n" in text and "Above" not in text
