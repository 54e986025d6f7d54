"""The message of kind `cap_level`: a developer, team, pool or the organisation reached 80 % / 100 % of its monthly cap.

A row of `alerts.alerts_due` holds: alert_key, kind, level (80 or 100), scope ('developer', 'team', 'pool', 'org'),
scope_id, scope_name, team_id, team_name, month, as_of_date, reached_on, slack_channel, lead_slack_id, slack_id,
cap_tokens, cap_usd, cap_source ('set', 'carried', 'approved', 'baseline'), binding_measure ('tokens', 'usd'),
used_tokens, used_usd, used_ratio, estimated_tokens, unobserved_tokens, projected_tokens, projected_usd,
projected_ratio, projected_ratio_p10, projected_ratio_p90, probability_over, crosses_cap_on, status ('near', 'over',
'drawing_from_pool'), pool_left_tokens, data_through_at, data_age_days, drivers ([{what, name, tokens, share_ratio}])
and query.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from alerts import _message as m

Row = Mapping[str, Any]

_MARKS = {"near": "\U0001f7e1", "over": "\U0001f534", "drawing_from_pool": "\U0001f535"}  # yellow, red, blue circle
_SOURCES = {
    "set": "set for this month",
    "carried": "carried over from an earlier month",
    "approved": "approved for this month",
    "baseline": "derived from the measured baseline",
}
_DRIVERS = {"model": "model", "task": "task", "task_type": "task type", "developer": "developer"}


def message(row: Row) -> m.Message:
    """The message for one row."""
    figures = m.section(
        _line("Used", _used(row)), _line("Cap", _cap(row)), _line("Pace", _pace(row)), _line("Data", _data(row))
    )
    blocks = [m.header(f"{_MARKS.get(row.get('status'), '')} {_title(row, m.plain)}".strip()), figures]
    drivers = _drivers(row)
    if drivers:
        blocks.append(m.section("*Main drivers:*", *drivers))
    blocks.append(m.section(_line("Next step", _next_step(row))))
    query = m.code(str(row.get("query") or ""))
    if query:
        blocks.append(m.section("*Look it up:*", query))
    blocks.append(m.context(_small_print(row)))
    return m.Message(alert_key=str(row["alert_key"]), text=_essence(row), blocks=blocks)


def _line(label: str, words: str) -> str:
    return f"*{label}:* {words}"


def _title(row: Row, written: Any) -> str:
    reached = "has used all of" if int(row["level"]) >= 100 else f"has reached {int(row['level'])} % of"
    return f"{_who(row, written)} {reached} its {m.month_name(row['month'])} cap"


def _who(row: Row, written: Any) -> str:
    """The entity's name; a team and a pool are called that unless their name already says so."""
    name = row.get("scope_name") or row["scope_id"]
    told = "team" in str(name).lower().split(), "pool" in str(name).lower().split()
    shown = written(name)
    if row["scope"] == "team" and not told[0]:
        return f"Team {shown}"
    return f"{shown} pool" if row["scope"] == "pool" and not told[1] else shown


def _measures(row: Row) -> list[str]:
    """The measures that have a cap, the binding one first."""
    first = "usd" if row.get("binding_measure") == "usd" else "tokens"
    both = (first, "tokens" if first == "usd" else "usd")
    return [measure for measure in both if m.number(row.get(f"cap_{measure}")) is not None]


def _of_cap(row: Row, measure: str) -> str:
    used, cap = m.number(row.get(f"used_{measure}")), m.number(row.get(f"cap_{measure}"))
    ratio = row.get("used_ratio") if measure == row.get("binding_measure") else None
    if m.number(ratio) is None and used is not None and cap:
        ratio = used / cap
    share = "" if m.number(ratio) is None else f" ({m.percent(ratio)})"
    if measure == "usd":
        return f"{m.usd(used)} of {m.usd(cap)}{share}"
    return f"{m.amount(used)} of {m.tokens(cap)}{share}"


def _used(row: Row) -> str:
    words = " and ".join(_of_cap(row, measure) for measure in _measures(row)) or m.tokens(row.get("used_tokens"))
    estimated, unobserved = m.number(row.get("estimated_tokens")), m.number(row.get("unobserved_tokens"))
    if unobserved:
        words += f"; {m.amount(unobserved)} of the tokens went past the gateway, by the provider's bill"
    return f"{words}; {m.amount(estimated)} of the tokens are estimated" if estimated else words


def _cap(row: Row) -> str:
    source = _SOURCES.get(str(row.get("cap_source")), "of unknown origin")
    if row["scope"] == "pool":
        source = "set for every month in teams.csv"
    measures = _measures(row)
    name = "dollar cap" if measures[:1] == ["usd"] else "token cap"
    return f"the {name} binds; both are {source}" if len(measures) == 2 else f"{name}, {source}"


