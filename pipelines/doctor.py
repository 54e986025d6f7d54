"""`paceline doctor`: looks at a deployment and says what to do. Changes nothing, posts nothing, prints no secret.

Each check gives findings: ok, warn (it works, and should not stay so) or fail (it does not work, or soon will not).
"""

import importlib.metadata
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import alerts
from connectors import discover
from connectors._api import Client, NotOffered, read_days, read_list
from connectors._contract import ApiFeed, CsvFeed, Feed, LogFeed
from connectors._errors import SourceError
from connectors._files import CSV_ENDINGS, LOG_ENDINGS, is_remote, list_files
from pipelines.lake import Lake
from pipelines.loading import LOADS, count_records, days_without_calls
from pipelines.run_context import is_writing, lake_of, left_by
from pipelines.settings import ROOT, Settings, utc_now
from pipelines.versions import LAKE_VERSION, lake_version

# What a key of the right kind begins with, and which kind that is.
KINDS_OF_KEYS = {
    "ANTHROPIC_ADMIN_KEY": ("sk-ant-", "an Admin key (sk-ant-admin01-...): Settings, Admin keys"),
    "OPENAI_ADMIN_KEY": ("sk-admin-", "an Admin key (sk-admin-...): Settings, Admin keys"),
    "OPENROUTER_MANAGEMENT_KEY": ("sk-or-", "a management key: Settings, Management keys"),
    "LITELLM_MASTER_KEY": ("sk-", "the proxy's master key, or the key of an admin"),
    "SLACK_BOT_TOKEN": ("xoxb-", "the bot token (xoxb-...): api.slack.com/apps, OAuth & Permissions"),
    "SLACK_APP_TOKEN": ("xapp-", "an app-level token (xapp-...): api.slack.com/apps, Basic Information"),
}
WRONG_KINDS = {"ANTHROPIC_ADMIN_KEY": "sk-ant-api", "OPENAI_ADMIN_KEY": "sk-proj-"}
PINNED = ("dagster", "dagster-dbt", "dagster-webserver", "dbt-core", "dbt-duckdb", "duckdb", "genai-prices")
SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS|LEDGER_URL|DAGSTER_URL)$")
LEAST_FREE_BYTES = 1024**3
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 30, 300
DAEMON_LATE_SECONDS = 300
SHOWN = 3


