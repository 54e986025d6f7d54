"""A job from the command line: the same that the UI and the schedules run, in this process."""

import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, replace

from pipelines.home import ensure_home
from pipelines.run_context import HOST_TAG, PID_TAG, RunChoices
from pipelines.settings import Settings

_ROOM = "Free space on that disk and run again: nothing is lost."
_RIGHTS = "Let this user read and write there and run again."
_ADVICE = {
    "No space left on device": _ROOM,
    "database or disk is full": _ROOM,
    "Read-only file system": _RIGHTS,
    "Permission denied": _RIGHTS,
    "readonly database": _RIGHTS,
}
_STOPPED = (
    "the run was stopped by SIGTERM or Ctrl-C; nothing is published half, what was loaded is kept, and the next run "
    "goes on from there: paceline run"
)


def run_job(settings: Settings, job: str, choices: RunChoices, say: Callable[[str], None]) -> bool:
    """Run it and say what happens; False when anything failed. The run shows in the UI like any other."""
    started = time.monotonic()
    ensure_home(settings.data_dir)
    say(f"{job} as of {settings.as_of}" + (" on the example company" if settings.uses_examples else ""))
    if settings.as_of_given:
        os.environ["PACELINE_AS_OF"] = str(settings.as_of)  # Dagster loads settings by itself

    import dagster as dg

    from pipelines.definitions import defs

    with dg.DagsterInstance.get() as instance:
        try:
            result = defs.resolve_job_def(job).execute_in_process(
                instance=instance,
                partition_key=str(settings.as_of),
                tags={PID_TAG: str(os.getpid()), HOST_TAG: socket.gethostname()},
                raise_on_error=False,
                run_config={
                    "loggers": {"progress": {}},
                    "resources": {"deployment": {"config": asdict(replace(choices, as_of=str(settings.as_of)))}},
                },
            )
        except dg.DagsterExecutionInterruptedError:  # between two steps
            say(f"failed: {_STOPPED}")
            return False
    for event in result.all_events:
        if event.is_step_failure:
            say(f"failed: {event.step_key}: {with_advice(_reason(event))}")
        elif event.is_resource_init_failure:
            say(f"failed before the first step: {with_advice(_cause(event.engine_event_data.error))}")
    say(f"done in {time.monotonic() - started:.0f} s" if result.success else "failed; see the lines above")
    return result.success


def with_advice(said: str) -> str:
    """What went wrong, and what to do where the machine said it."""
    advice = next((advice for words, advice in _ADVICE.items() if words in said), None)
    return f"{said.rstrip('. ')}. {advice}" if advice else said


def lost_database(error: BaseException | None) -> str | None:
    """In words, where Dagster could not reach its database: it says so with the database's own error as the cause."""
    from sqlalchemy.exc import OperationalError

    while error:
        if isinstance(error, OperationalError):
            said = " ".join(str(error.orig).split()).rstrip("?. ")
            return f"the database of PACELINE_DAGSTER_URL cannot be used: {said}. Start it, or correct the address."
        error = error.__cause__
    return None


def _reason(event) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    return _cause(data.error)


def _cause(error) -> str:
    while error and error.cause:
        error = error.cause
    if error and error.cls_name == "DagsterExecutionInterruptedError":
        return _STOPPED
    # An error of ours says it all without its class.
    return re.sub(r"^(pipelines|connectors|alerts)\.[\w.]+: ", "", error.message.strip()) if error else "unknown"