def _pace(row: Row) -> str:
    measures = [each for each in _measures(row) or ["tokens"] if m.number(row.get(f"projected_{each}")) is not None]
    ends = " and ".join(_projected(row, measure) for measure in measures).replace(" %)", " % of the cap)", 1)
    passed = _passed(row)
    if not ends:
        return passed or "no projection yet: too little has been measured"
    month, over = m.month_name(row["month"], year=False), _month_is_over(row)
    ratio = m.number(row.get("projected_ratio"))
    if not passed and not over and ratio is not None and ratio < 1:
        passed = "it stays within the cap" if _chance(row) is None else "that is within the cap"
    if not over and int(row["level"]) < 100 and (chance := _chance(row)) is not None:
        low, high = m.number(row.get("projected_ratio_p10")), m.number(row.get("projected_ratio_p90"))
        passed += f"{'; ' if passed else ''}80 % range {m.percent(low)} to {m.percent(high)}"
        passed += f", chance of reaching the cap {m.percent(chance)}"
    start = f"{month} ended at" if over else f"at this pace {month} ends at"
    return f"{start} {ends}{f'; {passed}' if passed else ''}"


def _chance(row: Row) -> Decimal | None:
    return m.number(row.get("probability_over"))


def _projected(row: Row, measure: str) -> str:
    ends, cap = m.number(row[f"projected_{measure}"]), m.number(row.get(f"cap_{measure}"))
    share = f" ({m.percent(ends / cap)})" if cap else ""
    return f"{m.usd(ends) if measure == 'usd' else m.tokens(ends)}{share}"


def _month_is_over(row: Row) -> bool:
    month, today = m.as_date(row["month"]), m.as_date(row.get("as_of_date"))
    return bool(month and today and today >= m.next_month(month))


def _passed(row: Row) -> str:
    crosses, today = m.as_date(row.get("crosses_cap_on")), m.as_date(row.get("as_of_date"))
    if int(row["level"]) >= 100:
        when = m.as_date(row.get("reached_on")) or crosses
        return f"the cap was reached on {m.day(when)}" if when else ""
    if crosses is None:
        return ""
    return f"the cap {'was' if today and crosses < today else 'is'} passed on {m.day(crosses)}"


def _data(row: Row) -> str:
    age = int(m.number(row.get("data_age_days")) or 0)
    words = f"measured through {m.day(row.get('data_through_at'))}"
    return words if age < 1 else f"{words}, {age} {'day' if age == 1 else 'days'} ago; later use is not counted yet"


def _drivers(row: Row) -> list[str]:
    drivers = row.get("drivers") or []
    drivers = json.loads(drivers) if isinstance(drivers, str) else drivers
    lines = []
    for driver in list(drivers)[:3]:
        what = _DRIVERS.get(str(driver.get("what")), "")
        share = "" if m.number(driver.get("share_ratio")) is None else f" ({m.percent(driver['share_ratio'])})"
        lines.append(f"\u2022 {what} {m.escape(driver.get('name'))}: {m.tokens(driver.get('tokens'))}{share}")
    return lines


def _next_step(row: Row) -> str:
    month = m.as_date(row["month"])
    where, wait = _where_set(row), f"agree what waits until {m.day(m.next_month(month))}"
    raise_it = f"raise {where}"
    if _month_is_over(row):
        return f"check the cap of {m.month_name(m.next_month(month))}; this one was {where}."
    left = m.number(row.get("pool_left_tokens"))
    if row.get("status") == "drawing_from_pool" and (left is None or left > 0):
        pool = m.escape(row.get("team_name") or row.get("team_id") or "team")
        rest = "" if left is None else f", {m.tokens(left)} left"
        return f"none is needed while the pool lasts: drawing from the {pool} pool{rest}."
    ratio = m.number(row.get("projected_ratio"))
    likely = (_chance(row) or 0) >= Decimal("0.5")
    if int(row["level"]) < 100 and ratio is not None and ratio < 1 and row.get("crosses_cap_on") is None and not likely:
        return f"none is needed at this pace; if more work is planned, {raise_it}."
    return f"{raise_it} or {wait}."


def _where_set(row: Row) -> str:
    """The cap, and where it is written down: a pool's in teams.csv, every other in caps.csv."""
    scope, scope_id = row["scope"], m.escape(row["scope_id"], limit=160)
    if scope == "pool":
        measure = (_measures(row) or ["tokens"])[0]
        return f"monthly_pool_{measure} in teams.csv (row {scope_id})"
    return f"the cap in caps.csv (row {scope},{'' if scope == 'org' else scope_id},{m.as_date(row['month']):%Y-%m})"


def _small_print(row: Row) -> str:
    words = [f"{int(row['level'])} % was reached on {m.day(row['reached_on'])}."] if row.get("reached_on") else []
    if row["scope"] in ("developer", "pool") and (row.get("team_name") or row.get("team_id")):
        words.insert(0, f"Team {m.escape(row.get('team_name') or row.get('team_id'))}.")
    return " ".join([*words, "This is sent once per level and month."])


def _essence(row: Row) -> str:
    first = (_measures(row) or ["tokens"])[0]
    used = _of_cap(row, first) if _measures(row) else m.tokens(row.get("used_tokens"))
    ends, cap = m.number(row.get(f"projected_{first}")), m.number(row.get(f"cap_{first}"))
    pace = f", at this pace {m.percent(ends / cap)} by the end of the month" if ends is not None and cap else ""
    pace = "" if _month_is_over(row) else pace
    return f"{_title(row, m.escape)}: {used}{pace} (measured through {m.day(row.get('data_through_at'))})."


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return f"{_MARKS.get(str(row.get('status')), '')} {_essence(row)}".strip()
