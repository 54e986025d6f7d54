"""`paceline forget`: a person's ids, addresses and names leave everything that Paceline has written.

With a pseudonym, each id becomes another one of the same person, so every total stays. Without, calls become calls of
nobody (the team's totals lose them, the organisation's do not), and rows about the person go: org rows, plans, alerts.
What Paceline has not written (the sources' logs, messages in Slack, backups, s3 versions) others have to see to.
"""

import csv
import io
import json
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from connectors._contract import LogFeed
from connectors._errors import SourceError
from connectors._files import list_files
from pipelines.dbt import target_path
from pipelines.kept import USAGE
from pipelines.lake import Lake, beside, quoted
from pipelines.loading import lake_name
from pipelines.parquet import parquet_folder
from pipelines.publish import read_warehouse
from pipelines.raw import log_feeds, tables_of
from pipelines.settings import Settings

ROWS_OF = {"developer_id": None, "scope_id": "scope"}  # a column with an id, and the one that must say 'developer'
# As the macro identity_key has it; the lake keeps it beside the columns for days whose calls are gone.
SEEN = ("user_email", "user_id", "key_alias", "key_hash", "gateway_team_id", "agent_user", "device")
IDENTITY_KEY = "md5(concat_ws('|', " + ", ".join(f"coalesce({column}, '-')" for column in SEEN) + "))"
WHO = tuple(column for column in SEEN if column != "gateway_team_id")

# All that is known to be this person's: what the org files say, and what this person's calls said that no other's did.
MINE = f"""
    with seen as (
        select usage.* exclude (source), people.developer_id
        from intermediate.int_usage_daily as usage
        inner join intermediate.int_identities_resolved as people using (identity_key, usage_date)
    ),
    said as (
        unpivot (select developer_id, {", ".join(WHO)} from seen) on {", ".join(WHO)} into name kind value value
    )
    select email as value from intermediate.int_developers_dated where developer_id = $id
    union select name from intermediate.int_developers_dated where developer_id = $id
    union select slack_id from intermediate.int_developers_dated where developer_id = $id
    union select value from intermediate.int_identities_dated where developer_id = $id
    union (select value from said group by value having min(developer_id) = $id and max(developer_id) = $id)"""
OTHERS = """
    select developer_id from intermediate.int_developers_dated where developer_id != $id
    union select email from intermediate.int_developers_dated where developer_id != $id
    union select name from intermediate.int_developers_dated where developer_id != $id
    union select value from intermediate.int_identities_dated where developer_id != $id"""


class CannotForget(Exception):
    """Nothing was changed; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where the person stands, and in how many values or names."""

    where: str
    values: int


