"""One call of `deliver`, inside its lock: each step through the ledger, Slack or the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import _outbox, _plan
from alerts._message import Message, with_note
from alerts._slack import Posted, Slack, SlackSettings
from alerts._slack_errors import DeliveryFailed

if TYPE_CHECKING:
    from alerts._ledger import Alert, Ledger

_CLOCKS_DIFFER = timedelta(hours=1)  # how far our clock may be ahead of Slack's when looking for an earlier post
_UNREACHABLE_IN_A_ROW = 3  # after so many, Slack is down and the rest waits for the next delivery
_NOT_TRIED = "not tried: Slack was not reachable for the alerts before it"
_WORDS = "whoever maintains alerts/: the message could not be worded from this row"


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
    """Carries out steps; remembers only how often in a row Slack was not reachable."""

    def __init__(
        self, settings: SlackSettings, ledger: Ledger, outbox: Path, now: datetime, say: Callable[[str], Any]
    ) -> None:
        from alerts import discover

        self.rules, self.ledger, self.outbox, self.now, self.say = discover(), ledger, outbox, now, say
        self.slack = Slack(settings) if settings.token else None
        self.unreachable = 0

    def one(self, step: _plan.Step | _plan.Unusable) -> Delivery:
        """Carry out one step. Never raises because of the step; a ledger that cannot be written does raise."""
        if isinstance(step, _plan.Unusable):
            reason = f"the row cannot be used ({step.reason})"
            return Delivery(step.alert_key, _plan.UNADDRESSED, "failed", reason, _WORDS)
        alert, to = _alert(step.row), step.recipient
        if self.slack and self.unreachable >= _UNREACHABLE_IN_A_ROW and to.address != _plan.UNADDRESSED:
            return Delivery(alert.alert_key, to.address, "failed", _NOT_TRIED, "Nobody has to act", retry_helps=True)
        unsure = step.record is not None and step.record["state"] == "sending"
        self.ledger.begin(alert, to.address, self.now)
        try:
            message = self._worded(step.row, to, unsure)
            if self.slack is None:
                return self._rendered(alert, message, to)
            if to.address == _plan.UNADDRESSED:
                return self._unaddressed(alert, message, to)
            posted = self._posted(message, to, step.record["first_attempt_at"] if unsure else None)
        except DeliveryFailed as failure:
            return self._failed(alert, to, failure)
        self.unreachable = 0
        where = {"slack_channel": posted.channel, "slack_ts": posted.ts}
        self.ledger.finish(alert.alert_key, to.address, "delivered", self.now, **where)
        return Delivery(alert.alert_key, to.address, "delivered", **where)

    def _worded(self, row: Mapping[str, Any], to: _plan.Recipient, unsure: bool) -> Message:
        try:
            message = self.rules[str(row["kind"])].message(row)
            return with_note(message, to.note) if to.note else message
        except Exception as error:  # whatever is wrong with one row must not keep the other alerts back
            reason = f"no message: {type(error).__name__}: {error}"
            raise DeliveryFailed(reason, False, _WORDS, maybe_sent=unsure) from error

    def _posted(self, message: Message, to: _plan.Recipient, tried_since: datetime | None) -> Posted:
        """Post, unless an earlier attempt whose end is unknown turns out to have arrived."""
        unsure = False
        if tried_since is not None:
            earlier, unsure = self._look(message.alert_key, to.address, tried_since)
            if earlier is not None:
                return earlier
        try:
            return self.slack.post(message, to.address, to.source)
        except DeliveryFailed as failure:
            if failure.maybe_sent and failure.unreachable:  # the reply was lost, perhaps not the message
                earlier, _ = self._look(message.alert_key, to.address, self.now)
                if earlier is not None:
                    return earlier
            failure.maybe_sent = failure.maybe_sent or unsure
            raise

    def _look(self, alert_key: str, address: str, since: datetime) -> tuple[Posted | None, bool]:
        """The earlier post, and whether the question stayed open because the bot may not look."""
        try:
            known = self.ledger.channel_of(address)
            return self.slack.find(alert_key, address, since - _CLOCKS_DIFFER, known), False
        except DeliveryFailed as failure:
            if failure.retry_helps:
                failure.maybe_sent = True  # ask again next time, and send nothing until there is an answer
                raise
            return None, True

    def _failed(self, alert: Alert, to: _plan.Recipient, failure: DeliveryFailed) -> Delivery:
        self.unreachable = self.unreachable + 1 if failure.unreachable else 0
        state = "sending" if failure.maybe_sent else "failed"
        self.ledger.finish(alert.alert_key, to.address, state, self.now, error=str(failure))
        about = failure.reason, failure.who_must_act, failure.retry_helps
        return Delivery(alert.alert_key, to.address, state, *about)

    def _rendered(self, alert: Alert, message: Message, to: _plan.Recipient) -> Delivery:
        file, text = _outbox.write(self.outbox, message, to.address)
        self.say(text)
        self.ledger.finish(alert.alert_key, to.address, "rendered", self.now)
        return Delivery(alert.alert_key, to.address, "rendered", file=file)

    def _unaddressed(self, alert: Alert, message: Message, to: _plan.Recipient) -> Delivery:
        file = self.outbox / f"{_outbox.stem(alert.alert_key, to.address)}.txt"
        if not file.exists():
            file, _ = _outbox.write(self.outbox, message, to.address)
        reason = "there is nobody to send it to"
        self.ledger.finish(alert.alert_key, to.address, "failed", self.now, error=f"{reason} (to act: {to.source})")
        return Delivery(alert.alert_key, to.address, "failed", reason, to.source, file=file)


def _alert(row: Mapping[str, Any]) -> Alert:
    from alerts._ledger import Alert

    kind, scope, scope_id, month = _plan.entity(row)
    return Alert(str(row["alert_key"]), kind, _plan.level(row), scope, scope_id, month)
