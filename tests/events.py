"""The event half without dbt: the models' own SQL, day by day, over a lake that changes between runs."""

from datetime import UTC, date, datetime

import duckdb

from benchmarks.models import path_of, rendered
from pipelines.lake import Lake
from pipelines.raw import create_raw, days_to_build, write_model_names
from pipelines.settings import load_settings

DAILY = ("int_usage_daily", "int_usage_hourly", "int_sessions_daily", "int_suspected_daily")


class EventHalf:
    """What dbt makes of the lake, kept from run to run."""

    def __init__(self, lake: Lake):
        self.lake = lake
        self.db = duckdb.connect()
        self.db.execute("set TimeZone = 'UTC'")
        self.built: dict[date, str] = {}

    def run(self) -> list[date]:
        """Build the days whose inputs changed; returns them."""
        days = days_to_build(self.lake, load_settings(), self.built)
        write_model_names(self.lake, days)
        create_raw(self.db, self.lake, load_settings(), days, date(2026, 11, 30), date(2026, 12, 1), datetime.now(UTC))
        made: set[str] = set()
        for model in DAILY:
            self._make(model, made)
        self.built |= days.fingerprints
        return sorted(days.fingerprints)

    def _make(self, model: str, made: set[str]) -> None:
        if model in made:
            return
        made.add(model)
        sql, is_view, parents = rendered(path_of(model))
        for parent in sorted(parents):
            self._make(parent, made)
        if model in DAILY:
            self.db.execute(f"create table if not exists {model} as from ({sql}) limit 0")
            self.db.execute(f"delete from {model} where utc_date in (select utc_date from raw.paceline__days_to_build)")
            self.db.execute(f"insert into {model} by name {sql}")
        else:
            kind = "view" if is_view or path_of(model).parts[-3] == "staging" else "table"
            self.db.execute(f"create or replace {kind} {model} as {sql}")

    def rows(self, sql: str) -> list[tuple]:
        """What a query answers."""
        return self.db.execute(sql).fetchall()

    def content(self) -> dict[str, list[tuple]]:
        """Every row of every daily table."""
        return {model: sorted(self.rows(f"from {model}"), key=repr) for model in DAILY}
