"""An alert is a state: what a run's findings change about it. https://sre.google/workbook/alerting-on-slos/ for why.

open -> acknowledged or snoozed (a person) -> resolved (by itself, when nothing holds it any more). A higher level opens
it again, and so does the end of a snooze. What comes back after it was resolved is the same incident, opened once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from alerts._format import as_date
from alerts._plan import Findings, is_over, level

if TYPE_CHECKING:
    from alerts._ledger import Ledger


Incidents = dict[str, dict[str, Any]]


def after(found: Findings, known: Mapping[str, Mapping[str, Any]], now: datetime, today: date) -> Incidents:
    """The incidents as they are after what was found. Doing it twice is doing it once."""
    result = {key: dict(incident) for key, incident in known.items()}
    for incident_key, row in found.firing.items():
        incident = result.get(incident_key)
        if incident is None:
            result[incident_key] = new(incident_key, row, now)
        elif changes := _fires(incident, level(row), today):
            incident |= {**changes, "changed_at": now, "changed_by": None}
    for incident_key, incident in result.items():
        gone = incident_key not in found.firing and incident_key not in found.holding
        if gone and incident["state"] != "resolved":
            incident |= {"state": "resolved", "snoozed_until": None, "changed_at": now, "changed_by": None}
    return result


def follow(found: Findings, ledger: Ledger, now: datetime, today: date) -> None:
    """Write down what changed."""
    known = ledger.incidents()
    for incident_key, incident in after(found, known, now, today).items():
        if incident_key not in known:
            ledger.open_incident(incident)
        elif changed := {name: value for name, value in incident.items() if value != known[incident_key][name]}:
            # Not the whole row: somebody may click in this very moment.
            ledger.change_incident(incident_key, **changed)


def new(incident_key: str, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """An incident that a row opens."""
    return {
        "incident_key": incident_key,
        "kind": str(row["kind"]),
        "level": level(row),
        "scope": str(row["scope"]),
        "scope_id": str(row["scope_id"]),
        "team_id": str(row["team_id"]) if row.get("team_id") else None,
        "month": as_date(row.get("month")),
        "state": "open",
        "opened_at": now,
        "changed_at": now,
        "changed_by": None,
        "snoozed_until": None,
        "times_opened": 1,
    }


def _fires(incident: Mapping[str, Any], now_at: int, today: date) -> dict[str, Any]:
    opened = {"state": "open", "snoozed_until": None, "level": now_at}
    if incident["state"] == "resolved":
        return {**opened, "times_opened": incident["times_opened"] + 1}
    if now_at > incident["level"]:
        return opened
    slept = incident["state"] == "snoozed" and incident["snoozed_until"] and incident["snoozed_until"] <= today
    if slept and not is_over(incident, today):
        return {**opened, "times_opened": incident["times_opened"] + 1}
    return {}