class Eraser:
    """Replaces what is this person's in a text, wherever it stands as a word of its own, in any spelling."""

    def __init__(self, mine: Mapping[str, str], others: Iterable[str] = ()):
        self._mine = {}
        for value, instead in mine.items():
            # As JSON and file names spell it, too.
            in_file_names = [re.sub(r"[^A-Za-z0-9-]+", "-", value).strip("-")] if value.isascii() else []
            for spelled in (value, json.dumps(value)[1:-1], *in_file_names):
                self._mine.setdefault(spelled.lower(), instead)
        # What others are called is theirs, also where a part of it is this person's.
        theirs = {other.lower() for other in others} - self._mine.keys()
        known = {other for other in theirs if any(one in other for one in self._mine)} | self._mine.keys()
        longest_first = "|".join(re.escape(one) for one in sorted(known, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![^\W_])(?:{longest_first})(?![^\W_])", re.IGNORECASE)
        self.anywhere = "|".join(re.escape(one) for one in self._mine)

    def text(self, text: str) -> str:
        """The text without the person."""
        return self._pattern.sub(lambda found: self._mine.get(found[0].lower(), found[0]), text)


def words_of(settings: Settings, developer_id: str) -> tuple[list[str], list[str]]:
    """(this person's ids, addresses and names; others'), as the last published warehouse knows them."""
    if not settings.warehouse_file.exists():
        raise CannotForget("there is no warehouse that knows who is who. Run: paceline run")
    with read_warehouse(settings.warehouse_file) as db:
        mine = [value for (value,) in db.execute(MINE, {"id": developer_id}).fetchall() if value]
        others = [value for (value,) in db.execute(OTHERS, {"id": developer_id}).fetchall() if value]
    if not mine:
        raise CannotForget(f"no developer is called {developer_id}; see core.dim_developers")
    return sorted({developer_id, *mine}, key=lambda one: (one != developer_id, one)), others


def eraser_of(words: list[str], others: list[str], pseudonym: str | None) -> Eraser:
    """What each of the words becomes: its own, so that two ids never become one. The first is the developer's id.

    Without a pseudonym it is one that nobody keeps. Raises CannotForget for one that will not do.
    """
    if pseudonym is None:
        pseudonym = f"forgotten-{secrets.token_hex(4)}"
    elif not re.fullmatch(r"[a-z][a-z0-9-]{2,40}", pseudonym) or pseudonym in {*words, *others}:
        raise CannotForget(f"{pseudonym} is no pseudonym: expected small letters, digits and -, and nobody's id")
    instead = {}
    for number, word in enumerate(words):
        other = f"{pseudonym}-{number}" if number else pseudonym
        instead[word] = f"{other}@forgotten.invalid" if "@" in word else other
    return Eraser(instead, others)


def forget(
    settings: Settings, lake: Lake, words: list[str], eraser: Eraser, keep_rows: bool, apply: bool
) -> Iterator[Place]:
    """Every place with the person in it, changed when `apply`. Without `keep_rows` rows about the person go.

    The org files come last: until then a run that was killed can be repeated. Build, report and Parquet files are
    thrown away, for the next run makes them.
    """
    yield from _in_lake(lake, words[0], eraser, keep_rows, apply)
    yield from _in_databases(settings, words[0], eraser, keep_rows, apply)
    yield from _in_files(settings, eraser, apply)
    yield from _in_warehouse(settings, eraser)
    if apply:
        shutil.rmtree(settings.build_file.parent, ignore_errors=True)
        shutil.rmtree(parquet_folder(settings.warehouse_file), ignore_errors=True)
        settings.report_file.unlink(missing_ok=True)
    if not settings.uses_examples:
        yield from _in_org(settings.org_dir, words[0], eraser, keep_rows, apply)


def at_the_sources(settings: Settings, eraser: Eraser) -> Iterator[Place]:
    """Log files whose names still tell of the person: they are read again when they change, or under a new name."""
    for feed in log_feeds():
        location = feed.location or settings.environ.get(feed.variable)
        if not location:
            continue
        try:
            files, _ = list_files(location, feed.located_by or feed.variable, feed.file_names)
        except SourceError:
            continue
        if count := sum(eraser.text(file.key) != file.key for file in files):
            yield Place(f"{feed.variable}, names of files in {location}", count)


# ---- the lake ----


def _in_lake(lake: Lake, developer_id: str, eraser: Eraser, keep_rows: bool, apply: bool) -> Iterator[Place]:
    renamed = _renamed_folders(lake, eraser)
    ids = {"identity_key": _identity_keys(lake, eraser), "folder_id": renamed}
    for path in lake.files("raw"):
        with lake.workspace() as scratch, lake.connect() as db:
            changed = _without_person(db, lake.path(path), developer_id, eraser, ids, keep_rows)
            target = _new_path(path, renamed, eraser)
            if not changed and target == path:
                continue
            yield Place(f"lake, {'/'.join(path.split('/')[:2])}", changed + (target != path))
            if apply:
                _put(lake, db, scratch, path, target)


def _without_person(db, file: str, developer_id: str, eraser: Eraser, ids: dict[str, dict], keep_rows: bool) -> int:
    """Make `rows` what a file holds without the person; returns how many values and rows differ.

    `ids`: name of a column -> old id -> new id, of ids that were made from others.
    """
    db.execute("create or replace temp table rows as select * from read_parquet(?, hive_partitioning = false)", [file])
    changed = 0
    columns = {name: kind for name, kind, *_ in db.execute("describe rows").fetchall()}
    if not keep_rows:
        for column, scope in ROWS_OF.items():
            if column in columns and (scope is None or scope in columns):
                about = f"{column} = $id" + (f" and {scope} = 'developer'" if scope else "")
                changed += db.execute(f"delete from rows where {about}", {"id": developer_id}).fetchall()[0][0]
    for name, kind in columns.items():
        if kind not in ("VARCHAR", "VARCHAR[]"):
            continue
        values = f"unnest({name})" if kind == "VARCHAR[]" else name
        found = f"select distinct value from (select {values} as value from rows) where regexp_matches(value, ?, 'i')"
        swaps = {value: eraser.text(value) for (value,) in db.execute(found, [eraser.anywhere]).fetchall()}
        swaps = ids.get(name.removeprefix("like_"), swaps)
        swaps = {value: instead for value, instead in swaps.items() if value != instead}
        if not swaps:
            continue
        instead = "coalesce(map_extract_value($swaps, {0}), {0})".format
        new = f"list_transform({name}, lambda one: {instead('one')})" if kind == "VARCHAR[]" else instead(name)
        touched = f"list_has_any({name}, $values)" if kind == "VARCHAR[]" else f"list_contains($values, {name})"
        given = {"swaps": duckdb_map(swaps), "values": list(swaps)}
        changed += db.execute(f"update rows set {name} = {new} where {touched}", given).fetchall()[0][0]
    return changed


def duckdb_map(swaps: Mapping[str, str]) -> dict[str, list[str]]:
    """A MAP as DuckDB takes it for a parameter."""
    return {"key": list(swaps), "value": list(swaps.values())}


def _identity_keys(lake: Lake, eraser: Eraser) -> dict[str, str]:
    """Old identity key -> new one, of the days of which only rows were kept."""
    if not (files := [lake.path(path) for path in lake.files(f"raw/kept__{USAGE}")]):
        return {}
    with lake.connect() as db:
        rows = db.execute(
            f"select distinct identity_key, {', '.join(SEEN)} from read_parquet($files, hive_partitioning = false)",
            {"files": files},
        ).fetchall()
        keys = {}
        for key, *said in rows:
            now = [value if value is None else eraser.text(value) for value in said]
            if now != said:
                told = ", ".join(f"$c{n}::varchar as {column}" for n, column in enumerate(SEEN))
                sql = f"select {IDENTITY_KEY} from (select {told})"
                keys[key] = db.execute(sql, {f"c{n}": value for n, value in enumerate(now)}).fetchall()[0][0]
        return keys


def _renamed_folders(lake: Lake, eraser: Eraser) -> dict[str, str]:
    """Old id of a folder of logs -> the one of its new name."""
    renamed = {}
    for feed in log_feeds():
        for table in tables_of(lake, feed):
            for row in lake.read_rows(f"raw/{table}/_folders.parquet"):
                folder = _folder(feed, row["folder"])
                if eraser.text(folder) != folder:
                    renamed[lake_name(folder)] = lake_name(eraser.text(folder))
    return renamed


def _folder(feed: LogFeed, unit: str) -> str:
    if not feed.grows:
        return unit
    return unit.partition("/")[0] if "/" in unit else ""


def _new_path(path: str, renamed: Mapping[str, str], eraser: Eraser) -> str:
    folder, _, name = path.rpartition("/")
    stem = name.removesuffix(".parquet").removeprefix("from_")
    if stem in renamed:
        return f"{folder}/from_{renamed[stem]}.parquet"
    return eraser.text(path)


def _put(lake: Lake, db, scratch: Path, path: str, target: str) -> None:
    local = scratch / "rows.parquet"
    if target != path and lake.fs.exists(lake.path(target)):
        there = "read_parquet(?, hive_partitioning = false)"
        db.execute(f"insert into rows by name select * from {there}", [lake.path(target)])
    db.execute(f"copy rows to {quoted(local)} (format parquet, compression zstd)")
    lake.put(db, local, target)
    if target != path:
        lake.remove(path)


# ---- ledger, Dagster's storage, other files ----


def _in_databases(
    settings: Settings, developer_id: str, eraser: Eraser, keep_rows: bool, apply: bool
) -> Iterator[Place]:
    databases = {"ledger": settings.ledger_url}
    if settings.dagster_url:
        databases["Dagster"] = settings.dagster_url.get_secret_value()
    for file in sorted((settings.data_dir / "dagster").rglob("*.db")):
        databases[f"Dagster, {file.name}"] = f"sqlite:///{file}"
    for name, url in databases.items():
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        if file and not Path(file).exists():
            continue
        with engine.begin() as connection:
            if values := _in_database(connection, developer_id, eraser, keep_rows, apply):
                yield Place(name, values)
        if apply and file:
            # What was overwritten is still on SQLite's free pages.
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("vacuum"))
                connection.execute(sa.text("pragma wal_checkpoint(truncate)"))
        engine.dispose()


