"""What dbt reads: the relations `raw.<source>__<feed>` of the build file, as views over files of the lake.

Every relation exists from the first day on, with its columns typed, also where nothing was loaded. Of the records of
logs only the days to build are visible, as an explicit list of files, so the event half of dbt never has to filter and
a day's cost does not grow with history. Reports of providers are small: all their versions are visible.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from connectors import discover, genai_prices, org
from connectors._contract import LogFeed, Report
from connectors._logs import QUARANTINE_SCHEMA
from pipelines import ledger_feeds
from pipelines.kept import KEPT, kept_days, kept_path
from pipelines.lake import Lake, quoted
from pipelines.loading import LOADS, LOADS_SCHEMA, NO_RECORDS, QUARANTINE, day_of, lake_days
from pipelines.loading_api import version_of
from pipelines.settings import DBT_PROJECT, Settings
from pipelines.spark_words import FUNCTIONS, SESSION, TYPES

PRICES = f"raw/genai_prices__prices/version={genai_prices.version()}.parquet"
MODEL_NAMES = f"raw/genai_prices__model_names/version={genai_prices.version()}.parquet"
PLANS = "raw/paceline__plans"
PLANS_SCHEMA = {
    "plan_month": "DATE", "stage": "VARCHAR", "issued_at": "TIMESTAMP", "as_of_date": "DATE", "scope": "VARCHAR",
    "scope_id": "VARCHAR", "team_id": "VARCHAR", "baseline_tokens": "BIGINT", "baseline_days": "INTEGER",
    "growth_ratio": "DOUBLE", "expected_tokens": "BIGINT", "buffer_ratio": "DOUBLE", "floor_tokens": "BIGINT",
    "recommended_cap_tokens": "BIGINT", "recommended_cap_usd": "DECIMAL(18,2)", "current_cap_tokens": "BIGINT",
    "current_cap_usd": "DECIMAL(18,6)",
    "change_ratio": "DOUBLE", "reason": "VARCHAR", "change_reason": "VARCHAR",
}  # fmt: skip


def org_path(table: str) -> str:
    """Where the lake keeps one of the org CSVs."""
    return f"raw/org__{table}/current.parquet"


def log_feeds() -> list[LogFeed]:
    """Every log feed of every source, configured or not."""
    return [feed for source in discover() for feed in source.feeds if isinstance(feed, LogFeed)]


def reports() -> list[Report]:
    """Every report of every source, configured or not."""
    return [feed for source in discover() for feed in source.feeds if isinstance(feed, Report)]


@dataclass(frozen=True)
class DaysToBuild:
    """UTC days whose inputs are not those they were last built from, with the fingerprint of their inputs now.

    `code_changed` says that the models themselves are not those of the last build: nothing of it can be kept.
    `to_link` are those among which several observers may have seen the same call, neighbours of the days included.
    Of the days `kept` the calls are gone or do not count: they are built from the rows that were kept of them.
    """

    fingerprints: Mapping[date, str]
    code_changed: bool
    to_link: frozenset[date] = frozenset()
    kept: frozenset[date] = frozenset()

    @property
    def to_read(self) -> list[date]:
        """All days whose records these take."""
        return sorted({*self.fingerprints, *self.to_link} - (self.kept - self.to_link))


def days_to_build(
    lake: Lake,
    settings: Settings,
    built: Mapping[date, str],
    but_for: Collection[date] = (),
    code: str | None = None,
    remade: Collection[date] = (),
) -> DaysToBuild:
    """Compare the lake with what was built (day -> fingerprint). A day that lost its files is to be built, too.

    Days that would need the records of the days `but_for` stay as they were built. `code` stands for the models, if
    not all of them are meant; the days `remade` are built from calls though rows of them are kept.
    """
    code = code or _code_digest()
    aliases = lake.files("raw/org__model_aliases").get(org_path("model_aliases"))
    common = [settings.timezone, genai_prices.version(), aliases]
    stamps = calls_by_day(lake)
    kept = {day: stamps for day, stamps in kept_days(lake).items() if day not in remade}
    inputs = {day: _inputs(stamps, day) for day in sorted({*stamps, *built} - kept.keys())}
    now = {day: f"{code}:{_digest([common, [stamps.get(one, []) for one in near]])}" for day, near in inputs.items()}
    now |= {day: f"{code}:{_digest(stamp)}" for day, stamp in kept.items()}
    fingerprints = {
        day: fingerprint
        for day, fingerprint in now.items()
        if built.get(day) != fingerprint and not set(but_for) & set(inputs.get(day, ()))
    }
    return DaysToBuild(
        fingerprints=fingerprints,
        code_changed=any(not fingerprint.startswith(f"{code}:") for fingerprint in built.values()),
        to_link=frozenset(one for day in fingerprints for one in inputs.get(day, []) if len(inputs[day]) > 1),
        kept=frozenset(fingerprints.keys() & kept.keys()),
    )


def damaged_files(lake: Lake, days: DaysToBuild) -> dict[str, list[str]]:
    """Feed -> those of its files with records of the days to build that cannot be read."""
    found = {}
    for feed in log_feeds():
        if damaged := lake.damaged(_paths_of(lake, feed, days)):
            found[feed.table] = damaged
    return found


def days_of(damaged: Mapping[str, list[str]]) -> set[date]:
    """The days of these files."""
    return {day for paths in damaged.values() for path in paths if (day := day_of(path))}


def tables_of(lake: Lake, feed: LogFeed) -> list[str]:
    """A feed's folder in the lake; of a family, those of every member that was ever loaded."""
    if not feed.members:
        return [feed.table]
    return [table for table in lake.folders("raw") if table.startswith(f"{feed.source}__")]


