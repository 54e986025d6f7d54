"""The message of kind `cap_level`: a developer, team, pool or the organisation reached 80 % / 100 % of its monthly cap.

A row of `alerts.alerts_due` holds: alert_key, kind, level (80 or 100), scope ('developer', 'team', 'pool', 'org'),
scope_id, scope_name, team_id, team_name, month, as_of_date, reached_on, slack_channel, lead_slack_id, slack_id,
cap_tokens, cap_usd, cap_source ('set', 'carried', 'approved', 'baseline'), binding_measure ('tokens', 'usd'),
used_tokens, used_usd, used_ratio, estimated_tokens, unobserved_tokens, projected_tokens, projected_usd,
projected_ratio, projected_ratio_p10, projected_ratio_p90, probability_over, is_likely_over, crosses_cap_on, status
('near', 'over', 'drawing_from_pool'), pool_left_tokens, pool_projected_ratio, data_through_at, data_age_days, drivers
([{what, name, tokens, share_ratio}]) and query.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import _cap_words as caps
from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARKS = {"near": "\U0001f7e1", "over": "\U0001f534", "drawing_from_pool": "\U0001f535"}  # yellow, red, blue circle


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {"Used": caps.used(row), "Cap": caps.cap(row), "Pace": _pace(row), "Data": w.data(row)}
    title, text = f"{_mark(row)} {_title(row, m.plain)}".strip(), f"{_essence(row)}{w.measured(row)}."
    return w.framed(row, title, text, facts, _steps(row), _small_print(row), w.drivers(row))


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    carried = f"; not stopped: {_carried(row)}" if _is_carried(row) else ""
    return w.one_line(_mark(row), f"{_essence(row, w.short)}{carried}.")


def step(row: Row) -> str:
    """What can be done about it."""
    if caps.month_is_over(row):
        return f"check the cap of {m.month_name(m.next_month(m.as_day(row['month'])))}."
    if _is_carried(row):
        if (m.number(row.get("pool_projected_ratio")) or 0) < 1:
            return "none is needed while the pool lasts."
        return f"the pool will probably not last: {caps.raise_or_wait(row)}"
    ratio = m.number(row.get("projected_ratio"))
    is_expected = ratio is None or ratio >= 1 or row.get("crosses_cap_on") is not None
    if int(row["level"]) < 100 and not is_expected and not row.get("is_likely_over"):
        return "none is needed at this pace; if more work is planned, raise the cap."
    return caps.raise_or_wait(row)


def _mark(row: Row) -> str:
    return _MARKS.get(str(row.get("status")), "")


def _title(row: Row, written: Callable[[Any], str]) -> str:
    reached = "has used all of" if int(row["level"]) >= 100 else f"has reached {int(row['level'])} % of"
    return f"{w.who(row, written)} {reached} its {m.month_name(row['month'])} cap"


def _pace(row: Row) -> str:
    ends, passed, over = caps.ends(row), _passed(row), caps.month_is_over(row)
    if not ends:
        return passed or "no projection yet: too little has been measured"
    month = m.month_name(row["month"], year=False)
    ratio, is_near = m.number(row.get("projected_ratio")), not over and int(row["level"]) < 100
    if not passed and not over and ratio is not None and ratio < 1:
        passed = "it stays within the cap" if caps.chance(row) is None else "that is within the cap"
        passed += ", but by how past forecasts missed it is passed more often than not" * bool(
            row.get("is_likely_over")
        )
    start = f"{month} ended at" if over else f"at this pace {month} ends at"
    return w.joined([f"{start} {ends}", passed, caps.outlook(row) if is_near else ""], by="; ")


def _passed(row: Row) -> str:
    if int(row["level"]) < 100:
        return caps.passed_on(row)
    when = m.as_date(row.get("reached_on")) or m.as_date(row.get("crosses_cap_on"))
    return f"the cap was reached on {m.day(when)}" if when else ""


def _steps(row: Row) -> str:
    if caps.month_is_over(row):
        return step(row)
    if _is_carried(row):
        return f"{step(row).rstrip('.')}: {_carried(row)}."
    return f"{step(row)} {caps.where_set(row)}"


def _is_carried(row: Row) -> bool:
    left = m.number(row.get("pool_left_tokens"))
    is_drawing = row.get("status") == "drawing_from_pool" and not caps.month_is_over(row)
    return is_drawing and (left is None or left > 0)


def _carried(row: Row) -> str:
    left = m.number(row.get("pool_left_tokens"))
    rest = "" if left is None else f", {m.tokens(left)} left"
    return f"drawing from the {m.escape(row.get('team_name') or row.get('team_id') or 'team')} pool{rest}"


def _small_print(row: Row) -> str:
    reached = f"{int(row['level'])} % was reached on {m.day(row['reached_on'])}." if row.get("reached_on") else ""
    return w.joined([w.team(row), reached, "This is sent once per level and month."], by=" ")


def _essence(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    first = (caps.measures(row) or ["tokens"])[0]
    ends, cap = m.number(row.get(f"projected_{first}")), m.number(row.get(f"cap_{first}"))
    pace = f", at this pace {m.percent(ends / cap)} by the end of the month" if ends is not None and cap else ""
    if pace and int(row["level"]) < 100 and caps.chance(row) is not None:
        pace += f" (chance of reaching it {m.percent(caps.chance(row))})"
    pace = "" if caps.month_is_over(row) else pace
    return f"{_title(row, written)}: {caps.used_first(row)}{pace}"