def _in_database(connection: sa.Connection, developer_id: str, eraser: Eraser, keep_rows: bool, apply: bool) -> int:
    found = sa.MetaData()
    found.reflect(connection)
    changed = 0
    for table in found.sorted_tables:
        if not keep_rows and {"scope", "scope_id"} <= set(table.columns.keys()):
            about = sa.and_(table.c.scope == "developer", table.c.scope_id == developer_id)
            count = connection.execute(sa.select(sa.func.count()).select_from(table).where(about)).scalar_one()
            changed += count
            if apply and count:
                connection.execute(sa.delete(table).where(about))
        for column in table.columns:
            if not isinstance(column.type, sa.String):
                continue
            for (value,) in connection.execute(sa.select(column).distinct().where(column.is_not(None))).fetchall():
                if isinstance(value, str) and (instead := eraser.text(value)) != value:
                    changed += 1
                    if apply:
                        connection.execute(sa.update(table).where(column == value).values({column.name: instead}))
    return changed


def _in_files(settings: Settings, eraser: Eraser, apply: bool) -> Iterator[Place]:
    """Outbox, previews, notes: texts are changed; pictures beside a text about the person go, as do their names."""
    lake = Path(settings.lake)
    # What dbt keeps is the project's own text, but for its log.
    skipped = (settings.data_dir / "dagster", settings.build_file.parent, lake)
    for file in sorted(settings.data_dir.rglob("*")):
        if not file.is_file() or any(folder in file.parents for folder in skipped):
            continue
        if target_path(settings) in file.parents and file.suffix != ".log":
            continue
        if file.name.startswith("ledger.sqlite") or ".duckdb" in file.name or file.suffix == ".lock":
            continue
        if file == settings.report_file:  # made anew from the warehouse
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            words = file.with_name(f"{file.name.rpartition('__')[0]}.txt")
            text = words.read_text() if words.exists() else None
            if eraser.text(file.name) != file.name or (text and eraser.text(text) != text):
                yield Place(f"{file.parent.name}/, pictures", 1)
                if apply:
                    file.unlink()
            continue
        instead, name = eraser.text(text), eraser.text(file.name)
        if (instead, name) != (text, file.name):
            yield Place(f"{file.parent.name}/", 1)
            if apply:
                with beside(file) as draft:
                    draft.write_text(instead)
                file.rename(file.with_name(name))


