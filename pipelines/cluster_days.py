"""Which days of the lake a cluster built, from which inputs, and which it has to build (`pipelines/cluster.py`).

Kept days that are not among them have lost their calls on purpose (`paceline retain`): their rows are for good.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta

from pipelines.kept import KEPT, kept_days, kept_path
from pipelines.lake import Lake
from pipelines.loading import CLUSTER_DAYS, days_without_calls
from pipelines.raw import DaysToBuild, days_to_build, event_half_digest
from pipelines.settings import Settings

CLUSTER_DAYS_SCHEMA = {"utc_date": "DATE", "fingerprint": "VARCHAR"}


def cluster_days(lake: Lake) -> dict[date, str]:
    """UTC day -> fingerprint of the inputs a cluster built it from; empty while it is being built."""
    return {row["utc_date"]: row["fingerprint"] for row in lake.read_rows(CLUSTER_DAYS)}


def write_cluster_days(lake: Lake, days: Mapping[date, str]) -> None:
    """Add these days, or what they were built from."""
    _write(lake, cluster_days(lake) | dict(days))


def keep_for_good(lake: Lake, days: Collection[date]) -> None:
    """From here on no cluster builds these days again."""
    built = cluster_days(lake)
    if built.keys() & set(days):
        _write(lake, {day: fingerprint for day, fingerprint in built.items() if day not in days})


def _write(lake: Lake, now: Mapping[date, str]) -> None:
    rows = [{"utc_date": day, "fingerprint": fingerprint} for day, fingerprint in now.items()]
    lake.write_rows(rows, CLUSTER_DAYS_SCHEMA, CLUSTER_DAYS)


def leave_cluster(lake: Lake) -> int:
    """From here on no cluster builds any day: rows of days with calls go, for they are built from those again.

    Returns how many days. Killed in between, the next run goes on.
    """
    if not (known := cluster_days(lake)):
        return 0
    days = sorted(_made_from_calls(lake))
    for day in days:
        for path in (kept_path(table, day) for table in reversed(KEPT)):  # usage first: it says that a day is kept
            if lake.fs.exists(lake.path(path)):
                lake.remove(path)
    keep_for_good(lake, known)
    return len(days)


def _made_from_calls(lake: Lake) -> dict[date, str]:
    """Those of a cluster's days that may be built again, with their fingerprints; an empty one where the rows are gone.

    Not the one after a day whose calls were removed, if it is kept: it may share a call with that day.
    """
    gone, kept = days_without_calls(lake), kept_days(lake)
    return {
        day: fingerprint if day in kept else ""
        for day, fingerprint in cluster_days(lake).items()
        if not (day in kept and day - timedelta(days=1) in gone)
    }


def days_for_cluster(lake: Lake, settings: Settings, but_for: Collection[date] = ()) -> DaysToBuild:
    """The days whose calls, prices or rules are not those a cluster last built them from.

    Not those whose calls were removed, nor the one after them, nor any that needs calls of the days `but_for`.
    """
    built = _made_from_calls(lake)
    days = days_to_build(lake, settings, built, but_for, code=event_half_digest(), remade=built)
    to_build = {day: fingerprint for day, fingerprint in days.fingerprints.items() if day not in days.kept}
    return replace(days, fingerprints=to_build, kept=frozenset())
