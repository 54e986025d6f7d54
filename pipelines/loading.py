"""From a feed's source to its days in the lake, and the record of having done so.

A folder of logs whose listing shows something new is read again whole and replaces all of its files, for folders carry
local dates and records spill over into other UTC days. An object that vanishes takes nothing away: log buckets expire.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors._contract import Feed, LogFeed
from connectors._errors import SourceError, SourceRefused, SourceUnavailable
from connectors._files import LogFile, filesystem, is_remote, list_files
from connectors._logs import QUARANTINE_SCHEMA, read_logs
from pipelines.lake import Lake, quoted

BATCH_BYTES = 512 * 1024**2
BATCH_FILES = 5_000
FEW_DAYS = 16  # files of a batch from here on are written in one pass
NO_RECORDS = "no_records.parquet"

LOADS = "raw/paceline__loads"
_RECORDING = threading.Lock()  # feeds are loaded side by side and share this record
LOADS_SCHEMA = {
    "feed": "VARCHAR", "run_id": "VARCHAR", "status": "VARCHAR", "started_at": "TIMESTAMP", "finished_at": "TIMESTAMP",
    "through_date": "DATE", "folders_read": "BIGINT", "files_read": "BIGINT", "bytes_read": "BIGINT",
    "records": "BIGINT", "quarantined": "BIGINT", "changed_days": "DATE[]", "error": "VARCHAR",
    "requests_made": "BIGINT", "watermark_at": "TIMESTAMP", "skipped": "BIGINT",
    "days_told": "DATE[]", "day_records": "BIGINT[]",
}  # fmt: skip
QUARANTINE = "raw/paceline__quarantine"
KEPT_DAYS = "kept__usage_daily"  # pipelines/kept.py
CLUSTER_DAYS = "raw/paceline__cluster_days/current.parquet"  # pipelines/cluster_days.py
FOLDER = "regexp_replace(_file, '/?[^/]*$', '')"
# What is read as one: a folder or, of files that grow, a file, whose records are on these days of the lake.
FOLDERS_SCHEMA = {"folder": "VARCHAR", "folder_id": "VARCHAR", "stamps": "VARCHAR[]", "days": "VARCHAR[]"}


@dataclass
class Load:
    """What one load of one feed did.

    `status` is loaded, failed or not_offered; `quarantined` counts all lines now in quarantine, `newly_quarantined`
    those that were not before; `skipped` what a condition of the feed left out, where that is counted; `watermark_at`
    is the time up to which the source called itself complete; `days_told` are the days that the source spoke of,
    changed or not: the record says how many rows the lake has of each since.
    """

    feed: str
    run_id: str
    started_at: datetime
    through_date: date
    status: str = "loaded"
    finished_at: datetime | None = None
    folders_read: int = 0
    files_read: int = 0
    bytes_read: int = 0
    records: int = 0
    quarantined: int = 0
    requests_made: int = 0
    watermark_at: datetime | None = None
    skipped: int = 0
    changed_days: list[date] = field(default_factory=list)
    days_told: set[date] = field(default_factory=set)
    error: str | None = None
    newly_quarantined: int = 0
    retry_helps: bool = False

    def failed(self, error: SourceError) -> None:
        """Note that the source could not be read, and whether to ask again helps."""
        self.status, self.error = "failed", str(error)
        self.retry_helps = isinstance(error, SourceUnavailable)


def load_log_feed(
    lake: Lake,
    feed: LogFeed,
    location: str,
    through: date,
    now: Callable[[], datetime],
    run_id: str = "",
    again: tuple[date, date] | None = None,
    say: Callable[[str], None] = print,
) -> Load:
    """Bring a log feed up to date through a day; folders of the days `again` are read even if nothing changed.

    A source that cannot be read gives a failed Load, not an exception: the plan goes on with older data.
    """
    load = Load(feed.table, run_id, now(), through)
    with log_load(lake, feed, load, now, say):
        if feed.refusal:
            raise SourceRefused(feed.refusal)
        if lost := load_folders(lake, feed, location, now(), again, load, say):
            raise SourceRefused(
                f"gone from the lake: {', '.join(lost)}; their logs are no longer in {location} either. Restore them "
                "from a backup. This is said once; without them their days count what is left."
            )
    return load


@contextmanager
def log_load(
    lake: Lake,
    feed: LogFeed,
    load: Load,
    now: Callable[[], datetime],
    say: Callable[[str], None],
    since: date | None = None,
) -> Iterator[None]:
    """Around the loading of a log feed: a source that fails is noted, and what was done goes on record.

    Days from `since` on (or from the first with records) are looked at when nothing fails.
    """
    try:
        yield
        _mark_days_without_records(lake, feed, load, since or load.through_date - timedelta(days=feed.restated_days))
    except SourceError as error:
        load.failed(error)
    say_quarantined(lake, feed, load, say)
    load.finished_at = now()
    record_load(lake, load)


def record_load(lake: Lake, load: Load) -> None:
    """Append a load to the lake's own record, one file per UTC day."""
    path = f"{LOADS}/day={load.started_at:%Y-%m-%d}/loads.parquet"
    row: dict[str, Any] = {name: value for name, value in asdict(load).items() if name in LOADS_SCHEMA}
    row["days_told"] = sorted({*load.days_told, *load.changed_days})
    records = count_records(lake, load.feed, row["days_told"])
    row["day_records"] = [records.get(day, 0) for day in row["days_told"]]
    with _RECORDING:
        lake.write_rows([*lake.read_rows(path), row], LOADS_SCHEMA, path, order_by="started_at, feed")


