"""The message of kind `cap_forecast`: a developer, a team or the organisation is likely to pass its monthly cap.

A row holds the common columns and those of `cap_level` (cap, use, projection, range, probability_over,
crosses_cap_on, data age, drivers); `level` is 0. `limit_probability` is the chance from which on it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import _cap_words as caps
from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\U0001f4c8"  # chart with upwards trend


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {"Forecast": _forecast(row), "Used": caps.used(row), "Cap": caps.cap(row), "Data": w.data(row)}
    title, text = f"{_MARK} {_title(row, m.plain)}", f"{_essence(row)}{w.measured(row)}."
    steps = f"{step(row)} {caps.where_set(row)}"
    return w.framed(row, title, text, facts, steps, _small_print(row), w.drivers(row))


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, f"{_essence(row, w.short)}.")


def step(row: Row) -> str:
    """What can be done about it."""
    return caps.raise_or_wait(row)


def _title(row: Row, written: Callable[[Any], str]) -> str:
    return f"{w.who(row, written)} is likely to pass its {m.month_name(row['month'])} cap"


def _forecast(row: Row) -> str:
    ends = caps.ends(row)
    ends = f"at this pace {m.month_name(row['month'], year=False)} ends at {ends}" if ends else ""
    return w.joined([ends, caps.passed_on(row), caps.outlook(row)], by="; ") or "its numbers are missing in the row"


def _small_print(row: Row) -> str:
    limit = m.number(row.get("limit_probability"))
    since = "the cap is likely to be passed" if limit is None else f"that chance is {m.percent(limit)} or more"
    return w.joined([w.team(row), w.when_sent(row, "the cap will not last", f"once, when {since}")], by=" ")


def _essence(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    chance = "" if caps.chance(row) is None else f"chance {m.percent(caps.chance(row))}"
    crosses = m.as_date(row.get("crosses_cap_on"))
    when = f" on {m.day(crosses)}" if crosses else ""
    return f"{_title(row, written)}{when}: {w.joined([chance, f'{caps.used_first(row)} used so far'])}"
