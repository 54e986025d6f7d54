"""Schedules: every day, by itself. https://docs.dagster.io/guides/automate/schedules"""

import dagster as dg

from pipelines.jobs import DAILY
from pipelines.settings import load_settings


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