def calls_by_day(lake: Lake) -> dict[date, list[str]]:
    """UTC day -> stamps of the files of every log feed."""
    stamps: dict[date, list[str]] = {}
    for feed in log_feeds():
        for day, files in _days_of(lake, feed).items():
            stamps.setdefault(day, []).extend(files)
    return stamps


def _inputs(stamps: Mapping[date, list[str]], day: date) -> list[date]:
    """The days whose records a day is made of: its neighbours too, where several observers may tell of one call.

    Two of them may put a call at midnight on two days. Who has one source only builds no day for another's sake.
    """
    near = [day + timedelta(days=offset) for offset in (-1, 0, 1)]
    with_records = [entry for one in near for entry in stamps.get(one, []) if f"/{NO_RECORDS}|" not in entry]
    observers = {entry.split("/")[1] for entry in with_records}
    return near if len(observers) > 1 else [day]


def built_days(db: duckdb.DuckDBPyConnection) -> dict[date, str]:
    """What `ops.built_days` of the build file says; nothing in a new file."""
    exists = "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'built_days'"
    if not db.execute(exists).fetchall():
        return {}
    return dict(db.execute("select utc_date, fingerprint from ops.built_days").fetchall())


def write_model_names(lake: Lake, days: DaysToBuild) -> int:
    """Find provider, model and price row of every model name in the days to build; returns how many are known."""
    known = {(row["raw_provider"], row["raw_model"]): row for row in lake.read_rows(MODEL_NAMES)}
    aliases = lake.read_rows(org_path("model_aliases"))
    seen = set()
    with lake.connect() as db:
        for feed in log_feeds():
            if files := [lake.path(path) for path in _paths_of(lake, feed, days)]:
                names = f"select distinct {', '.join(feed.model_names)} from read_parquet($files)"
                seen |= set(db.execute(names, {"files": files}).fetchall())
        for feed in reports():
            if feed.model_name and (files := [lake.path(path) for path in lake.files(f"raw/{feed.table}")]):
                names = (
                    f"select distinct $source, {feed.model_name} as model from read_parquet($files) where model > ''"
                )
                seen |= set(db.execute(names, {"files": files, "source": feed.source}).fetchall())
    # Looked up again, not only when new: an alias may have changed since.
    rows = {name: genai_prices.model_name(*name, aliases=aliases) for name in {*known, *seen}}
    lake.write_rows(rows.values(), genai_prices.MODEL_NAMES_SCHEMA, MODEL_NAMES, order_by="raw_provider, raw_model")
    return len(rows)


