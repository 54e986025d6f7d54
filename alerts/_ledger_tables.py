"""The ledger's tables, and how an older ledger gets the columns of this one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

SCHEMA_VERSION = 2  # 1 had only deliveries, and fewer columns of them


class UtcDateTime(sa.types.TypeDecorator):
    """An aware UTC datetime, kept without its zone so that every database gives back the same."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = sa.MetaData()

SCHEMA = sa.Table("schema_version", METADATA, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False))

# What was told to whom: an alert may have a message of its own or share a digest or a summary with others.
DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("alert_key", sa.Text, primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("scope_id", sa.Text, nullable=False),
    sa.Column("month", sa.Date),
    sa.Column("state", sa.Text, nullable=False),  # sending, delivered, failed, rendered
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_attempt_at", UtcDateTime, nullable=False),
    sa.Column("last_attempt_at", UtcDateTime, nullable=False),
    sa.Column("delivered_at", UtcDateTime),
    sa.Column("slack_channel", sa.Text),
    sa.Column("slack_ts", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("incident_key", sa.Text),
    sa.Column("role", sa.Text),  # message (its own), reply (in a thread), bundled (in a digest or summary), file
    sa.Column("message_key", sa.Text),  # alert_key, or the key of the message that holds it
    sa.Column("thread_ts", sa.Text),  # the parent's slack_ts, where the message is a reply
    sa.Column("digest_date", sa.Date),  # the day whose digest it went out with
    sa.Column("content", sa.Text),  # of a message of its own: its text and blocks as JSON, without state and buttons
    sa.Column("shown", sa.Text),  # digest of what Slack shows of it now
)

# What is the matter: one row per incident, whoever was told.
INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    sa.Column("incident_key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("level", sa.Integer, nullable=False),  # the highest so far
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("scope_id", sa.Text, nullable=False),
    sa.Column("team_id", sa.Text),
    sa.Column("month", sa.Date),
    sa.Column("state", sa.Text, nullable=False),  # open, acknowledged, snoozed, resolved
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.Text),  # Slack member id; empty where Paceline itself changed it
    sa.Column("snoozed_until", sa.Date),
    sa.Column("times_opened", sa.Integer, nullable=False),
)

# Who clicked what. Append-only.
ACTIONS = sa.Table(
    "actions",
    METADATA,
    sa.Column("action_key", sa.Text, primary_key=True),  # the same for a click that Slack sends twice
    sa.Column("acted_at", UtcDateTime, nullable=False),
    sa.Column("slack_user", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),  # acknowledge, snooze, approve, change, reject, request, ...
    sa.Column("subject", sa.Text, nullable=False),  # an incident_key, or plan/<month>/<stage>/<scope>/<scope_id>
    sa.Column("outcome", sa.Text, nullable=False),  # done, refused, unchanged
    sa.Column("detail", sa.Text),
)

# Caps that were decided in Slack. Append-only; the last one of a scope and month counts.
DECISIONS = sa.Table(
    "cap_decisions",
    METADATA,
    sa.Column("decision_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("action_key", sa.Text, nullable=False),
    sa.Column("decided_at", UtcDateTime, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),  # approved, changed, rejected, increased
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("scope_id", sa.Text, nullable=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("cap_tokens", sa.BigInteger),
    sa.Column("cap_usd", sa.Numeric(18, 6)),
    sa.Column("plan_stage", sa.Text),
    sa.Column("plan_issued_at", UtcDateTime),
)


def prepare(engine: sa.Engine) -> None:
    """Create what is missing. Raises RuntimeError for a ledger of a later Paceline."""
    found = None
    for attempt in range(5):  # two processes may create the tables at the same moment
        try:
            METADATA.create_all(engine)
            found = _version(engine)
            if found is not None and found < SCHEMA_VERSION:
                _add_columns(engine)
            break
        except DBAPIError:
            if attempt == 4:
                raise
            time.sleep(0.1)
    if found is not None and found > SCHEMA_VERSION:
        raise RuntimeError(
            f"the delivery ledger {engine.url!r} has schema version {found}; this Paceline knows "
            f"{SCHEMA_VERSION}: use the Paceline that made it, or another ledger"
        )
    if found != SCHEMA_VERSION:
        try:
            with engine.begin() as connection:
                connection.execute(sa.insert(SCHEMA).values(version=SCHEMA_VERSION))
        except IntegrityError:
            pass  # the other process was faster


def _version(engine: sa.Engine) -> int | None:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.max(SCHEMA.c.version))).scalar()


def _add_columns(engine: sa.Engine) -> None:
    """Whatever came after version 1 may be empty."""
    there = {column["name"] for column in sa.inspect(engine).get_columns(DELIVERIES.name)}
    with engine.begin() as connection:
        for column in DELIVERIES.columns:
            if column.name not in there:
                kind = column.type.compile(engine.dialect)
                connection.execute(sa.text(f"alter table {DELIVERIES.name} add column {column.name} {kind}"))
