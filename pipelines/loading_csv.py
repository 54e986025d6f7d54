"""Reports in files: read again whole when a file is new or another, each day a new version where it differs."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime

from connectors._contract import CsvFeed
from connectors._csv import read_csv_files
from connectors._errors import SourceError
from connectors._files import CSV_ENDINGS, list_files
from pipelines.lake import Lake
from pipelines.loading import Load, quarantine, record_load, say_quarantined
from pipelines.loading_api import write_version

SEEN_SCHEMA = {"stamp": "VARCHAR"}


def load_csv_feed(
    lake: Lake,
    feed: CsvFeed,
    environ: Mapping[str, str],
    through: date,
    now: Callable[[], datetime],
    known_at: datetime,
    run_id: str = "",
    again: tuple[date, date] | None = None,
    say: Callable[[str], None] = print,
) -> Load:
    """Bring a report up to what its files say. A file that vanishes takes nothing away.

    A folder that cannot be read gives a failed Load, not an exception, and leaves the lake as it was.
    """
    load = Load(feed.table, run_id, now(), through)
    try:
        listed, unreadable = list_files(environ[feed.variable], feed.variable, endings=CSV_ENDINGS)
        files = [file for file in listed if re.search(feed.files, file.key.rpartition("/")[2])]
        seen = f"raw/paceline__files/{feed.table}.parquet"
        stamps = sorted(f"{file.stamp}|{feed}" for file in files)
        if again or stamps != sorted(row["stamp"] for row in lake.read_rows(seen)):
            told = read_csv_files(feed, files)
            load.files_read, load.bytes_read = len(files), sum(file.size for file in files)
            for day, rows in sorted(told.days.items()):
                load.records += len(rows)
                load.days_told.add(day)
                if write_version(lake, feed, day, rows, known_at):
                    load.changed_days.append(day)
            refused = [(key, line, None, reason) for key, line, reason in told.refused]
            load.newly_quarantined += quarantine(lake, feed, "lines", refused)
            # Last, so that a load that is killed before this line reads them again.
            lake.write_rows([{"stamp": stamp} for stamp in stamps], SEEN_SCHEMA, seen)
        bad_files = [(bad.key, None, None, bad.reason) for bad in unreadable]
        load.newly_quarantined += quarantine(lake, feed, "unreadable", bad_files)
    except SourceError as error:
        load.failed(error)
    say_quarantined(lake, feed, load, say)
    load.finished_at = now()
    record_load(lake, load)
    return load
