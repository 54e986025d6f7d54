"""Sensors: what is due and not told is told. https://docs.dagster.io/guides/automate/sensors"""

import hashlib

import dagster as dg

from pipelines.jobs import DELIVER
from pipelines.run_context import is_writing
from pipelines.settings import load_settings, utc_now


@dg.sensor(
    job_name=DELIVER,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a delivery when the published warehouse holds an alert that its recipient has not got yet.",
)
def due_alerts() -> dg.RunRequest | dg.SkipReason:
    """The ledger remembers what was told; the run key only keeps a run that is starting from being started again."""
    from pipelines.telling import is_quiet, pending_alerts

    settings = load_settings()
    if is_writing(settings):
        return dg.SkipReason("a run is under way; it may deliver by itself")
    if is_quiet(settings):
        return dg.SkipReason("the last run was told to tell nobody (--no-alerts)")
    pending = pending_alerts(settings)
    if not pending:
        return dg.SkipReason("everything that is due is told")
    # With the hour, for a run that dies before its first attempt has used up its key.
    attempts = sorted((one.alert_key, one.recipient, one.attempts) for one in pending)
    key = hashlib.sha256(f"{attempts}{utc_now():%Y-%m-%d %H}".encode()).hexdigest()[:16]
    return dg.RunRequest(run_key=key, tags={"paceline/due": str(len(pending))})
