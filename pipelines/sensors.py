"""Sensors: what is due and not told is told. https://docs.dagster.io/guides/automate/sensors"""

import dagster as dg

from pipelines.jobs import DELIVER
from pipelines.settings import load_settings


@dg.sensor(
    job_name=DELIVER,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a delivery when the published warehouse holds an alert that its recipient has not got yet.",
)
def due_alerts(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """The ledger remembers what was told, so this needs no cursor and no run key."""
    from pipelines.telling import pending_alerts

    under_way = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    active = context.instance.get_runs(dg.RunsFilter(statuses=under_way), limit=1)
    if active:
        return dg.SkipReason("a run is under way; it may deliver by itself")
    pending = pending_alerts(load_settings())
    if not pending:
        return dg.SkipReason("everything that is due is told")
    return dg.RunRequest(tags={"paceline/due": str(len(pending))})
