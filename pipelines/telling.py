"""From due alerts to told people: what the published warehouse says is due, handed to `alerts/`, and what came of it
put back into the lake."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import alerts
from pipelines.lake import Lake
from pipelines.publish import read_warehouse, rows_of
from pipelines.raw import DELIVERIES, DELIVERIES_SCHEMA
from pipelines.settings import Settings, utc_now

DUE = ("alerts_due", "plans_due")


def slack_settings(settings: Settings) -> alerts.SlackSettings:
    """How to reach Slack; without a token, messages go to the outbox."""
    token = settings.slack_token
    return alerts.SlackSettings(
        token=token.get_secret_value() if token else None,
        api_url=settings.slack_api_url,
        org_channel=settings.slack_org_channel,
        ops_channel=settings.slack_ops_channel,
    )


def due_alerts(settings: Settings) -> list[dict]:
    """What is due in the published warehouse: the rows of every relation of its schema `alerts`."""
    if not settings.warehouse_file.exists():
        return []
    with read_warehouse(settings.warehouse_file) as db:
        return [row for relation in DUE for row in rows_of(db, f"select * from alerts.{relation} order by alert_key")]


def pending_alerts(settings: Settings) -> Sequence[alerts.Pending]:
    """What a delivery would send now."""
    due = due_alerts(settings)
    return alerts.pending(due, slack_settings(settings), alerts.open_ledger(settings.ledger_url)) if due else []


def deliver_alerts(settings: Settings, lake: Lake, say: Callable[[str], None]) -> tuple[list[alerts.Delivery], bool]:
    """Tell what is due; returns what was done, and whether the ledger's export in the lake changed."""
    ledger = alerts.open_ledger(settings.ledger_url)
    deliveries = alerts.deliver(
        due_alerts(settings), slack_settings(settings), ledger, settings.data_dir / "outbox", utc_now(), say
    )
    return deliveries, export_ledger(ledger.export(), lake)


def untold_alerts(settings: Settings) -> list[str]:
    """What is due and did not reach its recipient, with the reason."""
    due = due_alerts(settings)
    untold = alerts.untold(due, slack_settings(settings), alerts.open_ledger(settings.ledger_url)) if due else []
    return [f"{one.alert_key} to {one.recipient}: {one.error or one.state}" for one in untold]


def is_quiet(settings: Settings) -> bool:
    """Whether the last run was told to tell nobody: then the sensor tells nobody either."""
    return _quiet(settings).exists()


def keep_quiet(settings: Settings, quiet: bool) -> None:
    """Remember whether alerts of the published warehouse are to be told."""
    _quiet(settings).touch() if quiet else _quiet(settings).unlink(missing_ok=True)


def _quiet(settings: Settings) -> Path:
    return settings.data_dir / "no_alerts"


def export_ledger(rows: Sequence[Mapping[str, object]], lake: Lake) -> bool:
    """Put the ledger's rows into the lake; False when they are there already."""
    return lake.write_rows(rows, DELIVERIES_SCHEMA, DELIVERIES, order_by="alert_key, recipient")
