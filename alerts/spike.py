"""The message of kind `spike`: a developer, a team or the organisation used far more on a day than it usually does.

A row holds the common columns and: usage_date, tokens, usual_tokens, largest_before_tokens, above_tokens,
times_usual_ratio, cost_usd, usual_usd, above_usd (see plan.usage_spikes), cap_share_ratio (above_tokens of the
month's cap), data_through_at, data_age_days and drivers ([{what, name, tokens, share_ratio}]) of that day.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\u26a1"  # high voltage


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {"Used": _used(row), "Usual": _usual(row), "Above": _above(row), "Data": w.data(row)}
    title = f"{_MARK} {_title(row, m.plain)}"
    return w.framed(row, title, _essence(row), facts, step(row), _small_print(row), w.drivers(row))


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, _essence(row, w.short))


def step(row: Row) -> str:
    """What can be done about it."""
    return "ask what ran on that day; stop it if it runs by mistake, and if the work was meant nothing is needed."


def _title(row: Row, written: Callable[[Any], str]) -> str:
    ratio = m.number(row.get("times_usual_ratio"))
    how_much = "far more than on a usual day" if ratio is None else f"{w.times(ratio)} its usual day"
    return f"{w.who(row, written)} used {how_much} on {m.day(row.get('usage_date'))}"


def _money(row: Row, name: str) -> str:
    return "" if m.number(row.get(name)) is None else m.usd(row[name])


def _used(row: Row) -> str:
    cost = _money(row, "cost_usd")
    return f"{m.tokens(row.get('tokens'))}{f' ({cost})' if cost else ''}"


def _usual(row: Row) -> str:
    usual = m.number(row.get("usual_tokens"))
    if usual is None:
        return "not known"
    money, largest = _money(row, "usual_usd"), m.number(row.get("largest_before_tokens"))
    largest = "" if largest is None else f"the largest day of the eight weeks before had {m.tokens(largest)}"
    return w.joined([f"{m.tokens(usual)}{f' ({money})' if money else ''}", largest], by="; ")


def _above(row: Row) -> str:
    above, share = m.number(row.get("above_tokens")), m.number(row.get("cap_share_ratio"))
    share = "" if share is None else f"{m.percent(share)} of the month's cap"
    return w.joined(["" if above is None else m.tokens(above), _money(row, "above_usd"), share])


def _small_print(row: Row) -> str:
    at_once = "this is a large part of a month in one day"
    return w.joined([w.team(row), w.when_sent(row, at_once, "once for each such day")], by=" ")


def _essence(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    usual = "" if m.number(row.get("usual_tokens")) is None else f" instead of about {m.tokens(row['usual_tokens'])}"
    largest = f"; the largest part is {parts[0]}" if (parts := w.parts(row, written)) else ""
    return f"{_title(row, written)}: {_used(row)}{usual}{largest}."
