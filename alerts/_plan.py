"""What is still to be told, to whom and in which form: the rules that need neither Slack nor a clock of their own."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from alerts._buttons import PASSING
from alerts._format import as_date, escape
from alerts._slack import SlackSettings

UNADDRESSED = "unaddressed"
TOLD = ("delivered", "rendered")
SUMMARY_FROM = 4  # so many immediate alerts for one recipient at once become one message
_NO_OPS = ", or set the ops channel"
_AGAIN = "/again-"

Row = Mapping[str, Any]
Records = Mapping[tuple[str, str], Mapping[str, Any]]
Incidents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Clock:
    """When it is. `now`: the wall clock, UTC. `today`: the company's date, which in a replay is the one replayed.

    `digest_date`: the working day whose digest may go out now; None before its hour and on other days.
    `next_digest_at`: from when on, in the company's zone, the digest after it goes out.
    """

    now: datetime
    today: date
    digest_date: date | None
    next_digest_at: datetime | None = None


@dataclass(frozen=True)
class Recipient:
    """An address, where it is written down, and what to add to the message when it is only a stand-in."""

    address: str
    source: str
    note: str | None = None


@dataclass(frozen=True)
class Unusable:
    """A row that cannot be delivered as it is."""

    alert_key: str
    reason: str


@dataclass(frozen=True)
class Item:
    """One alert to be told. `record`: what the ledger knows of it; `parent`: the message whose thread it belongs to."""

    row: Row
    alert_key: str
    record: Mapping[str, Any] | None = None
    parent: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Post:
    """One message to one recipient.

    `form`: 'message', 'escalation' (in the thread and in the channel), 'follow_up' (in the thread only), 'file' (into
    the thread), 'digest' or 'summary' (many alerts).
    """

    form: str
    recipient: Recipient
    items: tuple[Item, ...]
    digest_date: date | None = None
    still_open: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    resolved: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Findings:
    """The rows of a run that can be used: plain messages, and incidents with their highest row that fires or holds.

    A row of an incident that nobody can read holds it: that it is over was not said.
    """

    messages: tuple[Row, ...]
    firing: Mapping[str, Row]
    holding: Mapping[str, Row]
    unusable: tuple[Unusable, ...]


def findings(rows: Iterable[Row]) -> Findings:
    """Sort the rows; one that nobody can read must not keep the others back."""
    messages, firing, holding, unusable = [], {}, {}, []
    for row in rows:
        key = str(row.get("incident_key") or "")
        try:
            str(row["alert_key"]), str(row["kind"]), as_date(row.get("month")), level(row)
            recipients(row, SlackSettings())
        except Exception as error:
            unusable.append(Unusable(str(row.get("alert_key", "without a key")), f"{type(error).__name__}: {error}"))
            holding.setdefault(key, {})
            continue
        if not key:
            messages.append(row)
            continue
        rows_of = firing if row.get("is_firing", True) else holding
        if not rows_of.get(key) or level(row) > level(rows_of[key]):
            rows_of[key] = row
    return Findings(tuple(messages), firing, holding, tuple(unusable))


def recipients(row: Row, settings: SlackSettings) -> list[Recipient]:
    """Who is told about a row.

    A developer's alert goes to the team's lead and, where known, to the developer; a team's and a pool's to the
    team's channel, or to its lead where `audience` says so; the organisation's to the org channel; the pipeline's to
    the ops channel. Where that address is missing the ops channel stands in, with a note saying what to fill in;
    where that is missing too the recipient is `unaddressed`.
    """
    team = str(row.get("team_id") or "")
    line = f"team {team} in teams.csv" if team else f"the team of {row['scope']} {row['scope_id']}, which has none"
    told: list[Recipient] = []
    if row["scope"] == "pipeline":
        source, address = "the ops channel setting (SLACK_OPS_CHANNEL)", settings.ops_channel
    elif row["scope"] == "developer" or row.get("audience") == "lead":
        source, address = f"lead_slack_id of {line}", _address(row.get("lead_slack_id"))
    elif row["scope"] == "org":
        source, address = "the org channel setting (SLACK_ORG_CHANNEL)", settings.org_channel
    else:
        source, address = f"slack_channel of {line}", _address(row.get("slack_channel"))
    if address:
        told.append(Recipient(address, source))
    elif settings.ops_channel:
        note = f"Sent here because it has no address of its own: fill in {escape(source, limit=200)}."
        told.append(Recipient(settings.ops_channel, "the ops channel setting", note))
    else:
        note = f"With Slack this would reach nobody: fill in {escape(source, limit=200)}."
        told.append(Recipient(UNADDRESSED, f"fill in {source}{_NO_OPS}", note))
    own = _address(row.get("slack_id")) if row["scope"] == "developer" else None
    if own and own not in [each.address for each in told]:
        told.append(Recipient(own, f"slack_id of {row['scope_id']} in developers.csv"))
    return told


def level(row: Row) -> int:
    """The level in percent or as a rank; 0 for a kind that has none."""
    return int(row.get("level") or 0)


def posts(
    found: Findings, incidents: Incidents, records: Records, settings: SlackSettings, clock: Clock
) -> Iterator[Post]:
    """Each message still to be sent now. What is being looked for (state 'sending') is left alone."""
    for row in found.messages:
        for recipient in recipients(row, settings):
            key = str(row["alert_key"])
            record = records.get((key, recipient.address))
            if _is_due(record):
                yield Post("message", recipient, (Item(row, key, record),))
            else:
                yield from _files(row, recipient, record, records)
    waiting: dict[str, list[tuple[Recipient, Item]]] = defaultdict(list)
    for recipient, item in _alerts(found, incidents, records, settings):
        waiting[recipient.address].append((recipient, item))
    for address, alerts in waiting.items():
        yield from _immediate([one for one in alerts if one[1].row.get("urgency") != "digest"])
        later = [one for one in alerts if one[1].row.get("urgency") == "digest"]
        if later and clock.digest_date and not _had_digest(address, records, clock.digest_date):
            yield from _digest(later, incidents, records, clock.digest_date)
    yield from _follow_ups(incidents, records, clock)


def waiting(
    found: Findings, incidents: Incidents, records: Records, settings: SlackSettings, clock: Clock
) -> list[Post]:
    """The digests that wait for their hour, with what would be in them if nothing changes until then."""
    if clock.next_digest_at is None:
        return []
    then = dataclasses.replace(clock, digest_date=clock.next_digest_at.date())
    now = posts(found, incidents, records, settings, clock)
    served = {post.recipient.address for post in now if post.digest_date}
    later = posts(found, incidents, records, settings, then)
    return [post for post in later if post.digest_date and post.recipient.address not in served]


def _alerts(
    found: Findings, incidents: Incidents, records: Records, settings: SlackSettings
) -> Iterator[tuple[Recipient, Item]]:
    """Every alert that somebody has not been told: the highest level, never below one already told."""
    told: dict[tuple[str, int], int] = defaultdict(int)
    for record in records.values():
        if record["state"] in TOLD and record["incident_key"]:
            opening = record["incident_key"], _opening(record["alert_key"])
            told[opening] = max(told[opening], record["level"])
    # What opened while no digest went out is told as long as something still holds it.
    for incident_key, row in {**found.holding, **found.firing}.items():
        incident = incidents.get(incident_key)
        if not row or incident is None or incident["state"] in ("resolved", "snoozed"):
            continue
        if level(row) < told[incident_key, incident["times_opened"]]:
            continue
        key = _key(row, incident)
        for recipient in recipients(row, settings):
            record = records.get((key, recipient.address))
            if _is_due(record):
                parent = _parent(incident_key, recipient.address, records)
                yield recipient, Item({**row, "alert_key": key}, key, record, parent)


def _key(row: Row, incident: Mapping[str, Any]) -> str:
    """The key under which an alert is told: that of the row, and another one for each time that it came back."""
    times = incident["times_opened"]
    return str(row["alert_key"]) + (f"{_AGAIN}{times}" if times > 1 else "")


def _opening(alert_key: str) -> int:
    _, _, times = alert_key.rpartition(_AGAIN)
    return int(times) if times.isdigit() and _AGAIN in alert_key else 1


def _immediate(alerts: list[tuple[Recipient, Item]]) -> Iterator[Post]:
    if len(alerts) >= SUMMARY_FROM and alerts[0][0].address != UNADDRESSED:
        yield Post("summary", _together(alerts), tuple(item for _, item in alerts))
        return
    for recipient, item in alerts:
        yield Post(_form(item), recipient, (item,))


def _digest(alerts: list[tuple[Recipient, Item]], incidents: Incidents, records: Records, day: date) -> Iterator[Post]:
    """One message with all of them; a single one is told as a message of its own."""
    address = alerts[0][0].address
    if len(alerts) == 1 or address == UNADDRESSED:
        for recipient, item in alerts:
            yield Post(_form(item), recipient, (item,), day)
        return
    listed = {item.row["incident_key"] for _, item in alerts}
    told = _told_to(address, records)
    known = [
        incidents[key] for key in sorted({record["incident_key"] or "" for record in told} - listed) if key in incidents
    ]
    since = max((record["last_attempt_at"] for record in told if record["digest_date"]), default=None)
    is_over = [one for one in known if one["state"] == "resolved"]
    yield Post(
        "digest",
        _together(alerts),
        tuple(item for _, item in alerts),
        day,
        still_open=tuple(one for one in known if one["state"] != "resolved"),
        resolved=tuple(one for one in is_over if since is None or one["changed_at"] > since),
    )


def _form(item: Item) -> str:
    return "escalation" if item.parent and item.parent["slack_ts"] else "message"


def _together(alerts: list[tuple[Recipient, Item]]) -> Recipient:
    """One recipient of many alerts, with the notes of all."""
    notes = dict.fromkeys(recipient.note for recipient, _ in alerts if recipient.note)
    return dataclasses.replace(alerts[0][0], note=" ".join(notes)[:1500] or None)


def _follow_ups(incidents: Incidents, records: Records, clock: Clock) -> Iterator[Post]:
    """In the thread of what was told: that it is over, where that is news."""
    for record in list(records.values()):
        incident = incidents.get(record["incident_key"] or "")
        if incident is None or record["role"] != "message" or record["state"] not in TOLD or not record["slack_ts"]:
            continue
        if incident["state"] != "resolved" or incident["kind"] in PASSING or is_over(incident, clock.today):
            continue
        key = f"{record['incident_key']}/resolved/{incident['times_opened']}"
        known = records.get((key, record["recipient"]))
        if _is_due(known):
            about = {**incident, "alert_key": key, "level": 0}
            yield Post("follow_up", Recipient(record["recipient"], "the channel"), (Item(about, key, known, record),))


def is_over(incident: Mapping[str, Any], today: date) -> bool:
    """Whether nobody can act any more because the month is over; what is wrong with the pipeline has no month."""
    month = incident["month"]
    return incident["scope"] != "pipeline" and month is not None and month < today.replace(day=1)


def _files(row: Row, recipient: Recipient, parent: Mapping[str, Any] | None, records: Records) -> Iterator[Post]:
    """What a message has in its thread and is not there yet. Which files it has, the ledger knows since the message."""
    if parent is None or parent["state"] != "delivered":
        return
    for (key, address), record in records.items():
        of_this = record["role"] == "file" and record["message_key"] == parent["alert_key"]
        if of_this and address == recipient.address and _is_due(record):
            yield Post("file", recipient, (Item(row, key, record, parent),))


def _parent(incident_key: str, address: str, records: Records) -> Mapping[str, Any] | None:
    """The recipient's message about this incident, where it has one of its own."""
    for record in _told_to(address, records):
        if record["incident_key"] == incident_key and record["role"] == "message":
            return record
    return None


def _told_to(address: str, records: Records) -> list[Mapping[str, Any]]:
    return [record for record in records.values() if record["recipient"] == address and record["state"] in TOLD]


def _had_digest(address: str, records: Records, day: date) -> bool:
    return any(
        record["digest_date"] == day and record["recipient"] == address and record["state"] != "failed"
        for record in records.values()
    )


def _is_due(record: Mapping[str, Any] | None) -> bool:
    return record is None or record["state"] == "failed"


def _address(value: Any) -> str | None:
    return str(value).strip() or None if value is not None and value == value else None  # NaN is not an address
