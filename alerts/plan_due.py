"""The message of kind `plan_due`: proposed caps that nobody has decided, shortly before or after their month begins.

A row holds the common columns (scope 'team', told to its lead, or 'org') and: month (the planned one), undecided and
decided (numbers of proposals), plan_stage ('draft', 'final'), plan_issued_at and begins_in_days (negative once the
month has begun).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\U0001f4c5"  # calendar


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {
        "Not decided": _counted(row),
        "Plan": _plan(row),
        "Begins": _begins(row),
        "Otherwise": "what is not decided keeps the cap of the month before",
        "Data": w.data(row),
    }
    small_print = w.when_sent(row, "the month begins", "once for each plan")
    return w.framed(row, f"{_MARK} {_title(row, m.plain)}", _essence(row), facts, step(row), small_print)


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, _essence(row, w.short))


def step(row: Row) -> str:
    """What can be done about it."""
    if row.get("has_buttons"):
        return "approve, change or reject each proposal at the plan's message."
    return f"have the caps that you accept put into caps.csv for {m.as_date(row['month']):%Y-%m}."


def _title(row: Row, written: Callable[[Any], str]) -> str:
    count = m.number(row.get("undecided"))
    caps = "Proposed caps" if count is None else "1 proposed cap" if count == 1 else f"{int(count):,} proposed caps"
    verb = "waits" if count == 1 else "wait"
    return f"{w.who(row, written)}: {caps} for {m.month_name(row['month'])} {verb} for a decision"


def _counted(row: Row) -> str:
    undecided, decided = m.number(row.get("undecided")), m.number(row.get("decided"))
    if undecided is None:
        return ""
    return f"{int(undecided):,}" if decided is None else f"{int(undecided):,} of {int(undecided + decided):,}"


def _plan(row: Row) -> str:
    stage = "draft" if row.get("plan_stage") == "draft" else "final plan"
    return f"{stage} of {m.day(row['plan_issued_at'])}" if row.get("plan_issued_at") else stage


def _begins(row: Row) -> str:
    left = m.number(row.get("begins_in_days"))
    if left is None:
        return m.day(row["month"])
    when = "today" if left == 0 else f"in {w.days(left)}" if left > 0 else f"{w.days(-left)} ago"
    return f"{when}, on {m.day(row['month'])}"


def _essence(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    left = m.number(row.get("begins_in_days"))
    verb = "begins" if left is None or left >= 0 else "began"
    return f"{_title(row, written)}; the month {verb} {_begins(row)}."