def last_through(lake: Lake, feed: str) -> date | None:
    """The day through which a feed was loaded last."""
    for path in reversed(lake.files(LOADS)):
        loaded = [row for row in lake.read_rows(path) if row["feed"] == feed and row["status"] == "loaded"]
        if loaded:
            return loaded[-1]["through_date"]
    return None


def lake_days(lake: Lake, feed: str) -> dict[date, list[str]]:
    """UTC day -> stamps of its files, of one feed."""
    days: dict[date, list[str]] = {}
    for path, stamp in lake.files(f"raw/{feed}").items():
        if day := day_of(path):
            days.setdefault(day, []).append(f"{path}|{stamp}")
    return days


def days_without_calls(lake: Lake) -> set[date]:
    """UTC days whose calls are gone on purpose (`paceline retain`): those with kept rows that no cluster builds again.

    Of the last of them the calls are still there.
    """
    return lake_days(lake, KEPT_DAYS).keys() - {row["utc_date"] for row in lake.read_rows(CLUSTER_DAYS)}


def day_of(path: str) -> date | None:
    """The UTC day of a file of the lake; None for one that belongs to no day."""
    found = re.search(r"/day=(\d{4}-\d{2}-\d{2})/", path)
    return date.fromisoformat(found[1]) if found else None


def count_records(lake: Lake, feed: str, days: Collection[date]) -> dict[date, int]:
    """UTC day -> rows of a feed in the lake, of these days; from the ends of the files, so of any size."""
    held = lake_days(lake, feed)
    files = [lake.path(entry.partition("|")[0]) for day in days for entry in held.get(day, [])]
    if not files:
        return {}
    with lake.connect() as db:
        counted = (
            "select day, count(*) from read_parquet(?, hive_partitioning = true, union_by_name = true) group by day"
        )
        return dict(db.execute(counted, [files]).fetchall())


