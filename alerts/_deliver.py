"""Delivery: each alert reaches each of its recipients once, whatever breaks on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import _incidents, _plan, _refresh
from alerts._format import digest_name
from alerts._message import Message
from alerts._plan import Clock
from alerts._run import Delivery, Run
from alerts._slack import Slack, SlackSettings

if TYPE_CHECKING:
    from alerts._ledger import Ledger

Row = Mapping[str, Any]


class DeliveryBusy(RuntimeError):
    """Another delivery held the lock for longer than this one was willing to wait. Nothing was sent."""


@dataclass(frozen=True)
class Pending:
    """An alert that the next `deliver` would tell.

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
    clock: Clock | None = None,
    say: Callable[[str], Any] = print,
    lock_wait_seconds: float = 60.0,
    look_first: bool = False,
) -> list[Delivery]:
    """Bring incidents up to what was found, and tell what is due and not told; returns what was done, alert by alert.

    `rows` are all findings of now: an incident without one is over. Only its highest level is told, never a lower one
    after a higher one was. An attempt is written to the ledger before the post, and as delivered only after Slack
    confirmed. One whose end is unknown (a crash, a lost reply, an error of Slack's own) is looked for in Slack before
    it is sent again; where the bot may not look it is sent again all the same: an alert may come twice then, but is
    never lost. Every failure is tried again on each later call, and none keeps the other alerts from going out; only
    after three attempts in a row without any answer from Slack the rest is left to the next call.

    With `look_first` every message is looked for before it is sent: for a ledger that took the place of a lost one.

    Without a token the messages go to `outbox_dir` as files and to `say`, once each. They count as told in this
    ledger, also when a token is configured later: switching Slack on does not send the month's old alerts.

    Two calls at once are kept apart: on one machine by a lock beside a SQLite ledger, on any by one of PostgreSQL; by
    one in the outbox where the ledger is another database. Raises `DeliveryBusy` after the wait.
    """
    clock, outbox = clock or _any_time(), Path(outbox_dir)
    with _alone(ledger, outbox, lock_wait_seconds):
        run = Run(settings, ledger, outbox, clock.now, say, look_first)
        found = _plan.findings(rows)
        _incidents.follow(found, ledger, clock.now, clock.today)
        done = [*run.unusable(found), *run.settle()]
        for post in _posts(found, settings, ledger, clock):
            done += run.one(post)
        for post in _posts(found, settings, ledger, clock):  # of messages that have just arrived
            if post.form == "file":
                done += run.one(post)
        if run.slack and not run.unreachable:
            _refresh.refresh(ledger, run.slack, settings, run.kinds, found)
        return done


def refresh(rows: Iterable[Row], settings: SlackSettings, ledger: Ledger, only: str) -> None:
    """Show in Slack what became of one incident or plan since it was told: who took it over, what was decided.

    `only`: its incident_key or alert_key; `rows`: what is due now. Tells nobody anew. Without a token it does nothing.
    """
    from alerts import discover

    if settings.token:
        _refresh.refresh(ledger, Slack(settings), settings, discover(), _plan.findings(rows), only)


def pending(rows: Iterable[Row], settings: SlackSettings, ledger: Ledger, clock: Clock | None = None) -> list[Pending]:
    """What a `deliver` started now has a reason to send. Reads the ledger only: no network, no lock.

    What waits for its digest is not in it: `waiting` counts that.

    What did not succeed is left out for a while after each attempt (1 minute, then 2, 4, … at most 1 hour), so that a
    sensor asking every few seconds does not start a run each time because of a channel nobody has fixed yet.
    """
    clock = clock or _any_time()
    return [
        one
        for one in untold(rows, settings, ledger, clock)
        # No attempt will help a row that cannot be used.
        if one.state != "unusable"
        and (one.last_attempt_at is None or clock.now >= one.last_attempt_at + _wait(one.attempts))
    ]


def waiting(rows: Iterable[Row], settings: SlackSettings, ledger: Ledger, clock: Clock) -> list[Pending]:
    """What waits for the next digest. Reads the ledger only."""
    return _pending(_known(_waiting(_plan.findings(rows), settings, ledger, clock)))


def untold(rows: Iterable[Row], settings: SlackSettings, ledger: Ledger, clock: Clock | None = None) -> list[Pending]:
    """Everything that should have been told by now and has not reached its recipient. Reads the ledger only."""
    found = _plan.findings(rows)
    left = [Pending(one.alert_key, _plan.UNADDRESSED, "unusable", 0, one.reason) for one in found.unusable]
    records = ledger.records()
    unsure = [record for record in records.values() if record["state"] == "sending"]
    return [*left, *_pending([*unsure, *_known(_posts(found, settings, ledger, clock or _any_time()))])]


def preview(
    rows: Iterable[Row], settings: SlackSettings, ledger: Ledger, clock: Clock | None = None
) -> dict[str, list[tuple[str, Message]]]:
    """What would be sent, as (recipient, message): by a `deliver` started now, and with the next digest.

    The keys say when: "now", "with the digest of Friday, 27 November from 09:00". Nothing is sent or written down.
    """
    clock, found = clock or _any_time(), _plan.findings(rows)
    run = Run(settings, ledger, Path(), clock.now, print)
    due = {"now": _posts(found, settings, ledger, clock)}
    if clock.next_digest_at:
        due[f"with {digest_name(clock.next_digest_at)}"] = _waiting(found, settings, ledger, clock)
    return {when: [(post.recipient.address, run.shown(post)) for post in posts] for when, posts in due.items()}


def _posts(found: _plan.Findings, settings: SlackSettings, ledger: Ledger, clock: Clock) -> list[_plan.Post]:
    incidents = _incidents.after(found, ledger.incidents(), clock.now, clock.today)
    return list(_plan.posts(found, incidents, ledger.records(), settings, clock))


def _waiting(found: _plan.Findings, settings: SlackSettings, ledger: Ledger, clock: Clock) -> list[_plan.Post]:
    incidents = _incidents.after(found, ledger.incidents(), clock.now, clock.today)
    return _plan.waiting(found, incidents, ledger.records(), settings, clock)


def _known(posts: Iterable[_plan.Post]) -> list[Row]:
    """What the ledger knows of the alerts in posts, or who is to get what where it knows nothing."""
    return [
        item.record or {"alert_key": item.alert_key, "recipient": post.recipient.address}
        for post in posts
        for item in post.items
    ]


def _pending(records: Iterable[Row]) -> list[Pending]:
    new: dict[str, Any] = {"state": "new", "attempts": 0, "error": None, "last_attempt_at": None}
    return [Pending(**{name: (new | dict(one))[name] for name in Pending.__dataclass_fields__}) for one in records]


def _any_time() -> Clock:
    """Now, with a digest allowed: for who does not keep office hours."""
    now = datetime.now(UTC)
    return Clock(now, now.date(), now.date())


def _wait(attempts: int) -> timedelta:
    return timedelta(minutes=min(60, 2 ** min(attempts - 1, 6)))


@contextmanager
def _alone(ledger: Ledger, outbox: Path, wait_seconds: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    if ledger.is_postgres:
        with ledger.locked(wait_seconds) as is_ours:
            if not is_ours:
                raise DeliveryBusy(f"another delivery has held {ledger!r} for more than {wait_seconds:g} s")
            yield
        return
    lock_file = ledger.lock_file(outbox)
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
