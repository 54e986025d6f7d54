"""What is still to be told, and to whom: the rules that need neither Slack nor a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alerts._format import as_date, escape
from alerts._slack import SlackSettings

UNADDRESSED = "unaddressed"
TOLD = ("delivered", "rendered")
_NO_OPS = " (or set the ops channel)"


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
class Step:
    """One message to one recipient. `record` is what the ledger knows of it."""

    row: Mapping[str, Any]
    recipient: Recipient
    record: Mapping[str, Any] | None


def recipients(row: Mapping[str, Any], settings: SlackSettings) -> list[Recipient]:
    """Who is told about a row.

    A developer's alert goes to the team's lead and, where known, to the developer; a team's and a pool's to the
    team's channel; the organisation's to the org channel. Where that address is missing the ops channel stands in,
    with a note saying what to fill in; where that is missing too the recipient is `unaddressed`.
    """
    team = str(row.get("team_id") or "")
    line = f"team {team} in teams.csv" if team else f"the team of {row['scope']} {row['scope_id']}, which has none"
    told: list[Recipient] = []
    if row["scope"] == "developer":
        source, address = f"lead_slack_id of {line}", _address(row.get("lead_slack_id"))
    elif row["scope"] == "org":
        source, address = "the org channel setting", settings.org_channel
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


def entity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is told about at most once per level: one kind, one entity, one month."""
    return str(row["kind"]), str(row["scope"]), str(row["scope_id"]), as_date(row.get("month"))


def level(row: Mapping[str, Any]) -> int:
    """The level in percent; 0 for a kind that has none."""
    return int(row.get("level") or 0)


def months(rows: Iterable[Mapping[str, Any]]) -> set[Any]:
    """The months whose ledger records matter for these rows."""
    found = set()
    for row in rows:
        try:
            found.add(as_date(row.get("month")))
        except (TypeError, ValueError):
            continue  # `steps` says so
    return found


def steps(
    rows: Iterable[Mapping[str, Any]], settings: SlackSettings, records: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Iterator[Step | Unusable]:
    """Each message still to be told: the highest level per entity and month, never below one already told."""
    highest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        try:
            key = entity(row)
            str(row["alert_key"]), recipients(row, settings)
            if level(row) > (level(highest[key]) if key in highest else -1):
                highest[key] = row
        except Exception as error:  # a row nobody can read must not keep the others back
            yield Unusable(str(row.get("alert_key", "without a key")), f"{type(error).__name__}: {error}")
    told: dict[tuple[Any, ...], int] = {}
    for record in records.values():
        if record["state"] in TOLD:
            key = entity(record)
            told[key] = max(told.get(key, 0), record["level"])
    for key, row in highest.items():
        if level(row) < told.get(key, 0):
            continue
        for recipient in recipients(row, settings):
            record = records.get((str(row["alert_key"]), recipient.address))
            if record is None or record["state"] not in TOLD:
                yield Step(row, recipient, record)


def _address(value: Any) -> str | None:
    return str(value).strip() or None if value is not None and value == value else None  # NaN is not an address
