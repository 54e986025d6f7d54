"""One call of `deliver`, inside its lock: each post through the ledger, Slack or the outbox."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import _incidents, _outbox, _plan, _refresh
from alerts._digest import digest, summary
from alerts._follow_up import resolved
from alerts._format import as_date, as_day
from alerts._message import Message, with_note
from alerts._slack import Posted, Slack, SlackSettings
from alerts._slack_errors import DeliveryFailed

if TYPE_CHECKING:
    from alerts._ledger import Alert, Ledger

_CLOCKS_DIFFER = timedelta(hours=1)  # how far our clock may be ahead of Slack's when looking for an earlier post
_REMEMBERED = timedelta(days=62)  # alerts are about this month and the one before
_UNREACHABLE_IN_A_ROW = 3  # after so many, Slack is down and the rest waits for the next delivery
_NOT_TRIED = "not tried: Slack was not reachable for the alerts before it"
_WORDS = "whoever maintains alerts/: the message could not be worded from this row"
_ROLES = {"escalation": "reply", "follow_up": "reply", "file": "file", "digest": "bundled", "summary": "bundled"}


@dataclass(frozen=True)
class Delivery:
    """What one call of `deliver` did about one alert and one recipient.

    `state`: 'delivered' (Slack confirmed), 'rendered' (in the outbox), 'failed', or 'sending' (not confirmed, but
    Slack may have it: the next call looks). For the last two `reason` and `who_must_act` say more, and `retry_helps`
    whether waiting is enough.
    """

    alert_key: str
    recipient: str
    state: str
    reason: str | None = None
    who_must_act: str | None = None
    retry_helps: bool = False
    slack_channel: str | None = None
    slack_ts: str | None = None
    file: Path | None = None

    @property
    def told(self) -> bool:
        """Whether the recipient is told, so that nothing is left to do."""
        return self.state in _plan.TOLD


class Run:
    """Carries out posts; remembers how often in a row Slack was not reachable."""

    def __init__(
        self,
        settings: SlackSettings,
        ledger: Ledger,
        outbox: Path,
        now: datetime,
        say: Callable[[str], Any],
        look_first: bool = False,
    ) -> None:
        from alerts import discover

        self.kinds, self.ledger, self.outbox, self.now, self.say = discover(), ledger, outbox, now, say
        self.settings, self.look_first = settings, look_first
        self.slack = Slack(settings) if settings.token else None
        self.unreachable = 0
        self.with_files: dict[str, Message] = {}  # worded once, for charts take a while
        self.unsure: set[tuple[str, str]] = set()  # may have arrived, and the bot may not look

    @property
    def _api(self) -> Slack:
        """Slack, where it is configured: without a token nothing is sent."""
        if self.slack is None:
            raise DeliveryFailed("Slack is not configured", False, "Set SLACK_BOT_TOKEN")
        return self.slack

    def unusable(self, found: _plan.Findings) -> Iterator[Delivery]:
        """What cannot be told at all, and who must act."""
        for one in found.unusable:
            reason = f"the row cannot be used ({one.reason})"
            yield Delivery(one.alert_key, _plan.UNADDRESSED, "failed", reason, _WORDS)

    # --- What an earlier attempt left open ---------------------------------------------------------------------------

    def settle(self) -> Iterator[Delivery]:
        """Look for each message whose sending was begun and not confirmed; yields what came of it, alert by alert.

        What is not there counts as failed and is planned anew; what Slack cannot say now stays open.
        """
        groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        for record in self.ledger.records().values():
            if record["state"] == "sending":
                own = record["alert_key"] if record["role"] == "file" else record["message_key"] or record["alert_key"]
                groups[own, record["recipient"]].append(record)
        for (message_key, address), records in groups.items():
            yield from self._settle(message_key, address, records)

    def _settle(self, message_key: str, address: str, records: list[Mapping[str, Any]]) -> Iterator[Delivery]:
        # A clock that was ahead then may have been put right since.
        since = min(self.now, *(record["first_attempt_at"] for record in records))
        error = None
        try:
            found = self._found(message_key, address, records[0], since) if self.slack else None
        except DeliveryFailed as failure:
            self._count(failure)
            if failure.retry_helps:
                for record in records:
                    self.ledger.finish(record["alert_key"], address, "sending", self.now, error=str(failure))
                    about = failure.reason, failure.who_must_act, True
                    yield Delivery(record["alert_key"], address, "sending", *about)
                return
            found, error = None, str(failure)  # rather twice than never
            self.unsure |= {(record["alert_key"], address) for record in records}
        for record in records:
            if found:
                where = {"slack_channel": found.channel, "slack_ts": found.ts}
                self.ledger.finish(record["alert_key"], address, "delivered", self.now, **where)
                yield Delivery(record["alert_key"], address, "delivered", **where)
            else:
                self.ledger.finish(record["alert_key"], address, "failed", self.now, error=error)

    def _found(self, message_key: str, address: str, record: Mapping[str, Any], since: datetime) -> Posted | None:
        if self.unreachable >= _UNREACHABLE_IN_A_ROW:
            raise DeliveryFailed(_NOT_TRIED, True, "Nobody has to act", maybe_sent=True)
        known = self.ledger.channel_of(address)
        thread = Posted(str(known), record["thread_ts"]) if record["thread_ts"] and known else None
        if record["role"] == "file" and thread:
            name = message_key.rsplit("/file/", 1)[1]
            return thread if self._api.has_file(name, thread) else None
        return self._api.find(message_key, address, since - _CLOCKS_DIFFER, known, thread)

    # --- What is due -------------------------------------------------------------------------------------------------

    def one(self, post: _plan.Post) -> list[Delivery]:
        """Carry out one post. Never raises because of it; a ledger that cannot be written does raise."""
        to = post.recipient
        if self.slack and self.unreachable >= _UNREACHABLE_IN_A_ROW and to.address != _plan.UNADDRESSED:
            return [
                Delivery(item.alert_key, to.address, "failed", _NOT_TRIED, "Nobody has to act", retry_helps=True)
                for item in post.items
            ]
        key = self._message_key(post)
        parent = post.items[0].parent
        about = {
            "role": _ROLES.get(post.form, "message"),
            "message_key": parent["alert_key"] if parent and post.form == "file" else key,
            "digest_date": post.digest_date,
            "thread_ts": parent["slack_ts"] if parent else None,
        }
        for item in post.items:
            self.ledger.begin(_alert(item), to.address, self.now, **about)
        try:
            message = self._worded(post, key)
            if self.slack is None:
                return self._rendered(post, message)
            if to.address == _plan.UNADDRESSED:
                return self._unaddressed(post, message)
            return self._sent(post, message)
        except DeliveryFailed as failure:
            return self._failed(post, failure)

    def shown(self, post: _plan.Post) -> Message:
        """The message of a post as its recipient would see it first. Raises DeliveryFailed when there is none."""
        message = self._worded(post, self._message_key(post))
        row = post.items[0].row
        return self._complete(message, row) if post.form == "message" else message

    def _message_key(self, post: _plan.Post) -> str:
        if post.form == "digest":
            return f"digest/{post.digest_date}/{post.recipient.address}"
        if post.form == "summary":
            return f"summary/{self.now:%Y-%m-%dT%H:%M:%S.%f}/{post.recipient.address}"
        return post.items[0].alert_key

    def _worded(self, post: _plan.Post, key: str) -> Message:
        try:
            rows = [{**item.row, "has_buttons": self.settings.interactive} for item in post.items]
            if post.form == "digest":
                day = as_day(post.digest_date)
                message = digest(post.recipient.address, day, rows, post.still_open, post.resolved, self.kinds)
            elif post.form == "summary":
                message = summary(key, rows, self.kinds)
            elif post.form == "follow_up":
                message = resolved(rows[0])
            elif (known := self.with_files.get(str(rows[0]["alert_key"]))) is not None:
                return known
            else:
                message = self.kinds[str(rows[0]["kind"])].message(rows[0])
                if message.files:
                    self.with_files[message.alert_key] = message
            return with_note(message, post.recipient.note) if post.recipient.note else message
        except Exception as error:  # whatever is wrong with one row must not keep the other alerts back
            raise DeliveryFailed(f"no message: {type(error).__name__}: {error}", False, _WORDS) from error

    def _sent(self, post: _plan.Post, message: Message) -> list[Delivery]:
        to, parent = post.recipient, post.items[0].parent
        thread = Posted(parent["slack_channel"], parent["slack_ts"]) if parent and parent["slack_ts"] else None
        if post.form == "file":
            if thread is None:
                raise DeliveryFailed("the message that the file belongs to has no thread", False, _WORDS)
            name = post.items[0].alert_key.rsplit("/file/", 1)[1]
            self._share(name, message.files[name], thread)
            return self._delivered(post, thread)
        if post.form == "message":
            for name in message.files:
                self._expect_file(post.items[0], message.alert_key, name, to.address)
        shown = message
        if post.form == "message":
            message = self._with_images(message)
            shown = self._complete(message, post.items[0].row)
            content = _refresh.content(message)
            self.ledger.showing(message.alert_key, to.address, content, _refresh.digest_of(shown))
        posted = self._posted(shown, to, thread, broadcast=post.form == "escalation")
        return self._delivered(post, posted)

    def _complete(self, message: Message, row: Mapping[str, Any]) -> Message:
        key = row.get("incident_key")
        if key:
            incident = self.ledger.incident(str(key)) or _incidents.new(str(key), row, self.now)
            return _refresh.complete(message, row, self.settings, incident)
        decisions = self.ledger.decisions(as_day(row["month"])) if row.get("proposals") else None
        return _refresh.complete(message, row, self.settings, decisions=decisions)

    def _with_images(self, message: Message) -> Message:
        """The message with Slack's ids of its images, or without them where the bot may not upload."""
        ids, missing = {}, None
        alt = {block["slack_file"]["id"]: block["alt_text"] for block in message.blocks if block["type"] == "image"}
        for name, png in message.images.items():
            try:
                ids[name] = self._api.upload(name, png, alt[name])
            except DeliveryFailed as failure:
                if failure.retry_helps:
                    raise
                missing = failure
        return _refresh.with_image_ids(message, ids, f"Charts are missing: {missing}." if missing else None)

    def _expect_file(self, item: _plan.Item, message_key: str, name: str, address: str) -> None:
        """Write down that the message will have a file, so that it is not forgotten when all ends here."""
        alert = dataclasses.replace(_alert(item), alert_key=f"{message_key}/file/{name}")
        self.ledger.begin(alert, address, self.now, role="file", message_key=message_key, state="failed")

    def _share(self, name: str, content: bytes, thread: Posted) -> None:
        with contextlib.suppress(DeliveryFailed):  # who cannot be asked can hardly have it
            if self.look_first and self._api.has_file(name, thread):
                return
        try:
            self._api.share(name, content, thread)
        except DeliveryFailed as failure:
            if failure.maybe_sent and failure.unreachable and self._api.has_file(name, thread):
                return
            raise

    def _posted(self, message: Message, to: _plan.Recipient, thread: Posted | None, broadcast: bool) -> Posted:
        """Post; where the reply was lost, look at once whether the message was, too."""
        if self.look_first and (earlier := self._look(message.alert_key, to.address, thread)):
            return earlier
        try:
            return self._api.post(message, to.address, to.source, thread, broadcast)
        except DeliveryFailed as failure:
            if failure.maybe_sent and failure.unreachable:
                earlier = self._look(message.alert_key, to.address, thread)
                if earlier is not None:
                    return earlier
            raise

    def _look(self, message_key: str, address: str, thread: Posted | None) -> Posted | None:
        since = self.now - (_REMEMBERED if self.look_first else _CLOCKS_DIFFER)
        try:
            known = self.ledger.channel_of(address)
            return self._api.find(message_key, address, since, known, thread)
        except DeliveryFailed:
            return None  # the next delivery asks again

    def _delivered(self, post: _plan.Post, posted: Posted) -> list[Delivery]:
        self.unreachable = 0
        where = {"slack_channel": posted.channel, "slack_ts": posted.ts}
        for item in post.items:
            self.ledger.finish(item.alert_key, post.recipient.address, "delivered", self.now, **where)
        return [Delivery(item.alert_key, post.recipient.address, "delivered", **where) for item in post.items]

    def _count(self, failure: DeliveryFailed) -> None:
        self.unreachable = self.unreachable + 1 if failure.unreachable else 0

    def _failed(self, post: _plan.Post, failure: DeliveryFailed) -> list[Delivery]:
        self._count(failure)
        unsure = any((item.alert_key, post.recipient.address) in self.unsure for item in post.items)
        state = "sending" if failure.maybe_sent or unsure else "failed"
        about = failure.reason, failure.who_must_act, failure.retry_helps
        for item in post.items:
            self.ledger.finish(item.alert_key, post.recipient.address, state, self.now, error=str(failure))
        return [Delivery(item.alert_key, post.recipient.address, state, *about) for item in post.items]

    def _rendered(self, post: _plan.Post, message: Message) -> list[Delivery]:
        file, text = _outbox.write(self.outbox, message, post.recipient.address)
        self.say(text)
        content = _refresh.content(message) if post.form == "message" else None
        for item in post.items:
            self.ledger.finish(item.alert_key, post.recipient.address, "rendered", self.now, content=content)
        return [Delivery(item.alert_key, post.recipient.address, "rendered", file=file) for item in post.items]

    def _unaddressed(self, post: _plan.Post, message: Message) -> list[Delivery]:
        to = post.recipient
        file = self.outbox / f"{_outbox.stem(message.alert_key, to.address)}.txt"
        if not file.exists():
            file, _ = _outbox.write(self.outbox, message, to.address)
        reason = "there is nobody to send it to"
        for item in post.items:
            error = f"{reason} (to act: {to.source})"
            self.ledger.finish(item.alert_key, to.address, "failed", self.now, error=error)
        return [Delivery(item.alert_key, to.address, "failed", reason, to.source, file=file) for item in post.items]


def _alert(item: _plan.Item) -> Alert:
    from alerts._ledger import Alert

    row = item.row
    is_own = item.alert_key == str(row["alert_key"])
    return Alert(
        alert_key=item.alert_key,
        incident_key=str(row["incident_key"]) if row.get("incident_key") else None,
        kind=str(row["kind"]),
        level=_plan.level(row) if is_own else 0,
        scope=str(row["scope"]),
        scope_id=str(row["scope_id"]),
        month=as_date(row.get("month")),
    )
