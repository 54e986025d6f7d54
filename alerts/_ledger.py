"""The delivery ledger: what was told to whom. Any database SQLAlchemy can reach; SQLite and PostgreSQL are meant."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

SCHEMA_VERSION = 1


class UtcDateTime(sa.types.TypeDecorator):
    """An aware UTC datetime, kept without its zone so that every database gives back the same."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


_METADATA = sa.MetaData()

SCHEMA = sa.Table("schema_version", _METADATA, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False))

DELIVERIES = sa.Table(
    "deliveries",
    _METADATA,
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
)


@dataclass(frozen=True)
class Alert:
    """The part of a row that the ledger keeps."""

    alert_key: str
    kind: str
    level: int
    scope: str
    scope_id: str
    month: date | None


Records = dict[tuple[str, str], dict[str, Any]]  # (alert_key, recipient) -> the columns


class Ledger:
    """The deliveries table. Each change is committed before the method returns."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self.file = _sqlite_file(self._engine.url)
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        self._prepare()

    def __repr__(self) -> str:
        return f"Ledger({self._engine.url!r})"  # SQLAlchemy hides a password here

    def lock_file(self, outbox_dir: Path) -> Path:
        """The file that keeps two deliveries apart: beside a SQLite ledger, else in the outbox."""
        if self.file is not None:
            return self.file.with_name(self.file.name + ".lock")
        return Path(outbox_dir) / ".deliver.lock"

    def records(self, months: Iterable[date | None]) -> Records:
        """What is known of the deliveries of these months."""
        wanted = set(months)
        match = DELIVERIES.c.month.in_(list(wanted - {None}))
        if None in wanted:
            match = match | DELIVERIES.c.month.is_(None)
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(DELIVERIES).where(match)).mappings().all()
        return {(row["alert_key"], row["recipient"]): dict(row) for row in rows}

    def export(self) -> list[dict[str, Any]]:
        """Every delivery, times in UTC without a zone: what the warehouse shows as ops.alert_deliveries."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(DELIVERIES)).mappings().all()
        return [
            {name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in row.items()}
            for row in rows
        ]

    def channel_of(self, recipient: str) -> str | None:
        """The conversation's id that Slack gave for this recipient's latest message, when there was one."""
        latest = (
            sa.select(DELIVERIES.c.slack_channel)
            .where(DELIVERIES.c.recipient == recipient, DELIVERIES.c.slack_channel.is_not(None))
            .order_by(DELIVERIES.c.last_attempt_at.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.execute(latest).scalar()

    def begin(self, alert: Alert, recipient: str, now: datetime) -> None:
        """Write down that an attempt starts, before it does."""
        attempt = (
            sa.update(DELIVERIES)
            .where(DELIVERIES.c.alert_key == alert.alert_key, DELIVERIES.c.recipient == recipient)
            .values(state="sending", attempts=DELIVERIES.c.attempts + 1, last_attempt_at=now)
        )
        with self._engine.begin() as connection:
            if connection.execute(attempt).rowcount == 0:
                first = {"state": "sending", "attempts": 1, "first_attempt_at": now, "last_attempt_at": now}
                connection.execute(sa.insert(DELIVERIES).values(**vars(alert), recipient=recipient, **first))

    def finish(
        self,
        alert_key: str,
        recipient: str,
        state: str,
        now: datetime,
        *,
        slack_channel: str | None = None,
        slack_ts: str | None = None,
        error: str | None = None,
    ) -> None:
        """Write down how the attempt ended."""
        values: dict[str, Any] = {"state": state, "error": error, "slack_channel": slack_channel, "slack_ts": slack_ts}
        if state == "delivered":
            values["delivered_at"] = now
        one = sa.update(DELIVERIES).where(DELIVERIES.c.alert_key == alert_key, DELIVERIES.c.recipient == recipient)
        with self._engine.begin() as connection:
            connection.execute(one.values(**values))

    def _prepare(self) -> None:
        for attempt in range(5):  # two processes may create the tables at the same moment
            try:
                _METADATA.create_all(self._engine)
                break
            except DBAPIError:
                if attempt == 4:
                    raise
                time.sleep(0.1)
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(sa.func.max(SCHEMA.c.version))).scalar()
        if found is None:
            try:
                with self._engine.begin() as connection:
                    connection.execute(sa.insert(SCHEMA).values(version=SCHEMA_VERSION))
            except IntegrityError:
                pass  # the other process was faster
        elif found != SCHEMA_VERSION:
            raise RuntimeError(
                f"the delivery ledger {self._engine.url!r} has schema version {found}; this Paceline knows "
                f"{SCHEMA_VERSION}: use the Paceline that made it, or another ledger"
            )


def _sqlite_file(url: sa.URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return None if url.database.startswith("file:") else Path(url.database)