def load_folders(
    lake: Lake,
    feed: LogFeed,
    location: str,
    now: datetime,
    again: tuple[date, date] | None,
    load: Load,
    say: Callable[[str], None],
) -> list[str]:
    """Read every folder, or file that grows, with something new or something lost in the lake, and note in `load` what
    was done; returns what the lake lost and the location no longer has.
    """
    files, unreadable = list_files(location, feed.located_by or feed.variable, feed.file_names, feed.endings)
    state = f"raw/{feed.table}/_folders.parquet"
    known = {row["folder"]: row for row in lake.read_rows(state)}
    units: dict[str, list[LogFile]] = {}
    for file in sorted(files, key=lambda one: one.key):
        units.setdefault(file.key if feed.grows else file.folder, []).append(file)
    in_lake = set(lake.files(f"raw/{feed.table}"))
    kept = {str(day) for day in days_without_calls(lake)}
    lost = {unit: gone for unit, row in known.items() if (gone := _lost(feed, row, in_lake, kept))}
    due = {
        unit: listing
        for unit, listing in sorted(units.items())
        if unit in lost
        or _is_new(feed, listing, known.get(unit))
        or (again and _falls_into(feed, unit, known.get(unit), *again))
    }
    if due:
        read = [file for listing in due.values() for file in listing]
        size, folders = sum(file.size for file in read), len({file.folder for file in read})
        say(f"{feed.table}: reading {len(read):,} files ({size / 1e6:,.1f} MB) of {folders:,} folders in {location}")
    known = {unit: row for unit, row in known.items() if unit in units or not (feed.grows or unit in lost)}
    for batch in _batches(due):
        broken = _load_batch(lake, feed, batch, known, in_lake, now, load, say)
        for unit, listing in batch.items():
            known[unit]["stamps"] = sorted(_stamp(feed, file) for file in listing if file.key not in broken)
        # Last, so that a load that is killed before this line reads the batch again.
        lake.write_rows(known.values(), FOLDERS_SCHEMA, state, order_by="folder")
        if len(due) > len(batch):
            say(f"{feed.table}: {load.files_read:,} files, {load.records:,} records")
    beyond_help = lost.keys() - units.keys()
    if beyond_help:
        lake.write_rows(known.values(), FOLDERS_SCHEMA, state, order_by="folder")
    bad_files = [(bad.key, None, None, bad.reason) for bad in unreadable]
    load.newly_quarantined += quarantine(lake, feed, "unreadable", bad_files)
    return sorted({path for unit in beyond_help for path in lost[unit]})


def _load_batch(
    lake, feed, batch: dict[str, list[LogFile]], known: dict[str, dict], in_lake: set[str], now, load: Load, say
) -> set[str]:
    """Replace everything the lake has of these folders or files; returns the keys that could not be read to their end.

    Afterwards `known` says of which days their records are, and `in_lake` which files the lake has.
    """
    files = [file for listing in batch.values() for file in listing]
    keys = [file.key for file in files]
    folders = {folder: lake_name(folder) for folder in {_folder(feed, key) for key in keys}}
    with lake.workspace() as scratch, lake.connect() as db:
        if is_remote(files[0].path) and not db.filesystem_is_registered("s3"):
            db.register_filesystem(filesystem(files[0].path))
        broken = {bad.key for bad in read_logs(db, feed, files, now, say)}
        load.records += db.execute("select count(*) from kept").fetchall()[0][0]
        load.skipped += int(db.execute("select coalesce(sum(records), 0) from skipped").fetchall()[0][0])
        days = _days(db, feed)
        for unit in batch.keys() & known.keys():
            days.setdefault(unit, set()).update(known[unit].get("days") or [])
        held = _held(feed, folders, days, in_lake)
        _keep_what_is_gone(lake, feed, db, held, [key for key in keys if key not in broken])
        written = _write_days(lake, feed, db, folders, held, scratch, load)
        in_lake -= set(held)
        in_lake |= written
        days = _days(db, feed)
        for unit in batch:
            folder_id = folders[_folder(feed, batch[unit][0].key)]
            known[unit] = {"folder": unit, "folder_id": folder_id, "days": sorted(days.get(unit, []))}
        refused: dict[str, list[tuple]] = {folder: [] for folder in folders}
        for row in db.execute("select _file, _line, record_id, reason from refused").fetchall():
            refused[_folder(feed, row[0])].append(row)
        for folder, rows in refused.items():
            name = f"from_{folders[folder]}"
            load.newly_quarantined += quarantine(lake, feed, name, rows, but_for=keys if feed.grows else None)
    load.folders_read += len({file.folder for file in files})
    load.files_read += len(files)
    load.bytes_read += sum(file.size for file in files)
    return broken


def _folder(feed: LogFeed, key: str) -> str:
    """The folder by whose name the lake keeps the records of a file; empty at the top."""
    return key.partition("/")[0] if feed.grows and "/" in key else "" if feed.grows else key.rpartition("/")[0]


def _days(db, feed: LogFeed) -> dict[str, set[str]]:
    """Folder, or file that grows -> the days of its records in `kept`."""
    unit = "_file" if feed.grows else FOLDER
    days = f"select {unit} as unit, list(distinct strftime({feed.recorded_at}, '%Y-%m-%d')) from kept group by unit"
    return {key: set(found) for key, found in db.execute(days).fetchall()}


