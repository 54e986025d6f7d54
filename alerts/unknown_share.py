"""The message of kind `unknown_share`: too many tokens of a month have no known price, or belong to nobody.

A row holds the common columns (scope 'org' or 'pipeline', scope_id 'unpriced' or 'unattributed') and: share_ratio,
limit_ratio, tokens, total_tokens, usd (what they cost; of unpriced ones at the fallback price), names (the
largest of them: [{name, tokens}] of models or of callers) and names_in_all (how many there are).
"""

from __future__ import annotations

from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\u2754"  # question mark


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {
        "Share": _share(row),
        "Cost": _cost(row),
        "What it means": "these costs are a guess" if _is_price(row) else "no cap and no team counts these tokens",
        "Data": w.data(row),
    }
    small_print = w.when_sent(row, "the numbers cannot be trusted", "once a month while it is over the limit")
    title = f"{_MARK} {_title(row)}"
    return w.framed(row, title, _essence(row), facts, step(row), small_print, _largest(row), "Largest")


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, _essence(row))


def step(row: Row) -> str:
    """What can be done about it."""
    if _is_price(row):
        return "give the models a price in price_overrides.csv, or their usual name in model_aliases.csv."
    return "say in identities.csv whose these names are."


def _is_price(row: Row) -> bool:
    return row["scope_id"] == "unpriced"


def _title(row: Row) -> str:
    lacking = "have no known price" if _is_price(row) else "belong to nobody"
    return f"{m.percent(row.get('share_ratio'))} of the tokens of {m.month_name(row['month'])} {lacking}"


def _share(row: Row) -> str:
    limit = m.number(row.get("limit_ratio"))
    limit = "" if limit is None else f"; a warning from {m.percent(limit)} on"
    of_all = f"{m.amount(row.get('tokens'))} of {m.tokens(row.get('total_tokens'))}"
    return f"{of_all} ({m.percent(row.get('share_ratio'))}){limit}"


def _cost(row: Row) -> str:
    if m.number(row.get("usd")) is None:
        return ""
    return f"{m.usd(row['usd'])}{' at the fallback price' if _is_price(row) else ''}"


def _largest(row: Row) -> list[str]:
    names = list(row.get("names") or [])
    lines = [f"\u2022 {m.escape(one.get('name'))}: {m.tokens(one.get('tokens'))}" for one in names[:3]]
    more = int(m.number(row.get("names_in_all")) or 0) - len(lines)
    return [*lines, f"and {more:,} more"] if lines and more > 0 else lines


def _essence(row: Row) -> str:
    largest = f"; the largest is {w.short(names[0].get('name'))}" if (names := list(row.get("names") or [])) else ""
    return f"{_title(row)}: {w.joined([m.tokens(row.get('tokens')), _cost(row)])}{largest}."
