"""From a provider's reports to their days in the lake: one file per day and version, for reports are restated.

`raw/<source>__<feed>/day=YYYY-MM-DD/known_<time>.parquet`. A version is written when a day's rows differ from those of
its last one, and never changed: what was believed on the 5th is the last version known by then.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from connectors._api import Answer, Client, NotOffered, read_days, read_list
from connectors._contract import ApiFeed, Report
from connectors._errors import SourceError
from pipelines.lake import Lake
from pipelines.loading import Load, lake_days, last_through, record_load
from pipelines.settings import FIRST_LOAD_DAYS


def load_api_feed(
    lake: Lake,
    feed: ApiFeed,
    environ: Mapping[str, str],
    through: date,
    now: Callable[[], datetime],
    known_at: datetime,
    run_id: str = "",
    again: tuple[date, date] | None = None,
    say: Callable[[str], None] = print,
) -> Load:
    """Bring a report up to date through a day: its restated days, what is missing, and the days `again`.

    A source that cannot be read gives a failed Load, not an exception, and leaves the lake as it was. A report that
    this organisation does not have is no failure where another feed stands in for it.
    """
    load = Load(feed.table, run_id, now(), through)
    try:
        answer = _pull(lake, feed, environ, through, now().date(), again, say)
        load.requests_made, load.watermark_at = answer.requests_made, answer.watermark
        for day, rows in sorted(answer.days.items()):
            load.records += len(rows)
            load.days_told.add(day)
            if write_version(lake, feed, day, rows, known_at):
                load.changed_days.append(day)
    except NotOffered as error:
        load.status, load.error = "not_offered" if feed.may_be_missing else "failed", str(error)
    except SourceError as error:
        load.failed(error)
    load.finished_at = now()
    record_load(lake, load)
    return load


def _pull(lake: Lake, feed: ApiFeed, environ, through: date, today: date, again, say) -> Answer:
    client = Client(feed.api, environ)
    if not feed.window:
        return read_list(client, feed, through)
    held = set(lake_days(lake, feed.table))
    days = days_to_ask(feed, held, through, again, last_through(lake, feed.table) if held else None)
    if feed.asked_by.kept_days:
        days = {day for day in days if (today - day).days <= feed.asked_by.kept_days}
    if feed.fallback_for:
        days -= set(lake_days(lake, feed.fallback_for.table))
    if len(days) > feed.restated_days + 1:
        say(f"{feed.table}: asking for {len(days)} days from {min(days)}")
    return read_days(client, feed, days)


def days_to_ask(
    feed: ApiFeed,
    held: set[date],
    through: date,
    again: tuple[date, date] | None = None,
    asked_through: date | None = None,
) -> set[date]:
    """The days of a report to ask for now; none that it cannot know.

    Days that could still be restated when it was last asked, through `asked_through`, are asked again, however long
    ago that was.
    """
    oldest = max(feed.asked_by.oldest, through - timedelta(days=feed.asked_by.oldest_days))
    first = min([through - timedelta(days=FIRST_LOAD_DAYS - 1), *held, *(again or ())])
    first = max(oldest, first)
    wanted = {first + timedelta(days=n) for n in range((through - first).days + 1)}
    restated_from = min(through, asked_through or through) - timedelta(days=feed.restated_days - 1)
    return {
        day
        for day in wanted
        if day not in held or day >= restated_from or (again is not None and again[0] <= day <= again[1])
    }


def write_version(lake: Lake, feed: Report, day: date, rows: list[dict], known_at: datetime) -> bool:
    """Keep what the source says now of a day, when that is news."""
    folder = f"raw/{feed.table}/day={day}"
    last = max(lake.files(folder), default=None)
    stamp = known_at.astimezone(UTC)
    if last:  # a clock that was put back must not make an older version the last one
        stamp = max(stamp, version_of(last)[1].replace(tzinfo=UTC) + timedelta(seconds=1))
    return lake.write_rows(
        [row | {"known_at": f"{stamp:%Y-%m-%d %H:%M:%S}"} for row in rows],
        feed.schema,
        f"{folder}/known_{stamp:%Y%m%dT%H%M%S}Z.parquet",
        unlike=last,
    )


def version_of(path: str) -> tuple[date, datetime]:
    """(day, known at) of a version's file."""
    [(day, known)] = re.findall(r"/day=([\d-]{10})/known_(\d{8}T\d{6})Z\.parquet$", path)
    return date.fromisoformat(day), datetime.strptime(known, "%Y%m%dT%H%M%S")
