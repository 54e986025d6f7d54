"""Issuing a plan: what `plan.cap_recommendations` says is put into the lake, where it is never changed.

So next month can say what was planned, and a rebuild gives the same past.
"""

from datetime import datetime, timedelta
from pathlib import Path

from pipelines.lake import Lake
from pipelines.publish import publish_news, read_warehouse, rows_of
from pipelines.raw import PLANS, PLANS_SCHEMA
from pipelines.settings import Settings


def issue_plan(settings: Settings, lake: Lake, now: datetime) -> tuple[str, int, bool]:
    """Issue the published recommendations: stage, rows, and whether they differ from what was issued last.

    A plan is a draft until the whole month before it is measured. Issuing the same plan twice is once.
    """
    with read_warehouse(settings.warehouse_file) as db:
        rows = rows_of(db, "from plan.cap_recommendations")
    if not rows:
        return "draft", 0, False
    month = rows[0]["plan_month"]
    stage = "final" if rows[0]["as_of_date"] >= month - timedelta(days=1) else "draft"
    folder = f"{PLANS}/month={month:%Y-%m}"
    last = max(lake.files(folder), default=None)
    if last:  # a clock that was put back must not make an older plan the last one
        now = max(now, _issued_at(last) + timedelta(microseconds=1))
    issued = {"stage": stage, "issued_at": now.replace(tzinfo=None)}
    is_new = lake.write_rows(
        [{name: (row | issued)[name] for name in PLANS_SCHEMA} for row in rows],
        PLANS_SCHEMA,
        f"{folder}/issued_{now:%Y%m%dT%H%M%S%f}.parquet",
        unlike=last,
        but_for="issued_at",
    )
    if is_new:
        publish_news(settings.warehouse_file, lake, {"plan.issued_plans": list(lake.files(PLANS))})
    return stage, len(rows), is_new


def _issued_at(path: str) -> datetime:
    return datetime.strptime(f"{Path(path).stem}+0000", "issued_%Y%m%dT%H%M%S%f%z")
