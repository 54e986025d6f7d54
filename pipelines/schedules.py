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
        description="Runs the daily job for the last completed day. Late and restated days are read again by themselves.",
    )
    def daily_at_five(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"{context.scheduled_execution_time:%Y-%m-%d}", partition_key=str(load_settings().as_of))

    return daily_at_five
