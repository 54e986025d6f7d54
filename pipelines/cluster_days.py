"""Which days of the lake a cluster built, from which inputs, and which it has to build (`pipelines/cluster.py`).

Kept days that are not among them have lost their calls on purpose (`paceline retain`): their rows are for good.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta

from pipelines.kept import kept_days
from pipelines.lake import Lake
from pipelines.loading import CLUSTER_DAYS
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


def days_for_cluster(lake: Lake, settings: Settings) -> DaysToBuild:
    """The days whose calls, prices or rules are not those a cluster last built them from.

    Not those whose calls were removed, nor the one after them, which may share a call with them.
    """
    known, kept = cluster_days(lake), kept_days(lake)
    for_good = kept.keys() - known.keys()
    for_good |= {day for day in kept if day - timedelta(days=1) in for_good}
    built = {day: fingerprint for day, fingerprint in known.items() if day not in for_good}
    days = days_to_build(lake, settings, built, code=event_half_digest(), remade=built)
    to_build = {day: fingerprint for day, fingerprint in days.fingerprints.items() if day not in days.kept}
    return replace(days, fingerprints=to_build, kept=frozenset())
