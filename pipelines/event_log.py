"""Dagster's event log in SQLite, with connections that last.

Dagster's own opens and closes a file per event: SQLAlchemy compiles every statement anew, SQLite writes its log back
into the file each time, and waits for the disk twice. Files and tables are the same; without the lines in dagster.yaml
Dagster reads them as before.
https://docs.dagster.io/deployment/oss/dagster-yaml#event-log-storage
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, StaticPool, create_engine
from sqlalchemy.event import listen

BUSY_TIMEOUT_SECONDS = 30
OPEN_FILES = 8  # the index, and the runs that are looked at


class EventLog(SqliteEventLogStorage):
    """The event log below Dagster's home (`base_dir` of its configuration)."""

    def __init__(self, base_dir, inst_data=None):
        self._engines: dict[str, Engine] = {}
        super().__init__(os.path.join(base_dir, "history", "runs"), inst_data)

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        """As Dagster asks for it."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def wipe(self) -> None:
        """Remove all of it, as Dagster does."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close the files."""
        self._close()
        super().dispose()

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,  # one connection, used by one thread at a time under Dagster's lock
                connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            listen(engine, "connect", _wait_less)
            self._initdb(engine)
        self._engines[shard] = engine  # at the end: the first one is that which was not used for longest
        while len(self._engines) > OPEN_FILES:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _wait_less(connection, _) -> None:
    # With a write-ahead log the file stays whole; a machine that loses power may lose the last events of a run.
    connection.execute("pragma synchronous = normal")
