"""The words of a bill and logs that disagree."""

from alerts import render_text
from alerts.bill_gap import line, message
from tests.alerts.rows import finding, gap_row


def said(**changes):
    return render_text(message(gap_row(**changes)))


def test_days_of_a_running_month_are_told_with_the_worst_one():
    text = said()
    assert text.startswith("🧾 The bill of anthropic and the logs of November 2026 are up to 14 % apart\n")
    assert "Unexplained: 1.40 M tokens more on the bill than in the logs; a warning from 10 % on\n" in text
    assert "Billed: 9.90 M tokens, $38.20 on these days\n" in text
    assert "Days: 3 days, the worst is 9 Nov 2026 (UTC)\nCauses: no known cause, models without a price\n" in text


def test_a_closed_month_is_told_as_a_whole():
    text = said(is_closed=True)
    assert "of November 2026 are 14 % apart\n" in text and "Billed: 9.90 M tokens, $38.20\n" in text


def test_logs_that_know_of_more_than_the_bill_ask_for_another_step():
    assert "Next step: compare the worst day: look for keys that do not use the gateway" in said()
    text = said(remaining_tokens=-1_400_000)
    assert "Unexplained: 1.40 M tokens less on the bill than in the logs" in text
    assert "Next step: compare the worst day: the bill may be of another account" in text


def test_the_line_has_the_tokens_and_the_worst_day():
    assert line(gap_row()) == (
        "🧾 The bill of anthropic and the logs of November 2026 are up to 14 % apart: "
        "1.40 M tokens more are billed than logged, worst on 9 Nov 2026."
    )


def test_missing_numbers_make_a_shorter_message_not_an_error():
    text = render_text(message(finding("bill_gap", "pipeline", "openai")))
    assert "The bill of openai and the logs of November 2026 disagree\n" in text
    assert "Billed" not in text and "Causes" not in text and "Days" not in text
