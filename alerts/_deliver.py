"""Delivery: each alert reaches each of its recipients once, whatever breaks on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import _plan
from alerts._run import Delivery, Run
from alerts._slack import SlackSettings

if TYPE_CHECKING:
    from alerts._ledger import Ledger

Row = Mapping[str, Any]


class DeliveryBusy(RuntimeError):
    """Another delivery held the lock for longer than this one was willing to wait. Nothing was sent."""


@dataclass(frozen=True)
class Pending:
    """A message the next `deliver` would send.

    `state` is the ledger's, 'new' when it holds nothing yet, or 'unusable' for a row without a message.
    """

    alert_key: str
    recipient: str
    state: str
    attempts: int
    error: str | None
    last_attempt_at: datetime | None = None


def deliver(
    rows: Iterable[Row],
    settings: SlackSettings,
    ledger: Ledger,
    outbox_dir: Path | str,
    now: datetime | None = None,
    say: Callable[[str], Any] = print,
    lock_wait_seconds: float = 60.0,
) -> list[Delivery]:
    """Tell what is due and not told yet; returns what this call did (nothing for what was told before).

    Only the highest level due per entity and month is told, never a lower one after a higher one was. An attempt is
    written to the ledger before the post, and as delivered only after Slack confirmed. One whose end is unknown (a
    crash, a lost reply, an error of Slack's own) is looked for in Slack's history before it is sent again; where the
    bot may not read the history it is sent again all the same: an alert may come twice then, but is never lost.
    Every failure is tried again on each later call, and none keeps the other alerts from going out; only after three
    attempts in a row without any answer from Slack the rest is left to the next call.

    Without a token the messages go to `outbox_dir` as files and to `say`, once each. They count as told in this
    ledger, also when a token is configured later: switching Slack on does not send the month's old alerts.

    `now` is the wall clock (UTC), not the date the rows are about. Two calls at once are kept apart by a lock beside
    the ledger (SQLite) or in the outbox; they have to run on one machine. Raises `DeliveryBusy` after the wait.
    """
    rows, now, outbox = list(rows), now or datetime.now(UTC), Path(outbox_dir)
    if not rows:
        return []
    with _alone(ledger.lock_file(outbox), lock_wait_seconds):
        run = Run(settings, ledger, outbox, now, say)
        steps = _plan.steps(rows, settings, ledger.records(_plan.months(rows)))
        return [run.one(step) for step in steps]


def pending(rows: Iterable[Row], settings: SlackSettings, ledger: Ledger, now: datetime | None = None) -> list[Pending]:
    """What a `deliver` started now has a reason to send. Reads the ledger only: no network, no lock.

    What did not succeed is left out for a while after each attempt (1 minute, then 2, 4, … at most 1 hour), so that a
    sensor asking every few seconds does not start a run each time because of a channel nobody has fixed yet.
    """
    now = now or datetime.now(UTC)
    return [
        one
        for one in untold(rows, settings, ledger)
        # No attempt will help a row that cannot be used.
        if one.state != "unusable" and (one.last_attempt_at is None or now >= one.last_attempt_at + _wait(one.attempts))
    ]


def untold(rows: Iterable[Row], settings: SlackSettings, ledger: Ledger) -> list[Pending]:
    """Everything that is due and that its recipient of today has not got. Reads the ledger only."""
    rows, found = list(rows), []
    for step in _plan.steps(rows, settings, ledger.records(_plan.months(rows))):
        if isinstance(step, _plan.Unusable):
            found.append(Pending(step.alert_key, _plan.UNADDRESSED, "unusable", 0, step.reason))
            continue
        known = step.record or {"state": "new", "attempts": 0, "error": None, "last_attempt_at": None}
        about = (known[name] for name in ("state", "attempts", "error", "last_attempt_at"))
        found.append(Pending(str(step.row["alert_key"]), step.recipient.address, *about))
    return found


def _wait(attempts: int) -> timedelta:
    return timedelta(minutes=min(60, 2 ** min(attempts - 1, 6)))


@contextmanager
def _alone(lock_file: Path, wait_seconds: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise DeliveryBusy(f"another delivery has held {lock_file} for more than {wait_seconds:g} s") from None
    try:
        yield
    finally:
        lock.release()
