"""What the lake keeps of the ledger: one small feed per table, so that dbt and analysts see who was told, what is open
and what was decided."""

from collections.abc import Mapping, Sequence

import alerts
from pipelines.lake import Lake
from pipelines.settings import Settings

FEEDS = {
    "paceline__alert_deliveries": {
        "alert_key": "VARCHAR", "recipient": "VARCHAR", "kind": "VARCHAR", "level": "INTEGER", "scope": "VARCHAR",
        "scope_id": "VARCHAR", "month": "DATE", "state": "VARCHAR", "attempts": "INTEGER",
        "first_attempt_at": "TIMESTAMP", "last_attempt_at": "TIMESTAMP", "delivered_at": "TIMESTAMP",
        "slack_channel": "VARCHAR", "slack_ts": "VARCHAR", "error": "VARCHAR", "incident_key": "VARCHAR",
        "role": "VARCHAR", "message_key": "VARCHAR", "digest_date": "DATE",
    },
    "paceline__alert_incidents": {
        "incident_key": "VARCHAR", "kind": "VARCHAR", "level": "INTEGER", "scope": "VARCHAR", "scope_id": "VARCHAR",
        "team_id": "VARCHAR", "month": "DATE", "state": "VARCHAR", "opened_at": "TIMESTAMP", "changed_at": "TIMESTAMP",
        "changed_by": "VARCHAR", "snoozed_until": "DATE", "times_opened": "INTEGER",
    },
    "paceline__alert_actions": {
        "action_key": "VARCHAR", "acted_at": "TIMESTAMP", "slack_user": "VARCHAR", "action": "VARCHAR",
        "subject": "VARCHAR", "outcome": "VARCHAR", "detail": "VARCHAR",
    },
    "paceline__cap_decisions": {
        "decision_id": "INTEGER", "action_key": "VARCHAR", "decided_at": "TIMESTAMP", "decided_by": "VARCHAR",
        "decision": "VARCHAR", "scope": "VARCHAR", "scope_id": "VARCHAR", "month": "DATE", "cap_tokens": "BIGINT",
        "cap_usd": "DECIMAL(18,6)", "plan_stage": "VARCHAR", "plan_issued_at": "TIMESTAMP",
    },
}  # fmt: skip
# Tables of the warehouse that say the same, shown anew after a delivery. Decisions wait for the run that uses them.
PUBLISHED = {
    "paceline__alert_deliveries": "ops.alert_deliveries",
    "paceline__alert_incidents": "ops.alert_incidents",
    "paceline__alert_actions": "ops.alert_actions",
}


def path_of(feed: str) -> str:
    """Where the lake keeps a feed of the ledger."""
    return f"raw/{feed}/current.parquet"


def export_ledger(settings: Settings, lake: Lake) -> list[str]:
    """Put the ledger's tables into the lake; returns the feeds that changed. An empty ledger takes nothing away."""
    ledger = alerts.open_ledger(settings.ledger_url)
    if ledger.is_empty():
        return []
    tables = ledger.export()
    return [feed for feed in FEEDS if _write(lake, feed, tables[feed.removeprefix("paceline__")])]


def restore_ledger(settings: Settings, lake: Lake) -> bool:
    """Fill an empty ledger with what the lake knows of a lost one; False when the ledger is not empty."""
    ledger = alerts.open_ledger(settings.ledger_url)
    if not ledger.is_empty():
        return False
    ledger.restore({feed.removeprefix("paceline__"): lake.read_rows(path_of(feed)) for feed in FEEDS})
    return True


def _write(lake: Lake, feed: str, rows: Sequence[Mapping[str, object]]) -> bool:
    schema = FEEDS[feed]
    return lake.write_rows([{name: row[name] for name in schema} for row in rows], schema, path_of(feed))