class Finding(NamedTuple):
    """One line: what was looked at, ok, warn or fail, and in words why and who does what."""

    what: str
    state: str
    words: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding. A check that breaks is a finding, too."""
    for check in CHECKS:
        try:
            for finding in check(settings):
                yield finding._replace(words=without_secrets(finding.words, os.environ))
        except Exception as error:  # whatever it is, the other checks go on
            words = f"could not be checked: {type(error).__name__}: {error}"
            yield Finding(check.__name__.lstrip("_"), "fail", without_secrets(words, os.environ))


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """The text with *** for the value of every variable that may hold a secret."""
    for name, value in environ.items():
        if SECRET_NAMES.search(name) and len(value) > 5:
            text = text.replace(value, "***")
    return " ".join(text.split())


# ---- what comes in ----


def _sources(settings: Settings) -> Iterator[Finding]:
    if settings.uses_examples:
        yield Finding("sources", "warn", "none is configured, the example company is shown. See .env.example")
        return
    asked = set()
    for source in discover():
        for feed in source.configured_feeds(settings.environ):
            if refusal := getattr(feed, "refusal", None):
                yield Finding(f"source {feed.table}", "fail", refusal)
                continue
            place = _place(feed, settings.environ)
            if place in asked:
                continue  # one request per API, one listing per folder
            asked.add(place)
            try:
                yield Finding(f"source {feed.table}", "ok", _look(feed, settings))
            except NotOffered as error:
                yield Finding(f"source {feed.table}", "warn", str(error))
            except SourceError as error:
                yield Finding(f"source {feed.table}", "fail", str(error))


def _place(feed: Feed, environ: Mapping[str, str]) -> str:
    if isinstance(feed, ApiFeed):
        return feed.api.base_url_variable
    if isinstance(feed, LogFeed) and feed.over_http and not (feed.location or environ.get(feed.variable)):
        return feed.over_http.api.base_url_variable
    return f"{feed.variable} {getattr(feed, 'location', '')}"


def _look(feed: Feed, settings: Settings) -> str:
    environ = settings.environ
    if isinstance(feed, CsvFeed):
        files, _ = list_files(environ[feed.variable], feed.variable, endings=CSV_ENDINGS)
        return f"{len(files):,} files in {environ[feed.variable]}"
    if isinstance(feed, LogFeed) and (location := feed.location or environ.get(feed.variable)):
        files, _ = list_files(location, feed.located_by or feed.variable, feed.file_names, LOG_ENDINGS)
        return f"{len(files):,} files in {location}"
    report = feed.over_http if isinstance(feed, LogFeed) else feed
    if report is None:
        return f"{feed.table} has nowhere to be read from"
    client = Client(report.api, environ)
    answer = read_days(client, report, [settings.as_of]) if report.window else read_list(client, report, settings.as_of)
    return f"{client.base_url} answers, {sum(map(len, answer.days.values())):,} rows of {settings.as_of}"


def _keys(settings: Settings) -> Iterator[Finding]:
    for name, (start, kind) in KINDS_OF_KEYS.items():
        key = os.environ.get(name, "").strip()
        if not key:
            continue
        right = key.startswith(start) and not key.startswith(WRONG_KINDS.get(name, "\0"))
        yield Finding(name, "ok", "of the right kind") if right else Finding(name, "fail", f"has to be {kind}")


def _org(settings: Settings) -> Iterator[Finding]:
    from connectors.org import read_org

    if not settings.org_dir.is_dir():
        yield Finding("org CSVs", "warn", f"{settings.org_dir} is not there: people are derived. paceline init")
        return
    try:
        tables = read_org(settings.org_dir)
    except SourceError as error:
        yield Finding("org CSVs", "fail", str(error))
        return
    counts = {table: len(frame) for table, frame in tables.items() if len(frame)}
    if "developers" in counts:  # one has several rows over time
        counts["developers"] = tables["developers"]["developer_id"].nunique()
    rows = ", ".join(f"{count} {table}" for table, count in counts.items())
    yield Finding("org CSVs", "ok" if rows else "warn", rows or f"no rows in {settings.org_dir}. paceline init")


def _remarks(settings: Settings) -> Iterator[Finding]:
    from pipelines.remarks import remarks

    for remark in remarks(settings):
        yield Finding("last run", "warn", remark)


# ---- where it goes ----


def _folders(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        yield Finding("data folder", "warn", f"{folder} is not there yet. Make it: paceline run")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("data folder", "fail", f"this user cannot write {folder}. Its owner: chown or chmod it")
    elif stat.S_IMODE(folder.stat().st_mode) & 0o007:
        yield Finding("data folder", "warn", f"everybody here may read {folder}. Its owner: chmod o= {folder}")
    else:
        yield Finding("data folder", "ok", f"{folder}, writable, closed to others")
    env_file = ROOT / ".env"
    # Root's file, which the service's group may read, is as it should be (docs/deploying.md).
    mode = 0o640 if env_file.exists() and env_file.stat().st_uid == 0 else 0o600
    if env_file.exists() and stat.S_IMODE(env_file.stat().st_mode) & ~mode & 0o077:
        yield Finding(
            ".env", "fail", f"others may use {env_file}, which holds keys. Its owner: chmod {mode:o} {env_file}"
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir if settings.data_dir.exists() else settings.data_dir.parent
    if not folder.exists():
        return
    free = shutil.disk_usage(folder).free
    build = settings.build_file.stat().st_size if settings.build_file.exists() else 0
    lake = sum(int(stamp.split("|")[0]) for stamp in lake_of(settings).files("raw").values())
    words = f"{free / 1e9:,.1f} GB free, the lake has {lake / 1e9:,.1f} GB, the build {build / 1e9:,.1f} GB"
    if free < max(LEAST_FREE_BYTES, 3 * build):  # the published copy is made beside the old one
        yield Finding("disk", "fail", f"{words}. Make room, or remove old calls: paceline retain")
    elif not is_remote(settings.lake) and free < lake / 4:
        yield Finding("disk", "warn", f"{words}. Plan for more, or remove old calls: paceline retain")
    else:
        yield Finding("disk", "ok", words)


def _lake(settings: Settings) -> Iterator[Finding]:
    lake = lake_of(settings)
    found = lake_version(lake)
    if found is None:
        yield Finding("lake", "warn", f"{lake.root} is empty. Fill it: paceline run")
    elif found > LAKE_VERSION:
        yield Finding("lake", "fail", f"has version {found}, this Paceline knows {LAKE_VERSION}. Install a later one")
    else:
        words = f"version {found}" + ("" if found == LAKE_VERSION else f"; the next run brings it to {LAKE_VERSION}")
        yield Finding("lake", "ok", words)
        yield from _integrity(lake)


def _integrity(lake: Lake) -> Iterator[Finding]:
    """Rows of each feed and day, as the last load of it recorded them and as they are."""
    recorded: dict[str, dict[date, int]] = {}
    for path in lake.files(LOADS):
        for row in lake.read_rows(path):  # in the order of their days and starts
            days = zip(row.get("days_told") or [], row.get("day_records") or [], strict=True)
            recorded.setdefault(row["feed"], {}).update(days)
    gone, checked, wrong = days_without_calls(lake), 0, []
    for feed, days in sorted(recorded.items()):
        days = {day: rows for day, rows in days.items() if day not in gone}
        try:
            held = count_records(lake, feed, days)
        except Exception:  # whatever is wrong with its files: each is tried by itself, and named
            wrong += list(_unreadable(lake, feed))
            continue
        checked += len(days)
        wrong += [
            f"{feed} {day}: {held.get(day, 0):,} rows instead of {rows:,}"
            for day, rows in sorted(days.items())
            if held.get(day, 0) != rows
        ]
    if not wrong:
        yield Finding("lake's content", "ok", f"{checked:,} days of feeds have the rows that their loads recorded")
        return
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    yield Finding(
        "lake's content",
        "fail",
        f"{'; '.join(wrong[:SHOWN])}{more}. Read those days again (paceline run --from D --to D), or restore a backup",
    )


def _unreadable(lake: Lake, feed: str) -> Iterator[str]:
    for path in lake.files(f"raw/{feed}"):
        try:
            lake.read_rows(path)
        except Exception as error:
            yield f"{path} cannot be read ({type(error).__name__})"


def _ledger(settings: Settings) -> Iterator[Finding]:
    file = settings.data_dir / "ledger.sqlite"
    if not settings.ledger_url_given and not file.exists():
        yield Finding("ledger", "ok", "none yet; the first delivery makes it")
        return
    try:
        alerts.open_ledger(settings.ledger_url).incidents()
    except Exception as error:
        yield Finding("ledger", "fail", f"cannot be opened: {error}. Check PACELINE_LEDGER_URL, or restore a backup")
    else:
        yield Finding("ledger", "ok", "opens")


def _lock(settings: Settings) -> Iterator[Finding]:
    if not settings.data_dir.exists():
        return
    holder = left_by(settings)
    if is_writing(settings):
        yield Finding("runs", "ok", f"{holder or 'one'} is writing now")
    elif holder:
        yield Finding("runs", "warn", f"{holder} was killed while it wrote. The next run mends it: paceline run")
    else:
        yield Finding("runs", "ok", "nobody is writing, none was killed")


# ---- what it runs on ----


def _versions(settings: Settings) -> Iterator[Finding]:
    # The lock that the image holds, too.
    lock = dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", (ROOT / "requirements-image.lock").read_text(), re.MULTILINE))
    other = [
        f"{name} {found} instead of {lock[name]}"
        for name in PINNED
        if name in lock and (found := importlib.metadata.version(name)) != lock[name]
    ]
    python = ".".join(map(str, sys.version_info[:3]))
    if other:
        yield Finding("versions", "warn", f"{', '.join(other)}. Install what is tested: requirements.lock")
    else:
        yield Finding("versions", "ok", f"Python {python}, packages as locked")


def _clock(settings: Settings) -> Iterator[Finding]:
    addresses = [
        settings.environ.get(feed.api.base_url_variable) or feed.api.base_url
        for source in discover()
        for feed in source.configured_feeds(settings.environ)
        if isinstance(feed, ApiFeed)
    ]
    if settings.slack_token:
        addresses.insert(0, settings.slack_api_url or "https://slack.com/api/")
    for address in dict.fromkeys(addresses):
        if (theirs := _date_of(address)) is not None:
            apart = abs((utc_now() - theirs).total_seconds())
            state = "fail" if apart > CLOCK_FAIL_SECONDS else "warn" if apart > CLOCK_WARN_SECONDS else "ok"
            act = "" if state == "ok" else ". Set this machine's clock (NTP): days and alerts go by it"
            yield Finding("clock", state, f"{apart:.0f} s from what {address} says{act}")
            return


def _date_of(address: str) -> datetime | None:
    import requests

    try:
        answer = requests.head(address, timeout=10, allow_redirects=False)
        return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (requests.RequestException, KeyError, ValueError):
        return None  # that it does not answer, its own check says


def _daemon(settings: Settings) -> Iterator[Finding]:
    home = settings.data_dir / "dagster"
    if not (home / "created").exists():
        yield Finding("schedules", "warn", "no Dagster home yet; nothing runs by itself. make ui, or deploy/")
        return
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home)) as instance:
        beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    if not beats:
        yield Finding("schedules", "warn", "no daemon ever ran here; nothing runs by itself. make ui, or deploy/")
    elif (late := time.time() - max(beats)) > DAEMON_LATE_SECONDS:
        yield Finding("schedules", "fail", f"the daemon was last alive {late / 3600:,.1f} hours ago. Start it again")
    else:
        yield Finding("schedules", "ok", "the daemon is alive")


# ---- who is told ----


def _slack(settings: Settings) -> Iterator[Finding]:
    if not settings.slack_token:
        yield Finding("Slack", "warn", "SLACK_BOT_TOKEN is not set: messages go to the outbox only")
        return
    from pipelines.telling import slack_settings

    for finding in alerts.check_slack(slack_settings(settings), _channels(settings)):
        yield Finding(*finding)


def _channels(settings: Settings) -> list[str]:
    channels = [settings.slack_org_channel, settings.slack_ops_channel]
    teams = lake_of(settings).read_rows("raw/org__teams/current.parquet")
    return [one for one in [*channels, *(row["slack_channel"] for row in teams)] if one]


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _versions, _folders, _disk, _lock, _lake, _ledger, _org, _remarks, _keys, _sources, _slack, _clock, _daemon,
)  # fmt: skip
