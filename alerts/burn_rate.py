"""The message of kind `burn_rate`: a cap is being used up much faster than the days of the month go by.

A row holds the common columns, those of `cap_level` about cap, use and data, and: level (3 fast, 2 medium, 1 slow),
window_days (1, 3 or 7), window_tokens, window_usd, cap_share_ratio (of the monthly cap, used in the window),
burn_1d_ratio, burn_3d_ratio, burn_7d_ratio (1 is the pace that uses the cap exactly up at the month's end) and
would_last_days (how long the rest of the cap lasts at the window's pace).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import _cap_words as caps
from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\U0001f525"  # fire
_WINDOWS = (1, 3, 7)  # days
_SLOW = 1  # the level


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {
        "Pace": _pace(row),
        "Used": w.joined([caps.used(row), _rest(row)], by="; "),
        "Cap": caps.cap(row),
        "Forecast": _forecast(row),
        "Data": w.data(row),
    }
    title, text = f"{_MARK} {_title(row, m.plain)}", f"{_essence(row)}{w.measured(row)}."
    steps = f"{step(row)} {caps.where_set(row)}"
    return w.framed(row, title, text, facts, steps, _small_print(row), w.drivers(row), "Main drivers of the month")


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, f"{_essence(row, w.short)}.")


def step(row: Row) -> str:
    """What can be done about it."""
    if int(row["level"]) <= _SLOW:
        return caps.raise_or_wait(row)
    stop = "look at the calls of these days and stop what runs by mistake, such as an agent in a loop"
    return f"{stop}; if the work is wanted, raise the cap."


def _title(row: Row, written: Callable[[Any], str]) -> str:
    share = m.number(row.get("cap_share_ratio"))
    how_much = "much" if share is None else m.percent(share)
    return f"{w.who(row, written)} used {how_much} of its {m.month_name(row['month'])} cap {_in_window(row)}"


def _in_window(row: Row) -> str:
    window = m.number(row.get("window_days"))
    return "in a few days" if window is None else "in one day" if window == 1 else f"in {w.days(window)}"


def _pace(row: Row) -> str:
    spent = m.tokens(row.get("window_tokens"))
    money = m.number(row.get("window_usd"))
    spent += f"{'' if money is None else f' ({m.usd(money)})'} {_in_window(row)}"
    ratios = {window: m.number(row.get(f"burn_{window}d_ratio")) for window in _WINDOWS}
    told = [f"{w.times(ratio)} over {w.days(window)}" for window, ratio in ratios.items() if ratio is not None]
    return f"{spent}; against the pace that would last the month: {w.joined(told)}" if told else spent


def _rest(row: Row) -> str:
    left = m.number(row.get("would_last_days"))
    if left is None:
        return ""
    return f"the rest lasts {'less than a day' if left < 1 else w.days(left)} at this pace"


def _forecast(row: Row) -> str:
    ends = caps.ends(row)
    ends = f"{m.month_name(row['month'], year=False)} ends at {ends}" if ends else ""
    return w.joined([ends, caps.passed_on(row), caps.outlook(row)], by="; ")


def _small_print(row: Row) -> str:
    at_once = "at this pace the cap is used up within days"
    return w.joined([w.team(row), w.when_sent(row, at_once, "once, and again only if it gets faster")], by=" ")


def _essence(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    ratio = m.number(row.get(f"burn_{int(m.number(row.get('window_days')) or 0)}d_ratio"))
    pace = "" if ratio is None else f"{w.times(ratio)} the pace that would last the month"
    told = w.joined([pace, f"{caps.used_first(row)} used so far", _rest(row)])
    return f"{_title(row, written)}: {told}"