def _in_warehouse(settings: Settings, eraser: Eraser) -> Iterator[Place]:
    """Only looked at: the next run makes it anew."""
    if not settings.warehouse_file.exists():
        return
    with read_warehouse(settings.warehouse_file) as db:
        columns = db.execute("""
            select columns.schema_name, columns.table_name, list(columns.column_name)
            from duckdb_columns() as columns
            inner join duckdb_tables() as tables using (database_name, schema_name, table_name)
            where not columns.internal and columns.data_type = 'VARCHAR' group by all order by all""").fetchall()
        for schema, table, names in columns:
            each = " union all ".join(f"select distinct {name} as value from {schema}.{table}" for name in names)
            found = f"select value from ({each}) where regexp_matches(value, ?, 'i')"
            values = [value for (value,) in db.execute(found, [eraser.anywhere]).fetchall()]
            if count := sum(eraser.text(value) != value for value in values):
                yield Place(f"warehouse, {schema}.{table}", count)


# ---- org files ----


def _in_org(folder: Path, developer_id: str, eraser: Eraser, keep_rows: bool, apply: bool) -> Iterator[Place]:
    for file in sorted(folder.glob("*.csv")):
        text = file.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        if not rows:
            continue
        header, changed, kept = [name.strip() for name in rows[0]], 0, [rows[0]]
        for row in rows[1:]:
            cells = dict(zip(header, row, strict=False))
            about = any(
                cells.get(column, "").strip() == developer_id and (scope is None or cells.get(scope) == "developer")
                for column, scope in ROWS_OF.items()
            )
            if about and not keep_rows:
                changed += 1
                continue
            # Nobody can be reached at a pseudonym.
            new = [
                "" if name.endswith("slack_id") and eraser.text(cell) != cell else eraser.text(cell)
                for name, cell in zip(header, row, strict=False)
            ]
            changed += new != row
            kept.append(new if len(new) == len(row) else row)
        if changed:
            yield Place(f"{file}, lines", changed)
            if apply:
                out = io.StringIO()
                csv.writer(out, lineterminator="\n").writerows(kept)
                with beside(file) as draft:
                    draft.write_text(out.getvalue())


def together(places: Iterable[Place]) -> dict[str, int]:
    """Values per place."""
    found: dict[str, int] = {}
    for place in places:
        found[place.where] = found.get(place.where, 0) + place.values
    return found
