"""What messages about a cap share: how much of which cap is used, where it is heading, and who can change it."""

from __future__ import annotations

from decimal import Decimal

from alerts import _message as m
from alerts._words import Row, joined

_SOURCES = {
    "set": "set for this month",
    "carried": "carried over from an earlier month",
    "approved": "approved for this month",
    "baseline": "derived from the measured baseline",
}


def measures(row: Row) -> list[str]:
    """The measures that have a cap, the binding one first."""
    first = "usd" if row.get("binding_measure") == "usd" else "tokens"
    both = (first, "tokens" if first == "usd" else "usd")
    return [measure for measure in both if m.number(row.get(f"cap_{measure}")) is not None]


def of_cap(row: Row, measure: str) -> str:
    """What is used of one cap: "3.21 M of 4.00 M tokens (80 %)"."""
    used_, cap_ = m.number(row.get(f"used_{measure}")), m.number(row.get(f"cap_{measure}"))
    ratio = row.get("used_ratio") if measure == row.get("binding_measure") else None
    if m.number(ratio) is None and used_ is not None and cap_:
        ratio = used_ / cap_
    share = "" if m.number(ratio) is None else f" ({m.percent(ratio)})"
    if measure == "usd":
        return f"{m.usd(used_)} of {m.usd(cap_)}{share}"
    return f"{m.amount(used_)} of {m.tokens(cap_)}{share}"


def used_first(row: Row) -> str:
    """What is used of the binding cap."""
    return of_cap(row, measures(row)[0]) if measures(row) else m.tokens(row.get("used_tokens"))


def used(row: Row) -> str:
    """What is used of each cap, and what of it is uncertain."""
    words = " and ".join(of_cap(row, measure) for measure in measures(row)) or m.tokens(row.get("used_tokens"))
    estimated, unobserved = m.number(row.get("estimated_tokens")), m.number(row.get("unobserved_tokens"))
    if unobserved:
        words += f"; {m.amount(unobserved)} of the tokens went past the gateway, by the provider's bill"
    return f"{words}; {m.amount(estimated)} of the tokens are estimated" if estimated else words


def cap(row: Row) -> str:
    """Which cap binds, and where it comes from."""
    source = _SOURCES.get(str(row.get("cap_source")), "of unknown origin")
    if row["scope"] == "pool":
        source = "set for every month in teams.csv"
    found = measures(row)
    name = "dollar cap" if found[:1] == ["usd"] else "token cap"
    return f"the {name} binds; both are {source}" if len(found) == 2 else f"{name}, {source}"


def ends(row: Row) -> str:
    """What the month ends at, for each measure; empty where nothing is projected."""
    shown = [each for each in measures(row) or ["tokens"] if m.number(row.get(f"projected_{each}")) is not None]
    return " and ".join(_projected(row, measure) for measure in shown).replace(" %)", " % of the cap)", 1)


def outlook(row: Row) -> str:
    """The range of the month's end and the chance of reaching the cap; empty where that is not known."""
    if chance(row) is None:
        return ""
    low, high = m.number(row.get("projected_ratio_p10")), m.number(row.get("projected_ratio_p90"))
    span = "" if low is None or high is None else f"80 % range {m.percent(low)} to {m.percent(high)}"
    return joined([span, f"chance of reaching the cap {m.percent(chance(row))}"])


def chance(row: Row) -> Decimal | None:
    """The chance of reaching the cap by the month's end."""
    return m.number(row.get("probability_over"))


def passed_on(row: Row) -> str:
    """When the forecast passes the cap; empty where it does not."""
    crosses, today = m.as_date(row.get("crosses_cap_on")), m.as_date(row.get("as_of_date"))
    if crosses is None:
        return ""
    return f"the cap {'was' if today and crosses < today else 'is'} passed on {m.day(crosses)}"


def month_is_over(row: Row) -> bool:
    """Whether the row tells of a month before the one of its as-of date."""
    month, today = m.as_date(row["month"]), m.as_date(row.get("as_of_date"))
    return bool(month and today and today >= m.next_month(month))


def where_set(row: Row) -> str:
    """Who can change the cap, and where; a sentence."""
    scope, scope_id = row["scope"], m.escape(row["scope_id"], limit=160)
    if scope == "pool":
        measure = (measures(row) or ["tokens"])[0]
        return f"Who keeps teams.csv can change monthly_pool_{measure} in the row {scope_id}."
    if row.get("cap_source") == "approved":
        return "It was approved in Slack, which counts before caps.csv: request an increase there."
    place = f"row {scope},{'' if scope == 'org' else scope_id},{m.as_date(row['month']):%Y-%m}"
    return f"Who keeps caps.csv can {'change' if row.get('cap_source') == 'set' else 'add'} the {place}."


def raise_or_wait(row: Row) -> str:
    """The step that a cap which does not last asks for."""
    what = "pool" if row["scope"] == "pool" else "cap"
    return f"raise the {what} or agree what waits until {m.day(m.next_month(m.as_day(row['month'])))}."


def _projected(row: Row, measure: str) -> str:
    projected, cap_ = m.number(row[f"projected_{measure}"]), m.number(row.get(f"cap_{measure}"))
    share = f" ({m.percent(projected / cap_)})" if projected is not None and cap_ else ""
    return f"{m.usd(projected) if measure == 'usd' else m.tokens(projected)}{share}"
