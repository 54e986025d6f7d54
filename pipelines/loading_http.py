"""Logs that come over HTTP: pulled day by day into a scratch folder, and read there like any log files."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from connectors._api import Client, read_records
from connectors._contract import ApiFeed, LogFeed
from pipelines.lake import Lake
from pipelines.loading import Load, days_without_calls, lake_days, last_through, load_folders, log_load
from pipelines.loading_api import days_to_ask

DAYS_AT_ONCE = 7


def load_log_feed_over_http(
    lake: Lake,
    feed: LogFeed,
    environ: Mapping[str, str],
    through: date,
    now: Callable[[], datetime],
    run_id: str = "",
    again: tuple[date, date] | None = None,
    say: Callable[[str], None] = print,
) -> Load:
    """Bring a log feed up to date through a day from its API: the restated days, what is missing, the days `again`.

    A source that cannot be read gives a failed Load, not an exception; the days before the failure are kept.
    """
    load = Load(feed.table, run_id, now(), through)
    held = {*lake_days(lake, feed.table), *days_without_calls(lake)}
    asked_through = last_through(lake, feed.table) if held else None
    report = _report_of(feed)
    days = sorted(days_to_ask(report, held, through, again, asked_through))
    with log_load(lake, feed, load, now, say, since=min(days)):
        client = Client(report.api, environ)
        for some in (days[n : n + DAYS_AT_ONCE] for n in range(0, len(days), DAYS_AT_ONCE)):
            say(f"{feed.table}: asking for {len(some)} days from {some[0]}")
            try:
                _load_days(lake, feed, client, some, now(), load)
            finally:
                load.requests_made = client.requests_made
    return load


def _report_of(feed: LogFeed) -> ApiFeed:
    """The API that has a log feed's records. Raises TypeError where it comes from files only."""
    if feed.over_http is None:
        raise TypeError(f"{feed.table} comes from files only")
    return feed.over_http


def _load_days(lake: Lake, feed: LogFeed, client: Client, days: list[date], now: datetime, load: Load) -> None:
    report = _report_of(feed)
    with lake.workspace() as scratch:
        for day in days:
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            # One folder per day, as its name says in the lake and in the quarantine.
            folder = scratch / report.name / str(day)
            folder.mkdir(parents=True)
            with (folder / "rows.jsonl").open("w") as out:
                for row in read_records(client, report, start, start + timedelta(days=1)):
                    out.write(json.dumps(feed.from_http(row) if feed.from_http else row, default=str) + "\n")
        load_folders(lake, feed, str(scratch), now, None, load, say=lambda text: None)
