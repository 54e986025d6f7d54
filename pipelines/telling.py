"""From due alerts to told people: what the published warehouse says is due, handed to `alerts/`, and what came of it
put back into the lake."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import alerts
from pipelines.lake import Lake
from pipelines.ledger_feeds import PUBLISHED, export_ledger, path_of, restore_ledger
from pipelines.publish import publish_news, read_warehouse, rows_of
from pipelines.settings import Settings, utc_now

DUE = ("alerts_due", "plans_due")
STALE_LIMIT_DAYS = 1
CLOCK = """
    select
        (select max(as_of_date) from plan.cap_utilization) as as_of_date,
        (select value from intermediate.int_assumptions where name = 'digest_from_hour') as digest_from_hour"""


def slack_settings(settings: Settings) -> alerts.SlackSettings:
    """How to reach Slack; without a token, messages go to the outbox."""
    token = settings.slack_token
    return alerts.SlackSettings(
        token=token.get_secret_value() if token else None,
        api_url=settings.slack_api_url,
        org_channel=settings.slack_org_channel,
        ops_channel=settings.slack_ops_channel,
        interactive=settings.slack_app_token is not None,
    )


def due_alerts(settings: Settings) -> list[dict]:
    """What is due in the published warehouse, and that it is out of date where it is."""
    with read_warehouse(settings.warehouse_file) as db:
        rows = [row for relation in DUE for row in rows_of(db, f"select * from alerts.{relation} order by alert_key")]
        (published,) = rows_of(db, "select max(as_of_date) as as_of_date from plan.cap_utilization")
    return rows + stale(published["as_of_date"], settings)


def stale(published: date | None, settings: Settings) -> list[dict]:
    """The alert that the warehouse itself is old, for then no model can say so. One day behind is the night's run."""
    if published is None or is_replay(settings):
        return []
    behind = (settings.as_of - published).days
    if behind <= STALE_LIMIT_DAYS:
        return []
    key = f"pipeline_stale/pipeline/warehouse/{published}"
    return [
        {
            "alert_key": key, "incident_key": key, "kind": "pipeline_stale", "level": 0, "urgency": "immediate",
            "is_firing": True, "scope": "pipeline", "scope_id": "warehouse", "month": published.replace(day=1),
            "as_of_date": published, "age_days": behind, "limit_days": STALE_LIMIT_DAYS, "last_error": None,
            "published_at": datetime.fromtimestamp(settings.warehouse_file.stat().st_mtime, UTC),
            "query": "select * from ops.loads order by started_at desc limit 20",
        }
    ]  # fmt: skip


def is_replay(settings: Settings) -> bool:
    """Whether the warehouse is of a day that somebody asked for, rather than of the last one."""
    return settings.as_of_given is not None or settings.uses_examples


def alert_clock(settings: Settings, now: datetime | None = None) -> alerts.Clock:
    """When it is for alerts: digests go out from `digest_from_hour` on, on working days of the company's zone.

    A replayed day is told as if it had just ended: at the hour of the digest of the day after it.
    """
    now = now or utc_now()
    local = now.astimezone(ZoneInfo(settings.timezone))
    today, in_hours = local.date(), True
    with read_warehouse(settings.warehouse_file) as db:
        (known,) = rows_of(db, CLOCK)
        hour = float(known["digest_from_hour"] or 9)  # not known to a warehouse of an earlier version
        if known["as_of_date"] and is_replay(settings):
            today = known["as_of_date"] + timedelta(days=1)
        else:
            in_hours = local.hour >= hour
        rows = rows_of(db, f"select * from core.dim_calendar where calendar_date >= date '{today}'")
    calendar = {row["calendar_date"]: row["is_working_day"] for row in rows}
    following = today + timedelta(days=1 if in_hours else 0)
    while not _works(following, calendar):
        following += timedelta(days=1)
    digest_date = today if in_hours and _works(today, calendar) else None
    return alerts.Clock(now, today, digest_date, datetime.combine(following, time()) + timedelta(hours=hour))


def _works(day: date, calendar: Mapping[date, bool]) -> bool:
    return calendar.get(day, day.isoweekday() <= 5)


