"""Which days of the lake a cluster built, from which inputs, and which it has to build (`pipelines/cluster.py`)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from pipelines.kept import kept_days
from pipelines.lake import Lake
from pipelines.raw import DaysToBuild, calls_by_day, days_to_build, event_half_digest
from pipelines.settings import Settings

CLUSTER_DAYS = "raw/paceline__cluster_days/current.parquet"
CLUSTER_DAYS_SCHEMA = {"utc_date": "DATE", "fingerprint": "VARCHAR"}


def cluster_days(lake: Lake) -> dict[date, str]:
    """UTC day -> fingerprint of the inputs a cluster built it from; empty while it is being built."""
    return {row["utc_date"]: row["fingerprint"] for row in lake.read_rows(CLUSTER_DAYS)}


def write_cluster_days(lake: Lake, days: Mapping[date, str]) -> None:
    """Add these days, or what they were built from."""
    now = cluster_days(lake) | dict(days)
    rows = [{"utc_date": day, "fingerprint": fingerprint} for day, fingerprint in now.items()]
    lake.write_rows(rows, CLUSTER_DAYS_SCHEMA, CLUSTER_DAYS)


def days_for_cluster(lake: Lake, settings: Settings) -> DaysToBuild:
    """The days whose calls, prices or rules are not those a cluster last built them from.

    Not those whose calls were removed (`paceline retain`), nor the one after them, which may share a call with them:
    their rows are for good.
    """
    with_calls, kept = calls_by_day(lake), kept_days(lake)
    for_good = {day for day in kept if day not in with_calls}
    for_good |= {day for day in kept if day - timedelta(days=1) in for_good}
    built = {day: fingerprint for day, fingerprint in cluster_days(lake).items() if day not in for_good}
    days = days_to_build(lake, settings, built, code=event_half_digest(), remade=built)
    to_build = {day: fingerprint for day, fingerprint in days.fingerprints.items() if day not in days.kept}
    return replace(days, fingerprints=to_build, kept=frozenset())
