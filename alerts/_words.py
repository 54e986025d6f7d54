"""What the messages of all kinds share: their shape, and how they say who, how old the data is and what drove it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from alerts import _message as m

Row = Mapping[str, Any]

LINE_LIMIT = 300
short = functools.partial(m.escape, limit=40)  # a name in a line: five times as long at most once it is escaped

_DRIVERS = {"model": "model", "task": "task", "task_type": "task type", "developer": "developer"}


def framed(
    row: Row,
    title: str,
    text: str,
    facts: Mapping[str, str],
    step: str,
    small_print: str,
    largest: Iterable[str] = (),
    largest_title: str = "Main drivers",
) -> m.Message:
    """A message: headline (plain text), facts, what drove it, one next step, where to look, why it was sent.

    Everything else is mrkdwn with its names escaped; facts without words are left out.
    """
    told = [f"*{label}:* {words}" for label, words in facts.items() if words]
    blocks = [m.header(title), m.section(*told)]
    if lines := list(largest):
        blocks.append(m.section(f"*{largest_title}:*", *lines))
    blocks.append(m.section(f"*Next step:* {step}"))
    if query := m.code(str(row.get("query") or "")):
        blocks.append(m.section("*Look it up:*", query))
    blocks.append(m.context(small_print))
    return m.Message(alert_key=str(row["alert_key"]), text=text, blocks=blocks)


def one_line(mark: str, essence: str) -> str:
    """One line of mrkdwn for a digest or a summary, of at most LINE_LIMIT characters."""
    return m.clip(f"{mark} {essence}".strip(), LINE_LIMIT)


def who(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    """The entity's name; a team and a pool are called that unless their name already says so."""
    name = row.get("scope_name") or row["scope_id"]
    told = "team" in str(name).lower().split(), "pool" in str(name).lower().split()
    shown = written(name)
    if row["scope"] == "team" and not told[0]:
        return f"Team {shown}"
    return f"{shown} pool" if row["scope"] == "pool" and not told[1] else shown


def team(row: Row) -> str:
    """The team of a developer or a pool as a sentence; empty for what has none or is one."""
    name = row.get("team_name") or row.get("team_id")
    return f"Team {m.escape(name)}." if row["scope"] in ("developer", "pool") and name else ""


def data(row: Row) -> str:
    """How far the data reaches, and how old it is where it is not of today."""
    age = int(m.number(row.get("data_age_days")) or 0)
    if not row.get("data_through_at") and row.get("as_of_date"):
        return f"as of {m.day(row['as_of_date'])}"
    words = f"measured through {m.day(row.get('data_through_at'))}"
    return words if age < 1 else f"{words}, {days(age)} ago; later use is not counted yet"


def drivers(row: Row) -> list[str]:
    """The three largest parts, one line each; `drivers` is [{what, name, tokens, share_ratio}], or that as JSON."""
    return [f"\u2022 {part}" for part in parts(row)[:3]]


def parts(row: Row, written: Callable[[Any], str] = m.escape) -> list[str]:
    """The parts of `drivers` in words, the largest first: "task PAY-118: 1.20 M tokens (37 %)"."""
    found = row.get("drivers") or []
    found = json.loads(found) if isinstance(found, str) else found
    lines = []
    for driver in sorted(found, key=lambda driver: m.number(driver.get("tokens")) or 0, reverse=True):
        name = f"{_DRIVERS.get(str(driver.get('what')), '')} {written(driver.get('name'))}".strip()
        share = "" if m.number(driver.get("share_ratio")) is None else f" ({m.percent(driver['share_ratio'])})"
        lines.append(f"{name}: {m.tokens(driver.get('tokens'))}{share}")
    return lines


def measured(row: Row) -> str:
    """How far the data reaches, at the end of a sentence."""
    return f" (measured through {m.day(row['data_through_at'])})" if row.get("data_through_at") else ""


def days(count: Any) -> str:
    """A number of whole days: "1 day", "3 days"."""
    whole = int(m.number(count) or 0)
    return "1 day" if whole == 1 else f"{whole:,} days"


def times(ratio: Any) -> str:
    """How many times as much: "6.3 times", from ten on "12 times", and "0 times"."""
    factor = m.number(ratio)
    if factor is None:
        return "an unknown number of times"
    digit = Decimal("0.1") if factor and abs(factor) < Decimal("9.95") else Decimal(1)
    return f"{factor.quantize(digit, ROUND_HALF_UP):,} times"


def joined(parts: Iterable[str], by: str = ", ") -> str:
    """The parts that have words."""
    return by.join(part for part in parts if part)


def when_sent(row: Row, at_once: str, each: str) -> str:
    """Why it came now: `at_once` says why it could not wait for the digest, `each` how often it comes."""
    now = f"Sent at once, because {at_once}" if row.get("urgency") == "immediate" else "Sent with the daily digest"
    return f"{now}; {each}."
