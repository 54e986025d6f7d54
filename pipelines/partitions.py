"""The days that feeds are partitioned by: UTC days, from the first one that is known to the last one that is over."""

import os
import re
from datetime import timedelta
from pathlib import Path

import dagster as dg

from pipelines.settings import Settings

FIRST_LOAD_DAYS = 90


def daily(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition per UTC day. Where as-of is fixed (examples, replays), it is the last one."""
    first = settings.as_of - timedelta(days=FIRST_LOAD_DAYS)
    raw = Path(settings.lake, "raw")
    if "://" not in settings.lake and raw.is_dir():
        names = (name for feed in raw.iterdir() if feed.is_dir() for name in os.listdir(feed))
        days = [found[1] for name in names if (found := re.fullmatch(r"day=(\d{4}-\d{2}-\d{2})", name))]
        first = min([str(first), *days])
    fixed = settings.as_of_given is not None or settings.uses_examples
    return dg.DailyPartitionsDefinition(
        start_date=str(first),
        end_date=str(settings.as_of + timedelta(days=1)) if fixed else None,
    )
