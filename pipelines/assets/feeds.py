"""Feeds: what connectors bring into the lake, one asset per feed of every configured source, one partition per UTC day.

A new file in `connectors/` grows a new asset here. This file stays still.
https://docs.dagster.io/guides/build/partitions-and-backfills
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial

import dagster as dg

from connectors import discover
from connectors._contract import ApiFeed, CsvFeed, Feed, LogFeed, in_words, is_set
from connectors._errors import LATER
from pipelines.assets.groups import GROUP_OF, NOT_CONFIGURED
from pipelines.loading import Load, load_log_feed
from pipelines.loading_api import load_api_feed
from pipelines.loading_csv import load_csv_feed
from pipelines.loading_http import load_log_feed_over_http
from pipelines.resources import Deployment
from pipelines.run_context import RunContext
from pipelines.settings import Settings, utc_now

# A source that does not answer is asked again after these pauses, but not once it has taken so long: the run waits.
PAUSES_SECONDS = (10, 10)
PATIENCE_SECONDS = 60
LOGS_ARE_READ = (
    "A run brings every day up to date, whatever partition it is for, and reads only folders with something new. "
    "Materialize older partitions to read their folders again, changed or not."
)
REPORTS_ARE_ASKED = (
    "A run asks for the days that may still be restated and for what is missing, whatever partition it is for. A day "
    "that is restated gets a new version; earlier ones stay. Materialize older partitions to ask for them again."
)
FILES_ARE_READ = (
    "A run reads all files again when one is new or another, whatever partition it is for. A day that is told anew "
    "gets a new version; earlier ones stay. Materialize older partitions to read the files in any case."
)


def feed_assets(settings: Settings, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One asset per feed of every configured source."""
    titles = [(feed, source.title) for source in discover() for feed in source.configured_feeds(settings.environ)]
    feeds = [feed for feed, _ in titles]
    return [feed_asset(feed, title, partitions, feeds) for feed, title in titles]


def sources_not_configured(settings: Settings) -> list[dg.AssetSpec]:
    """The feeds that this deployment could have, each with what it needs; their models are there, and empty."""
    return [
        dg.AssetSpec(
            _key(feed),
            group_name=NOT_CONFIGURED,
            kinds={"parquet"},
            owners=["team:data"],
            tags={"source": feed.source},
            description=(
                f"{feed.description} From {source.title}.\n\nNot configured: needs {in_words(feed.needs)}. What "
                "each is and which rights are enough: .env.example."
            ),
        )
        for source in discover()
        for feed in source.feeds_in(settings.environ)
        if not is_set(feed.needs, settings.environ)
    ]


def feed_asset(feed: Feed, title: str, partitions: dg.PartitionsDefinition, feeds: list[Feed]) -> dg.AssetsDefinition:
    """The asset of one feed. It never raises for its source: the plan goes on, and the run ends red.

    The first step of a run begins to load all of `feeds` that the run is for, so that no source waits for a slow one.
    """
    key = _key(feed)

    how = LOGS_ARE_READ if isinstance(feed, LogFeed) else REPORTS_ARE_ASKED
    how = FILES_ARE_READ if isinstance(feed, CsvFeed) else how

    @dg.asset(
        key=key,
        deps=[_key(after)] if (after := _comes_after(feed)) else [],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=GROUP_OF["raw"],
        kinds={"parquet"},
        owners=["team:data"],
        tags={"source": feed.source},
        description=f"{feed.description} From {title}.\n\n{how}",
        check_specs=[
            dg.AssetCheckSpec(
                "loaded",
                asset=key,
                description="The source could be read. If not, the message says who must act; the plan goes on "
                "with older data, and the run ends red.",
            )
        ],
        metadata={"needs": in_words(feed.needs), "restated_days": feed.restated_days},
    )
    def load_days(context: dg.AssetExecutionContext, deployment: Deployment) -> Iterator[dg.MaterializeResult]:
        run = deployment.run
        again = run.again or _older_partitions(context, run.as_of)
        load = deployment.side_by_side(lambda: _loads(context, feeds, run, again))[feed.table].result()
        _report_other_days(context, load)
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": load.records,
                "files_read": load.files_read,
                "bytes_read": load.bytes_read,
                "requests_made": load.requests_made,
                "changed_days": len(load.changed_days),
                "quarantined": load.quarantined,
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="loaded",
                    passed=load.status != "failed",
                    description=load.error,
                    metadata={"quarantined": load.quarantined},
                )
            ],
        )

    return load_days


def _key(feed: Feed) -> dg.AssetKey:
    return dg.AssetKey(["raw", feed.table])


def _comes_after(feed: Feed) -> ApiFeed | None:
    return feed.fallback_for if isinstance(feed, ApiFeed) else None


def _loads(
    context: dg.AssetExecutionContext, feeds: list[Feed], run: RunContext, again: tuple[date, date] | None
) -> Mapping[str, tuple[Callable[[], Load], str | None]]:
    """Feed -> its load and the feed that it comes after, of what this run is for."""
    selected = context.job_def.asset_layer.executable_asset_keys
    mine = [feed for feed in feeds if _key(feed) in selected]
    mine.sort(key=lambda feed: _comes_after(feed) is not None)
    return {
        feed.table: (partial(_load_patiently, feed, run, again), after.table if (after := _comes_after(feed)) else None)
        for feed in mine
    }


def _load_patiently(feed: Feed, run: RunContext, again: tuple[date, date] | None) -> Load:
    """Load a feed, again after a pause where that helps, and say what went wrong. Other sources go on meanwhile."""
    began = time.monotonic()
    load = _load(feed, run, again)
    for number, pause in enumerate(PAUSES_SECONDS, start=2):
        if not load.retry_helps or time.monotonic() + pause - began >= PATIENCE_SECONDS:
            break
        said = (load.error or "").removesuffix(LATER).rstrip(". ")
        run.say(f"{feed.table}: {said}; asked again in {pause} s, {number} of {len(PAUSES_SECONDS) + 1}")
        time.sleep(pause)
        load = _load(feed, run, again)
    if load.error:
        run.say(f"{feed.table}: {load.error}")
    return load


def _load(feed: Feed, run: RunContext, again: tuple[date, date] | None) -> Load:
    environ = run.settings.environ
    common = {"run_id": run.run_id, "again": again, "say": run.say}
    if isinstance(feed, LogFeed):
        location = feed.location or environ.get(feed.variable)
        if not location:
            return load_log_feed_over_http(run.lake, feed, environ, run.as_of, utc_now, **common)
        return load_log_feed(run.lake, feed, location, run.as_of, utc_now, **common)
    if isinstance(feed, CsvFeed):
        return load_csv_feed(run.lake, feed, environ, run.as_of, utc_now, run.started_at, **common)
    return load_api_feed(run.lake, feed, environ, run.as_of, utc_now, run.started_at, **common)


def _older_partitions(context: dg.AssetExecutionContext, as_of: date) -> tuple[date, date] | None:
    """The days that somebody asked for by name: all but the newest partition alone."""
    days = context.partition_key_range
    first, last = date.fromisoformat(days.start), date.fromisoformat(days.end)
    return None if first == last and last >= as_of else (first, last)


def _report_other_days(context: dg.AssetExecutionContext, load: Load) -> None:
    """Show the other days that this load changed in the partition bar, without a step for each."""
    days = context.partition_key_range
    for day in load.changed_days:
        if not days.start <= str(day) <= days.end:
            context.instance.report_runless_asset_event(
                dg.AssetMaterialization(context.asset_key, partition=str(day), metadata={"loaded_by": load.run_id})
            )
