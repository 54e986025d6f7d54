"""The ledger: what was told to whom, what is the matter, and who decided what. Any database SQLAlchemy can reach;
SQLite and PostgreSQL are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from alerts._ledger_tables import ACTIONS, DECISIONS, DELIVERIES, INCIDENTS, prepare


@dataclass(frozen=True)
class Alert:
    """The part of a row that the ledger keeps."""

    alert_key: str
    incident_key: str | None
    kind: str
    level: int
    scope: str
    scope_id: str
    month: date | None


_EXPORTED = {
    "alert_deliveries": DELIVERIES,
    "alert_incidents": INCIDENTS,
    "alert_actions": ACTIONS,
    "cap_decisions": DECISIONS,
}
_LOCK = 7_233_466  # a number that stands for deliveries, in PostgreSQL's advisory locks
_LOCK_TIMED_OUT = "55P03"
Records = dict[tuple[str, str], dict[str, Any]]  # (alert_key, recipient) -> the columns


class Ledger:
    """Each change is committed before the method returns."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self.file = _sqlite_file(self._engine.url)
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        prepare(self._engine)

    def __repr__(self) -> str:
        return f"Ledger({self._engine.url!r})"  # SQLAlchemy hides a password here

    def lock_file(self, outbox_dir: Path) -> Path:
        """The file that keeps two deliveries apart: beside a SQLite ledger, else in the outbox."""
        if self.file is not None:
            return self.file.with_name(self.file.name + ".lock")
        return Path(outbox_dir) / ".deliver.lock"

    @property
    def is_postgres(self) -> bool:
        """Whether the database is PostgreSQL, which can keep two machines apart."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def locked(self, wait_seconds: float) -> Iterator[bool]:
        """Hold PostgreSQL's lock of this ledger; False when another one has held it all the time. It goes with the
        connection, also when this process is killed."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f"set lock_timeout = {max(1, int(wait_seconds * 1000))}"))
            try:
                connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCK_TIMED_OUT:
                    raise
                yield False
                return
            yield True

    def export(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table, times in UTC without a zone: what the warehouse shows."""
        return {name: self._all(table) for name, table in _EXPORTED.items()}

    def is_empty(self) -> bool:
        """Whether nothing was told from it or decided: a new one, perhaps in the place of one that was lost."""
        return not any(self._rows(sa.select(table).limit(1)) for table in (DELIVERIES, DECISIONS))

    def restore(self, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Add the rows of an earlier `export` that it has not, all or none; columns that are not given stay empty."""
        with self._engine.begin() as connection:
            for name, table in _EXPORTED.items():
                known = {tuple(key) for key in connection.execute(sa.select(*table.primary_key))}
                rows = [_with_zone(row) for row in tables.get(name, ())]
                rows = [row for row in rows if tuple(row[key.name] for key in table.primary_key) not in known]
                if rows:
                    connection.execute(sa.insert(table), rows)

    def _all(self, table: sa.Table, *where: Any) -> list[dict[str, Any]]:
        return [
            {name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in row.items()}
            for row in self._rows(sa.select(table).where(*where))
        ]

    def _rows(self, query: sa.Select) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _write(self, statement: Any) -> int:
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount

    # --- What was told -----------------------------------------------------------------------------------------------

    def records(self) -> Records:
        """What is known of every delivery."""
        return {(row["alert_key"], row["recipient"]): row for row in self._rows(sa.select(DELIVERIES))}

    def of_incident(self, incident_key: str) -> list[dict[str, Any]]:
        """The deliveries of one incident, oldest first."""
        mine = sa.select(DELIVERIES).where(DELIVERIES.c.incident_key == incident_key)
        return self._rows(mine.order_by(DELIVERIES.c.first_attempt_at, DELIVERIES.c.alert_key, DELIVERIES.c.recipient))

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

    def begin(self, alert: Alert, recipient: str, now: datetime, **about: Any) -> None:
        """Write down that an attempt starts, before it does; `about` fills further columns (message_key, ...)."""
        values = {"state": "sending", "last_attempt_at": now, "message_key": alert.alert_key, **about}
        again = (
            sa.update(DELIVERIES)
            .where(DELIVERIES.c.alert_key == alert.alert_key, DELIVERIES.c.recipient == recipient)
            .values(**values, attempts=DELIVERIES.c.attempts + 1)
        )
        if not self._write(again):
            first = {**vars(alert), "recipient": recipient, "attempts": 1, "first_attempt_at": now, **values}
            self._write(sa.insert(DELIVERIES).values(**first))

    def finish(self, alert_key: str, recipient: str, state: str, now: datetime, **about: Any) -> None:
        """Write down how the attempt ended; `about`: error, slack_channel, slack_ts, content, shown."""
        values = {"error": None, "slack_channel": None, "slack_ts": None, "state": state, **about}
        if state == "delivered":
            values["delivered_at"] = now
        one = sa.update(DELIVERIES).where(DELIVERIES.c.alert_key == alert_key, DELIVERIES.c.recipient == recipient)
        self._write(one.values(**values))

    def showing(self, alert_key: str, recipient: str, content: str, shown: str) -> None:
        """Write down what Slack shows of a message since its last change."""
        one = sa.update(DELIVERIES).where(DELIVERIES.c.alert_key == alert_key, DELIVERIES.c.recipient == recipient)
        self._write(one.values(content=content, shown=shown))

    # --- What is the matter ------------------------------------------------------------------------------------------

    def incidents(self) -> dict[str, dict[str, Any]]:
        """Every incident by its key."""
        return {row["incident_key"]: row for row in self._rows(sa.select(INCIDENTS))}

    def incident(self, incident_key: str) -> dict[str, Any] | None:
        """One incident."""
        found = self._rows(sa.select(INCIDENTS).where(INCIDENTS.c.incident_key == incident_key))
        return found[0] if found else None

    def open_incident(self, values: Mapping[str, Any]) -> None:
        """A new incident; `values`: all its columns."""
        self._write(sa.insert(INCIDENTS).values(**values))

    def change_incident(self, incident_key: str, **values: Any) -> None:
        """Change columns of an incident."""
        self._write(sa.update(INCIDENTS).where(INCIDENTS.c.incident_key == incident_key).values(**values))

    # --- Who decided -------------------------------------------------------------------------------------------------

    def act(
        self, action: Mapping[str, Any], decisions: Iterable[Mapping[str, Any]] = (), incident: Mapping | None = None
    ) -> bool:
        """Write down a click with all that follows from it, or nothing at all; False when it was written before.

        `action`: the columns of actions. `decisions`: those of cap_decisions but for who, when and the action's key.
        `incident`: incident_key, and the columns of incidents that change.
        """
        who = {key: action[key] for key in ("action_key",)}
        who |= {"decided_at": action["acted_at"], "decided_by": action["slack_user"]}
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(ACTIONS).values(**action))
                for decision in decisions:
                    connection.execute(sa.insert(DECISIONS).values(**decision, **who))
                if incident:
                    changed = {key: value for key, value in incident.items() if key != "incident_key"}
                    changed |= {"changed_at": action["acted_at"], "changed_by": action["slack_user"]}
                    one = INCIDENTS.c.incident_key == incident["incident_key"]
                    connection.execute(sa.update(INCIDENTS).where(one).values(**changed))
        except IntegrityError:
            if not self._rows(sa.select(ACTIONS).where(ACTIONS.c.action_key == action["action_key"])):
                raise
            return False
        return True

    def actions(self, verbs: Iterable[str], outcomes: Iterable[str] = ("done",)) -> list[dict[str, Any]]:
        """The actions of these kinds that came to these outcomes, oldest first."""
        mine = sa.select(ACTIONS).where(ACTIONS.c.action.in_(list(verbs)), ACTIONS.c.outcome.in_(list(outcomes)))
        return self._rows(mine.order_by(ACTIONS.c.acted_at))

    def decisions(self, month: date) -> dict[tuple[str, str], dict[str, Any]]:
        """The last decision on each cap of a month: {(scope, scope_id): the columns}."""
        of_month = sa.select(DECISIONS).where(DECISIONS.c.month == month).order_by(DECISIONS.c.decision_id)
        return {(row["scope"], row["scope_id"]): row for row in self._rows(of_month)}


def _with_zone(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in row.items()}


def _sqlite_file(url: sa.URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return None if url.database.startswith("file:") else Path(url.database)
