"""An alert is a state: what a run's findings change about it. https://sre.google/workbook/alerting-on-slos/ for why.

open -> acknowledged or snoozed (a person) -> resolved (by itself, when nothing holds it any more). A higher level opens
it again, and so does the end of a snooze; what comes back after it was resolved is the same incident.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from alerts._format import as_date
from alerts._plan import Findings, level

if TYPE_CHECKING:
    from alerts._ledger import Ledger


def follow(found: Findings, ledger: Ledger, now: datetime, today: date) -> None:
    """Bring the ledger's incidents up to what was found. Twice is once."""
    known = ledger.incidents()
    for incident_key, row in found.firing.items():
        incident = known.get(incident_key)
        if incident is None:
            ledger.open_incident(_new(incident_key, row), now)
        elif changes := _fires(incident, level(row), today):
            ledger.change_incident(incident_key, now, **changes)
    for incident_key, incident in known.items():
        gone = incident_key not in found.firing and incident_key not in found.holding
        if gone and incident["state"] != "resolved":
            ledger.change_incident(incident_key, now, state="resolved", snoozed_until=None)


def _new(incident_key: str, row: Any) -> dict[str, Any]:
    return {
        "incident_key": incident_key,
        "kind": str(row["kind"]),
        "level": level(row),
        "scope": str(row["scope"]),
        "scope_id": str(row["scope_id"]),
        "team_id": str(row["team_id"]) if row.get("team_id") else None,
        "month": as_date(row.get("month")),
    }


def _fires(incident: Any, now_at: int, today: date) -> dict[str, Any]:
    opened = {"state": "open", "snoozed_until": None}
    if now_at > incident["level"]:
        return {**opened, "level": now_at}
    slept = incident["state"] == "snoozed" and incident["snoozed_until"] and incident["snoozed_until"] <= today
    if incident["state"] == "resolved" or slept:
        return {**opened, "times_opened": incident["times_opened"] + 1}
    return {}