def _lost(feed: LogFeed, row: dict, in_lake: set[str], kept: set[str]) -> list[str]:
    """The files that the lake should have of a folder, or of a file that grows, and has not."""
    days = set(row.get("days") or []) - kept
    paths = {f"raw/{feed.table}/day={day}/from_{row['folder_id']}.parquet" for day in days}
    return sorted(paths - in_lake)


def _held(feed: LogFeed, folders: dict[str, str], days: dict[str, set[str]], in_lake: set[str]) -> list[str]:
    """The files of the lake that what was read may change."""
    if not feed.grows:
        ends = tuple(f"/from_{folder_id}.parquet" for folder_id in folders.values())
        return sorted(path for path in in_lake if path.endswith(ends))
    touched = {(folders[_folder(feed, key)], day) for key, some in days.items() for day in some}
    return sorted(in_lake & {f"raw/{feed.table}/day={day}/from_{folder_id}.parquet" for folder_id, day in touched})


def _keep_what_is_gone(lake, feed, db, held: list[str], read: list[str]) -> None:
    """Keep records of the lake whose object is gone from its folder, or could not be read to its end this time."""
    if held:
        records = "read_parquet($held, union_by_name = true, hive_partitioning = false)"
        files = {"held": [lake.path(path) for path in held], "read": read}
        db.execute(f"delete from kept where _file not in $read and _file in (select _file from {records})", files)
        db.execute(
            f"""
            insert into kept by name
            select columns('^({"|".join(feed.schema)})$') from {records}
            where _file not in (select unnest($read::varchar[]) union all select _file from kept)""",
            files,
        )


def _write_days(lake, feed, db, folders: dict[str, str], held, scratch, load) -> set[str]:
    """Write what is kept to its days, and take away what is left of those files of the lake; returns what it wrote."""
    written = set()
    for local, folder_id, day in _files_of_days(feed, db, folders, scratch):
        target = f"raw/{feed.table}/day={day}/from_{folder_id}.parquet"
        if target in written:
            raise RuntimeError(f"DuckDB wrote more than one file for {target}")
        written.add(target)
        load.days_told.add(day)
        if lake.put(db, local, target):
            load.changed_days.append(day)
    for path in held:
        if path not in written:
            lake.remove(path)
            load.changed_days.append(day_of(path))
    load.changed_days = sorted(set(load.changed_days))
    return written


def _files_of_days(feed, db, folders: dict[str, str], scratch) -> Iterator[tuple[Path, str, date]]:
    """What is kept as (file, folder_id, day). The order of rows says nothing."""
    name = "regexp_extract(_file, '^([^/]*)/', 1)" if feed.grows else FOLDER
    columns, at = ", ".join(feed.schema), feed.recorded_at
    found = db.execute(f"select distinct {name}, {at}::date from kept order by all").fetchall()
    if len(found) > FEW_DAYS:  # one pass for all of them; sorted, so that each becomes one file
        db.execute("create or replace temp table folder_ids (folder varchar, folder_id varchar)")
        db.executemany("insert into folder_ids values (?, ?)", list(folders.items()))
        db.execute(f"""
            copy (
                select {columns}, {at}::date as day, folder_id from kept join folder_ids on folder = {name}
                order by folder_id, day
            ) to {quoted(scratch / "days")} (format parquet, compression zstd, partition_by (day, folder_id))""")
        for local in sorted(scratch.glob("days/*/*/*.parquet")):
            day, folder_id = (part.partition("=")[2] for part in local.parts[-3:-1])
            yield local, folder_id, date.fromisoformat(day)
        return
    for folder, day in found:  # a pass for each of them, by all cores; to sort a large day takes longer than all else
        local = scratch / "day.parquet"
        db.execute(
            f"""
            copy (select {columns} from kept where {at} >= $day and {at} < $day + 1 and {name} = $folder)
            to {quoted(local)} (format parquet, compression zstd)""",
            {"day": day, "folder": folder},
        )
        yield local, folders[folder], day