def write_preview(settings: Settings) -> tuple[Path, dict[str, list[tuple[str, str]]]]:
    """Write what would be sent now and with the next digest to `preview/` in the data directory, as a page and as Block
    Kit; returns the page, and by when it goes out each recipient and text. Sends nothing."""
    ledger = alerts.open_ledger(settings.ledger_url)
    due = alerts.preview(due_alerts(settings), slack_settings(settings), ledger, alert_clock(settings))
    page = alerts.write_preview(settings.data_dir / "preview", due)
    texts = {when: [(to, alerts.render_text(message)) for to, message in messages] for when, messages in due.items()}
    return page, texts


def open_alerts(settings: Settings) -> list[dict]:
    """Every incident that is not resolved, as the ledger knows it now."""
    incidents = alerts.open_ledger(settings.ledger_url).incidents().values()
    return sorted((one for one in incidents if one["state"] != "resolved"), key=lambda one: one["incident_key"])


def pending_alerts(settings: Settings) -> Sequence[alerts.Pending]:
    """What a delivery would tell now."""
    return _asked(alerts.pending, settings)


def waiting_alerts(settings: Settings) -> Sequence[alerts.Pending]:
    """What waits for the next digest."""
    return _asked(alerts.waiting, settings)


def untold_alerts(settings: Settings) -> list[str]:
    """What should have been told and did not reach its recipient, with the reason."""
    return [f"{one.alert_key} to {one.recipient}: {one.error or one.state}" for one in _asked(alerts.untold, settings)]


def _asked(question: Callable[..., list[alerts.Pending]], settings: Settings) -> list[alerts.Pending]:
    if not settings.warehouse_file.exists() or was_told_later(settings):
        return []
    ledger = alerts.open_ledger(settings.ledger_url)
    return question(due_alerts(settings), slack_settings(settings), ledger, alert_clock(settings))


def deliver_alerts(settings: Settings, lake: Lake, say: Callable[[str], None]) -> list[alerts.Delivery]:
    """Tell what is due, and show in the warehouse what came of it."""
    if not settings.warehouse_file.exists():
        return []
    if was_told_later(settings):
        say(
            f"nobody is told: alerts went through {_told_through(settings).read_text()} already, this is an earlier day"
        )
        return []
    clock = alert_clock(settings)
    ledger = alerts.open_ledger(settings.ledger_url)
    is_new = restore_ledger(settings, lake)
    deliveries = alerts.deliver(
        due_alerts(settings),
        slack_settings(settings),
        ledger,
        settings.data_dir / "outbox",
        clock,
        say,
        look_first=is_new,
    )
    if settings.slack_token:
        say(
            f"{sum(one.told for one in deliveries)} alerts told in Slack, {sum(not one.told for one in deliveries)} not"
        )
        beside = _told_through(settings).with_suffix(".new")
        beside.write_text(str(clock.today))
        beside.replace(_told_through(settings))
    changed = [feed for feed in export_ledger(settings, lake) if feed in PUBLISHED]
    if changed:
        publish_news(settings.warehouse_file, lake, {PUBLISHED[feed]: [path_of(feed)] for feed in changed})
    return deliveries


def plan_posted_at(settings: Settings, month: date, stage: str) -> datetime | None:
    """When the plan of a month was first told at this stage (draft, final), UTC; None while nobody was told. A stage is
    told once, also when the plan is issued again."""
    start = f"plan/{month:%Y-%m}/{stage}/"
    records = alerts.open_ledger(settings.ledger_url).records()
    told = [one for (key, _), one in records.items() if key.startswith(start) and one["state"] in alerts.TOLD]
    return min((one["last_attempt_at"] for one in told), default=None)


def was_told_later(settings: Settings) -> bool:
    """Whether people were told of a later day than the warehouse's: a look at the past ends no alert of today."""
    told = _told_through(settings)
    return told.exists() and alert_clock(settings).today < date.fromisoformat(told.read_text())


def _told_through(settings: Settings) -> Path:
    return settings.data_dir / "told_through"


def is_quiet(settings: Settings) -> bool:
    """Whether the last run was told to tell nobody: then the sensor tells nobody either."""
    return _quiet(settings).exists()


def keep_quiet(settings: Settings, quiet: bool) -> None:
    """Remember whether alerts of the published warehouse are to be told."""
    _quiet(settings).touch() if quiet else _quiet(settings).unlink(missing_ok=True)


def _quiet(settings: Settings) -> Path:
    return settings.data_dir / "no_alerts"
