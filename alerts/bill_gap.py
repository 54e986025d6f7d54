"""The message of kind `bill_gap`: a provider's bill and the logs disagree by more than can be explained.

A row holds the common columns (scope_id the provider) and: apart_ratio, limit_ratio, billed_tokens, billed_usd,
observed_tokens, observed_usd, remaining_tokens (billed and not explained; negative where the logs know of more),
is_closed (it is about a whole month, else about days of one, and apart_ratio is the worst day's), days (how many are
apart), worst_date and causes (names with commas, see fct_reconciliation_daily).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\U0001f9fe"  # receipt
_CAUSES = {
    "bypass": "keys that go past the gateway",
    "timing": "days that were asked for too early",
    "cache_counting": "cached tokens that are counted differently",
    "estimated_tokens": "tokens that could only be estimated",
    "unexplained": "no known cause",
    "unpriced_model": "models without a price",
    "price": "a price that is not the list price",
}


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {
        "Unexplained": _unexplained(row),
        "Billed": _both(row, "billed"),
        "In the logs": _both(row, "observed"),
        "Days": _days(row),
        "Causes": _causes(row),
        "Data": w.data(row),
    }
    small_print = w.when_sent(row, "the numbers cannot be trusted", "once for each provider and month")
    return w.framed(row, f"{_MARK} {_title(row, m.plain)}", _essence(row), facts, step(row), small_print)


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, _essence(row, w.short))


def step(row: Row) -> str:
    """What can be done about it."""
    if (m.number(row.get("remaining_tokens")) or 0) < 0:
        return "compare the worst day: the bill may be of another account, or calls are logged twice."
    return "compare the worst day: look for keys that do not use the gateway, and for logs that are missing."


def _title(row: Row, written: Callable[[Any], str]) -> str:
    apart = m.number(row.get("apart_ratio"))
    up_to = "" if row.get("is_closed") else "up to "
    how_far = "disagree" if apart is None else f"are {up_to}{m.percent(apart)} apart"
    return f"The bill of {w.who(row, written)} and the logs of {m.month_name(row['month'])} {how_far}"


def _both(row: Row, what: str) -> str:
    tokens, usd = m.number(row.get(f"{what}_tokens")), m.number(row.get(f"{what}_usd"))
    sums = w.joined(["" if tokens is None else m.tokens(tokens), "" if usd is None else m.usd(usd)])
    return f"{sums} on these days" if sums and not row.get("is_closed") else sums


def _unexplained(row: Row) -> str:
    left, limit = m.number(row.get("remaining_tokens")), m.number(row.get("limit_ratio"))
    limit = "" if limit is None else f"; a warning from {m.percent(limit)} on"
    if left is None:
        return f"an unknown number of tokens{limit}"
    return f"{m.tokens(abs(left))} {'more' if left >= 0 else 'less'} on the bill than in the logs{limit}"


def _days(row: Row) -> str:
    count = m.number(row.get("days"))
    worst = f"the worst is {m.day(row['worst_date'])} (UTC)" if row.get("worst_date") else ""
    return w.joined(["" if count is None else w.days(count), worst])


def _causes(row: Row) -> str:
    names = [name.strip() for name in str(row.get("causes") or "none").split(",")]
    return w.joined(_CAUSES.get(name, m.escape(name)) for name in names[:5] if name != "none")


def _essence(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    worst = f"worst on {m.day(row['worst_date'])}" if row.get("worst_date") else ""
    left = m.number(row.get("remaining_tokens"))
    left = "" if left is None else f"{m.tokens(abs(left))} {'more' if left >= 0 else 'less'} are billed than logged"
    return f"{_title(row, written)}: {w.joined([left, worst]) or 'look at its days'}."