def _mark_days_without_records(lake: Lake, feed: LogFeed, load: Load, since: date) -> None:
    """A day looked at and found empty is an empty file; a day never looked at has none."""
    days = lake_days(lake, feed.table)
    first = min([*days, *load.changed_days, since])
    looked_at = {first + timedelta(days=offset) for offset in range((load.through_date - first).days + 1)}
    for day in sorted({*looked_at, *days}):
        marker = f"raw/{feed.table}/day={day}/{NO_RECORDS}"
        names = [entry.partition("|")[0].rpartition("/")[2] for entry in days.get(day, [])]
        if not names:
            lake.write_rows([], feed.schema, marker)
            load.changed_days = sorted({*load.changed_days, day})
        elif NO_RECORDS in names and len(names) > 1:
            lake.remove(marker)


def quarantine(lake: Lake, feed: Feed, name: str, rows: list[tuple], but_for: list[str] | None = None) -> int:
    """Replace what is in quarantine under one name, or of it what came from the files `but_for`; returns how many of
    its lines were not there before.
    """
    path = f"{QUARANTINE}/{feed.table}/{name}.parquet"
    schema = {"feed": "VARCHAR", **QUARANTINE_SCHEMA}
    named = [dict(zip(schema, (feed.table, *row), strict=True)) for row in rows]
    before = lake.read_rows(path)
    if but_for is not None:
        named += [row for row in before if row["_file"] not in but_for]
    if named:
        lake.write_rows(named, schema, path, order_by="_file, _line, reason")
    elif lake.fs.exists(lake.path(path)):
        lake.remove(path)
    return len({_place_of(row) for row in named} - {_place_of(row) for row in before})


def _place_of(row: dict[str, Any]) -> tuple:
    return row["_file"], row["_line"], row["reason"]


def say_quarantined(lake: Lake, feed: Feed, load: Load, say: Callable[[str], None]) -> None:
    """Note in a load how many lines of its feed are in quarantine, and say so."""
    load.quarantined = count_quarantine(lake, feed)
    if load.quarantined:
        new = f"{load.newly_quarantined:,} new"
        say(f"{feed.table}: {load.quarantined:,} lines in quarantine, {new}; see ops.quarantine")


def count_quarantine(lake: Lake, feed: Feed) -> int:
    """How many lines of a feed are in quarantine now."""
    files = [lake.path(path) for path in lake.files(f"{QUARANTINE}/{feed.table}")]
    if not files:
        return 0
    with lake.connect() as db:
        return db.execute("select count(*) from read_parquet(?)", [files]).fetchall()[0][0]


def _batches(folders: dict[str, list[LogFile]]) -> Iterator[dict[str, list[LogFile]]]:
    """Whole folders, together small enough for one pass."""
    batch: dict[str, list[LogFile]] = {}
    size = count = 0
    for folder, listing in folders.items():
        bytes_here = sum(file.size for file in listing)
        if batch and (size + bytes_here > BATCH_BYTES or count + len(listing) > BATCH_FILES):
            yield batch
            batch, size, count = {}, 0, 0
        batch[folder] = listing
        size, count = size + bytes_here, count + len(listing)
    if batch:
        yield batch


def _is_new(feed: LogFeed, listing: list[LogFile], known: dict | None) -> bool:
    return known is None or not {_stamp(feed, file) for file in listing} <= set(known["stamps"])


def _stamp(feed: LogFeed, file: LogFile) -> str:
    """Changes when the file does, or what is read of it."""
    return _digest(f"{file.stamp}|{list(feed.schema.items())}{feed.reading}")


def _falls_into(feed: LogFeed, folder: str, known: dict | None, first: date, last: date) -> bool:
    """Whether a folder or file may hold records of these UTC days: its local date is at most one day off."""
    if feed.grows and known and known.get("days"):
        return any(str(first) <= day <= str(last) for day in known["days"])
    dates = re.findall(r"\d{4}-\d{2}-\d{2}", folder)
    if not dates:
        return True
    return str(first - timedelta(days=1)) <= dates[-1] <= str(last + timedelta(days=1))


def lake_name(folder: str) -> str:
    """A short file name for a folder: readable, safe on every file system, without collisions."""
    readable = re.sub(r"[^A-Za-z0-9-]+", "-", folder).strip("-")[-60:]
    return f"{readable}-{_digest(folder)}" if readable else f"top-{_digest(folder)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
