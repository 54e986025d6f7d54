"""The message of kind `pipeline_stale`: the published numbers are old, for no run has finished for too long.

A row is made by `pipelines/telling.py`, since a run that does not happen cannot report itself: the common columns
(scope 'pipeline', scope_id 'warehouse') and as_of_date (last day that the published numbers include), published_at
(when they were published), age_days (days since then), limit_days and last_error of the last run, where one failed.
"""

from __future__ import annotations

from alerts import _message as m
from alerts import _words as w
from alerts._words import Row

_MARK = "\u23f3"  # hourglass


def message(row: Row) -> m.Message:
    """The message for one row."""
    facts = {
        "Published": _published(row),
        "Last run": f"failed: {m.escape(row['last_error'], limit=400)}" if row.get("last_error") else "",
        "Data": f"measured through {m.day(row.get('as_of_date'))}; later use is not counted yet",
        "What it means": "no alert can tell of what happened since then",
    }
    limit = m.number(row.get("limit_days"))
    longer = "for too long" if limit is None else f"for more than {w.days(limit)}"
    small_print = w.when_sent(row, "every number is old", f"once when nothing was published {longer}")
    return w.framed(row, f"{_MARK} {_title(row)}", _essence(row), facts, step(row), small_print)


def line(row: Row) -> str:
    """The same in one line of mrkdwn, for a digest or a summary."""
    return w.one_line(_MARK, _essence(row))


def step(row: Row) -> str:
    """What can be done about it."""
    return "look at the last run of the job `daily` in Dagster, mend what stopped it, then run `paceline run`."


def _title(row: Row) -> str:
    age = m.number(row.get("age_days"))
    return f"The numbers are {'old' if age is None else f'{w.days(age)} old'}: no run has finished since"


def _published(row: Row) -> str:
    return f"on {m.day(row['published_at'])}" if row.get("published_at") else "never so far"


def _essence(row: Row) -> str:
    error = f"; the last run failed: {m.escape(row['last_error'], limit=60)}" if row.get("last_error") else ""
    return f"{_title(row)} (published {_published(row)}, measured through {m.day(row.get('as_of_date'))}){error}."