def create_raw(
    db: duckdb.DuckDBPyConnection,
    lake: Lake,
    settings: Settings,
    days: DaysToBuild,
    as_of: date,
    plan_month: date,
    now: datetime,
) -> None:
    """Create every `raw` relation in the build file."""
    # Name -> its columns, and the files of the lake that hold its rows.
    views: dict[str, tuple[Mapping[str, str], list[str]]] = {}
    versions = []
    for feed in log_feeds():
        views[feed.table] = feed.schema | {"day": "DATE"}, _paths_of(lake, feed, days)
    for feed in reports():
        paths = list(lake.files(f"raw/{feed.table}"))
        views[feed.table] = feed.schema | {"day": "DATE"}, paths
        versions += [(feed.table, *version_of(path)) for path in paths]
    views["genai_prices__prices"] = genai_prices.PRICES_SCHEMA, [PRICES]
    views["genai_prices__model_names"] = genai_prices.MODEL_NAMES_SCHEMA, [MODEL_NAMES]
    for table, schema in org.SCHEMAS.items():
        views[f"org__{table}"] = schema, [org_path(table)]
    views["paceline__loads"] = LOADS_SCHEMA, list(lake.files(LOADS))
    views["paceline__quarantine"] = {"feed": "VARCHAR", **QUARANTINE_SCHEMA}, list(lake.files(QUARANTINE))
    views["paceline__plans"] = PLANS_SCHEMA, list(lake.files(PLANS))
    for feed, schema in ledger_feeds.FEEDS.items():
        views[feed] = schema, [ledger_feeds.path_of(feed)]
    for table, schema in KEPT.items():
        views[f"kept__{table}"] = schema, [kept_path(table, day) for day in sorted(days.kept)]

    db.execute("create schema if not exists raw")
    opened = lake.near({path for _, paths in views.values() for path in paths}, settings.lake_copies)
    for name, (schema, paths) in views.items():
        _view(db, name, schema, [opened[path] for path in paths if path in opened])
    _table(db, "paceline__versions", "feed varchar, utc_date date, known_at timestamp", versions)
    this_run = [(as_of, plan_month, settings.timezone, now.replace(tzinfo=None))]
    _table(db, "paceline__run", "as_of_date date, plan_month date, timezone varchar, ran_at timestamp", this_run)
    to_build = [(day, fingerprint, day in days.kept) for day, fingerprint in days.fingerprints.items()]
    _table(db, "paceline__days_to_build", "utc_date date, fingerprint varchar, is_kept boolean", to_build)
    _table(db, "paceline__days_to_link", "utc_date date", [(day,) for day in sorted(days.to_link)])
    feeds = [
        (feed.table, feed.description, feed.restated_days, isinstance(feed, Report))
        for source in discover()
        for feed in source.feeds_in(settings.environ)
    ]
    _table(db, "paceline__feeds", "feed varchar, description varchar, restated_days integer, is_report boolean", feeds)


def _view(db, name: str, schema: Mapping[str, str], files: list[str]) -> None:
    empty = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in schema.items())
    read = f"(select {empty} limit 0)"
    if files:
        listed = ", ".join(quoted(path) for path in files)
        # `day` is in the path. By name: files of an earlier version lack its new columns.
        options = f"hive_partitioning = {'true' if 'day' in schema else 'false'}, union_by_name = true"
        read += f" union all by name from read_parquet([{listed}], {options})"
    typed = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in schema.items())
    db.execute(f"create or replace view raw.{name} as select {typed} from ({read})")


def _table(db, name: str, columns: str, rows: list[tuple]) -> None:
    db.execute(f"create or replace table raw.{name} ({columns})")
    if rows:
        db.executemany(f"insert into raw.{name} values ({', '.join('?' * len(rows[0]))})", rows)


def _paths_of(lake: Lake, feed: LogFeed, days: DaysToBuild) -> list[str]:
    in_lake = _days_of(lake, feed)
    return [file.partition("|")[0] for day in days.to_read for file in in_lake.get(day, [])]


def _days_of(lake: Lake, feed: LogFeed) -> dict[date, list[str]]:
    """UTC day -> stamps of a feed's files."""
    days: dict[date, list[str]] = {}
    for table in tables_of(lake, feed):
        for day, files in lake_days(lake, table).items():
            days.setdefault(day, []).extend(files)
    return days


def event_half_digest() -> str:
    """Changes when a model of the event half or a macro does, or how Spark is told to count."""
    models = {file.stem: file for file in DBT_PROJECT.glob("models/**/*.sql")}
    files: set[str] = set()
    ahead = [f"int_{table}" for table in KEPT]
    while ahead:
        if (name := ahead.pop()) not in files:
            files.add(name)
            ahead += re.findall(r"ref\('(\w+)'\)", models[name].read_text())
    kinds = [str(models[name].relative_to(DBT_PROJECT)) for name in files]
    return _digest([_code_digest([*kinds, "macros/**/*.sql"]), SESSION, TYPES, FUNCTIONS])


def _code_digest(kinds: Iterable[str] = ("models/**/*.sql", "macros/**/*.sql", "seeds/*.csv")) -> str:
    """Changes when a model, a macro or a default does."""
    files = sorted(file for kind in kinds for file in DBT_PROJECT.glob(kind))
    return _digest([file.read_text() for file in files])


def _digest(content: object) -> str:
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()
