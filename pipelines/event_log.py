"""Dagster's event log in SQLite, with engines that last as long as the process.

Dagster's own makes an engine per event, so SQLAlchemy compiles every statement anew: a quarter of the time of a run
with nothing new. Files and tables are the same; without the lines in dagster.yaml Dagster reads them as before.
https://docs.dagster.io/deployment/oss/dagster-yaml#event-log-storage
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, NullPool, create_engine

BUSY_TIMEOUT_SECONDS = 30


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
        with self._db_lock:
            if shard not in self._engines:
                self._engines[shard] = create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=NullPool,  # a file is open only while it is used: run logs are many and get deleted
                    connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
                )
                self._initdb(self._engines[shard])
            with self._engines[shard].begin() as connection:
                yield connection
