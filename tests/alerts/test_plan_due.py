"""The words of a plan that nobody has decided."""

import pytest

from alerts import render_text
from alerts.plan_due import line, message
from tests.alerts.rows import finding, plan_due_row


def said(**changes):
    return render_text(message(plan_due_row(**changes)))


def test_it_counts_what_waits_and_says_what_happens_otherwise():
    text = said()
    assert text.startswith("📅 Team Platform: 4 proposed caps for December 2026 wait for a decision\n")
    assert "Not decided: 4 of 9\nPlan: draft of 25 Nov 2026\nBegins: in 2 days, on 1 Dec 2026\n" in text
    assert "Otherwise: what is not decided keeps the cap of the month before\n" in text
    assert "Plan: final plan of 25 Nov 2026\n" in said(plan_stage="final")
    assert "1 proposed cap for December 2026 waits" in said(undecided=1)


@pytest.mark.parametrize(
    ("left", "words"), [(1, "begins in 1 day"), (0, "begins today"), (-1, "began 1 day ago"), (-3, "began 3 days ago")]
)
def test_the_line_says_when_the_month_begins(left, words):
    assert line(plan_due_row(begins_in_days=left)) == (
        f"📅 Team Platform: 4 proposed caps for December 2026 wait for a decision; the month {words}, on 1 Dec 2026."
    )


def test_missing_numbers_make_a_shorter_message_not_an_error():
    text = render_text(message(finding("plan_due", "org", "org", scope_name="The organisation")))
    assert "The organisation: Proposed caps for November 2026 wait for a decision\n" in text
