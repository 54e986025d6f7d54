"""Schedules: every day and every month, by themselves. https://docs.dagster.io/guides/automate/schedules"""

from datetime import date, timedelta

import dagster as dg

from pipelines.jobs import DAILY, REPLAN
from pipelines.lake import Lake
from pipelines.raw import org_path
from pipelines.run_context import next_month
from pipelines.settings import load_settings

DRAFT_WORKING_DAYS = 3  # before the month ends, that day included


def daily_schedule(timezone: str) -> dg.ScheduleDefinition:
    """At 05:00 of the company's zone, for the last completed day."""

    @dg.schedule(
        job_name=DAILY,
        cron_schedule="0 5 * * *",
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Runs the daily job for the last completed day. Late and restated days follow by themselves.",
    )
    def daily_at_five(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.date()
        return dg.RunRequest(run_key=str(day), partition_key=str(load_settings().as_of))

    return daily_at_five


def monthly_schedule(timezone: str) -> dg.ScheduleDefinition:
    """At 07:00 of the company's zone on two days of the month, when the daily job is done."""

    @dg.schedule(
        job_name=REPLAN,
        cron_schedule="0 7 * * *",
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            "Issues a draft of the next month's plan on the third last working day of a month, and the final plan on "
            "the first working day of the month itself (holidays.csv counts). On other days it does nothing."
        ),
    )
    def monthly_replan_at_seven(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = load_settings()
        holidays = Lake(settings.lake, settings.data_dir / "tmp").read_rows(org_path("holidays"))
        today = context.scheduled_execution_time.date()
        month = month_to_plan(today, {row["holiday_date"] for row in holidays})
        if month is None:
            return dg.SkipReason(f"{today} is neither the day of a draft nor of a final plan")
        return dg.RunRequest(
            run_key=f"{month:%Y-%m} on {today}",
            partition_key=str(settings.as_of),
            run_config={"resources": {"deployment": {"config": {"plan_month": f"{month:%Y-%m}"}}}},
        )

    return monthly_replan_at_seven


def month_to_plan(today: date, holidays: set[date]) -> date | None:
    """The month whose plan is issued today: this one on its first working day, the next three working days before."""
    first, after = today.replace(day=1), next_month(today)
    days = [first + timedelta(days=n) for n in range((after - first).days)]
    working = [day for day in days if day.isoweekday() <= 5 and day not in holidays]
    if today == working[0]:
        return first
    return after if today in working[-DRAFT_WORKING_DAYS:][:1] else None
