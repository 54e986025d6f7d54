"""`paceline retain`: calls older than PACELINE_KEEP_MONTHS leave the lake, their daily rows stay. No total changes.

The rows are those of the last good build, written and read back before a call is removed. What can no longer be told of
such days: another time zone, another list price, a late call. Reports of providers, plans and decisions are kept whole.
"""

import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta

import duckdb

from pipelines.cluster_days import cluster_days, days_for_cluster, keep_for_good
from pipelines.dbt import good_build
from pipelines.kept import KEPT, USAGE, kept_days, kept_path
from pipelines.lake import Lake, quoted
from pipelines.loading import day_of, days_without_calls
from pipelines.raw import built_days, calls_by_day, days_to_build
from pipelines.settings import Settings

SUMS = "count(*), sum(requests), sum(total_tokens), sum(output_list_usd), sum(reported_usd)"


class CannotRetain(Exception):
    """Nothing was removed; the message says what has to be done first."""


@dataclass
class Removal:
    """What leaves the lake: days to keep daily rows of, and files of calls.

    `late_days` were kept before, and calls of them came into the lake since: they did not count, and go.
    """

    before: date
    days: list[date] = field(default_factory=list)
    late_days: list[date] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    size_bytes: int = 0

    def in_words(self, applied: bool) -> str:
        """What goes, or went."""
        words = (
            f"calls before {self.before}: {len(self.files):,} files ({self.size_bytes / 1e6:,.1f} MB) "
            f"{'are removed' if applied else 'would go'}; daily rows of {len(self.days)} more days "
            f"{'are' if applied else 'would be'} kept"
        )
        if self.late_days:
            words += f". Among the calls are those of {len(self.late_days)} days that came too late and never counted"
        return words


def first_day_of_calls(as_of: date, keep_months: int) -> date:
    """The first day of the oldest month whose calls are kept: so many whole months before the as-of month."""
    months = as_of.year * 12 + as_of.month - 1 - keep_months
    return date(months // 12, months % 12 + 1, 1)


def plan_removal(lake: Lake, as_of: date, keep_months: int) -> Removal:
    """What a removal would do now; changes nothing.

    Calls of the last day that is kept stay until a later removal: the day after may share a call with it at midnight.
    """
    removal = Removal(before=first_day_of_calls(as_of, keep_months))
    kept, last = kept_days(lake), removal.before - timedelta(days=1)
    gone = days_without_calls(lake)
    for day, stamps in sorted(calls_by_day(lake).items()):
        if day < removal.before and day not in kept:
            removal.days.append(day)
        if day < last:
            files = [stamp.split("|") for stamp in stamps]
            removal.files += [path for path, *_ in files]
            removal.size_bytes += sum(int(size) for _, size, *_ in files)
            # The day that was the last one of the removal before has its calls still, as have days that Spark built.
            removal.late_days += [day] * (day in gone and day != max(gone))
    return removal


def remove_calls(lake: Lake, settings: Settings, removal: Removal) -> None:
    """Keep the daily rows, then remove the calls. Killed in between, the next removal goes on. Raises CannotRetain."""
    waiting = sorted(day for day in days_for_cluster(lake, settings).fingerprints if day < removal.before)
    if waiting and cluster_days(lake):
        raise CannotRetain(
            f"{len(waiting)} days from {waiting[0]} on are not built on Spark from what the lake holds now. "
            "Run: paceline run"
        )
    if removal.days:
        _keep_built(lake, settings, removal.days)
    keep_for_good(lake, {day for path in removal.files if (day := day_of(path))})
    for path in removal.files:
        lake.remove(path)
    if settings.lake_copies.exists():
        shutil.rmtree(settings.lake_copies)  # the calls that are gone stand there, too


def _keep_built(lake: Lake, settings: Settings, days: list[date]) -> None:
    if not good_build(settings).exists() or not settings.build_file.exists():
        raise CannotRetain("the last build is not whole, so there are no rows to keep. Run: paceline run")
    with duckdb.connect(str(settings.build_file)) as db:
        behind = days_to_build(lake, settings, built_days(db)).fingerprints.keys() & set(days)
        if behind:
            raise CannotRetain(
                f"{len(behind)} days from {min(behind)} on are not built from what the lake holds now. "
                "Run: paceline run"
            )
        keep_rows(lake, db, days)


def keep_rows(lake: Lake, db: duckdb.DuckDBPyConnection, days: list[date]) -> None:
    """Put the daily rows of these days from a build into the lake. Raises CannotRetain when they are not the same."""
    for table in KEPT:  # usage is last, and says that a day is kept
        _keep_table(lake, db, table, days)


def _keep_table(lake: Lake, db: duckdb.DuckDBPyConnection, table: str, days: list[date]) -> None:
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in KEPT[table].items())
    relation = f"intermediate.int_{table}"
    known = f"select distinct utc_date from {relation} where list_contains($days, utc_date)"
    with_rows = sorted(day for (day,) in db.execute(known, {"days": days}).fetchall())
    with lake.workspace() as scratch, lake.connect() as lake_db:
        for day in with_rows:
            rows = f"select {columns} from {relation} where utc_date = date '{day}' order by all"
            db.execute(f"copy ({rows}) to {quoted(scratch / f'{day}.parquet')} (format parquet, compression zstd)")
        if table == USAGE and with_rows:
            _compare(db, days, f"{scratch}/*.parquet")
        for day in with_rows:
            lake.put(lake_db, scratch / f"{day}.parquet", kept_path(table, day))
        for day in sorted({*days} - {*with_rows}):
            # A day without calls is kept, too; a day that had such rows has none now.
            if table == USAGE or lake.fs.exists(lake.path(kept_path(table, day))):
                lake.write_rows([], KEPT[table], kept_path(table, day))


def _compare(db: duckdb.DuckDBPyConnection, days: list[date], files: str) -> None:
    built = f"select {SUMS} from intermediate.int_usage_daily where list_contains($days, utc_date)"
    was = db.execute(built, {"days": days}).fetchall()[0]
    kept = db.execute(f"select {SUMS} from read_parquet($files, hive_partitioning = false)", {"files": files})
    now = kept.fetchall()[0]
    if was != now:
        raise CannotRetain(
            f"the rows to keep ({now}) are not those that were built ({was}). No call was removed; a developer must "
            "look at pipelines/kept.py."
        )
