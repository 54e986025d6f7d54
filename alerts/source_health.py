"""The message of kind `source_health`: a feed cannot be loaded, is late or silent, or brings many bad lines.

A row holds the common columns (scope 'pipeline', scope_id the feed) and: state ('failed', 'late', 'silent',
'bad_lines'), since_date (the first day without data), data_age_days, last_error, last_loaded_at, last_record_at,
is_report (of a provider, not logs), and of the last week new_quarantined (lines) and quarantined_ratio with its
limit_ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\U0001f50c"  # electric plug
_TITLES = {
    "failed": "could not be loaded",
    "late": "brings nothing new",
    "silent": "has no records where it usually has some",
    "bad_lines": "brings many lines that cannot be read",
}
_MEANS = {
    "bad_lines": "what is in these lines is not counted",
    "silent": "if people did work, their use is missing in every number since then",
}
_BILLS = "bill and logs cannot be compared, and what goes past the gateway is not seen; what it logged is whole"
_STEPS = {
    "failed": "see that the source can be reached and that it takes the key; the next run loads the missing days.",
    "late": "check what writes this feed (a log job, an export, the provider); the next run loads what is missing.",
    "silent": "check that the gateway or agent still writes its logs there; if nobody worked, nothing is needed.",
    "bad_lines": "look at what was refused and why, and mend what writes these lines.",
}


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {
        "Error": m.escape(row["last_error"], limit=400) if row.get("last_error") else "",
        "Refused": _refused(row),
        "Missing since": _missing_since(row),
        "Data": _reaches(row),
        "What it means": _means(row),
    }
    title = f"{_MARK} {_title(row, m.plain)}"
    small_print = w.when_sent(row, "numbers are wrong until it is mended", "once until it works again")
    return w.framed(row, title, _essence(row), facts, step(row), small_print)


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, _essence(row, w.short))


def step(row: Row) -> str:
    """What can be done about it."""
    return _STEPS.get(_state(row), "look at its last loads.")


def _state(row: Row) -> str:
    return str(row.get("state"))


def _title(row: Row, written: Callable[[Any], str]) -> str:
    feed = str(row.get("scope_name") or row["scope_id"]).replace("__", " ")
    return f"{written(feed)} {_TITLES.get(_state(row), 'needs a look')}"


def _means(row: Row) -> str:
    if row.get("is_report") and _state(row) != "bad_lines":
        return _BILLS
    return _MEANS.get(_state(row), "numbers after that are too low, and forecasts and alerts with them")


def _refused(row: Row) -> str:
    lines, share, limit = (m.number(row.get(f)) for f in ("new_quarantined", "quarantined_ratio", "limit_ratio"))
    if not lines:
        return ""
    words = f"{int(lines):,} {'line' if lines == 1 else 'lines'} in a week"
    words += "" if share is None else f", {m.percent(share)} of all"
    return words if limit is None else f"{words}; a warning from {m.percent(limit)} on"


def _missing_since(row: Row) -> str:
    """The first day without data; empty where none is missing yet."""
    since, today = m.as_date(row.get("since_date")), m.as_date(row.get("as_of_date"))
    is_missing = since and _state(row) != "bad_lines" and not (today and since > today)
    return m.day(since) if is_missing else ""


def _reaches(row: Row) -> str:
    age, loaded = m.number(row.get("data_age_days")), row.get("last_loaded_at")
    if age is None and not loaded:
        return "never loaded so far"
    old = "" if age is None else f"read through {m.day(row['as_of_date'])}" if age < 1 else f"{w.days(age)} old"
    last = f"last loaded on {m.day(loaded)}" if loaded else ""
    record = f"newest record of {m.day(row['last_record_at'])}" if row.get("last_record_at") else ""
    return w.joined([old, last, record])


def _essence(row: Row, written: Callable[[Any], str] = m.escape) -> str:
    error = f": {m.escape(row['last_error'], limit=100)}" if _state(row) == "failed" and row.get("last_error") else ""
    refused = f": {_refused(row)}" if _state(row) == "bad_lines" and _refused(row) else ""
    since = f", its data is missing since {_missing_since(row)}" if _missing_since(row) else ""
    return f"{_title(row, written)}{refused}{since}{error.rstrip('.')}."
