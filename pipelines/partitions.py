"""The days that feeds are partitioned by: UTC days, from the first one that is known to the last one that is over."""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.settings import FIRST_LOAD_DAYS, Settings


def daily(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition per UTC day. Where as-of is fixed (examples, replays), it is the last one."""
    first = settings.as_of - timedelta(days=FIRST_LOAD_DAYS)
    raw = Path(settings.lake, "raw")
    if "://" not in settings.lake and raw.is_dir():
        names = (name for feed in raw.iterdir() if feed.is_dir() for name in os.listdir(feed))
        days = [found[1] for name in names if (found := re.fullmatch(r"day=(\d{4}-\d{2}-\d{2})", name))]
        first = min([str(first), *days])
    fixed = settings.as_of_given is not None or settings.uses_examples
    # East of Greenwich the company's day is over before the UTC day of the same date; as-of may be today.
    now = datetime.now(ZoneInfo(settings.timezone))
    is_ahead = (now.utcoffset() or timedelta(0)) > timedelta(0) or settings.as_of >= now.date()
    return dg.DailyPartitionsDefinition(
        start_date=str(first),
        end_date=str(settings.as_of + timedelta(days=1)) if fixed else None,
        end_offset=1 if is_ahead else 0,
    )
