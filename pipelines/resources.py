"""Dagster resources: what steps are given instead of reaching for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from pipelines.run_context import PID_TAG, RunContext, writer
from pipelines.settings import load_settings

# Runs that wait in Dagster's queue are the daemon's business.
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


class Deployment(dg.ConfigurableResource):
    """This deployment's settings and lake, and the right to write for the length of the run.

    One run writes at a time, whoever started it: UI, schedule, sensor or command line. The others wait.
    """

    _run: RunContext = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Deployment"]:
        """Hold the writer's lock while the run's steps run."""
        run_id, tags = context.run.run_id, dict(context.run.tags)
        settings = load_settings()
        with writer(settings, run_id, context.log.info) as killed:
            if context.instance:
                end_killed(context.instance, killed, run_id)
            self._run = RunContext.of(settings, run_id, tags, context.log.info)
            yield self

    @property
    def run(self) -> RunContext:
        """The run that these steps belong to."""
        return self._run


def end_killed(instance: dg.DagsterInstance, writer_run_id: str | None, own_run_id: str) -> None:
    """Let runs end whose process did: the writer that was killed, and those of the command line that never wrote."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        pid = run.tags.get(PID_TAG)
        if run.run_id == writer_run_id or (pid and run.run_id != own_run_id and not _lives(int(pid))):
            instance.report_run_failed(run, "Its process ended before the run did. The next run did its work.")


def _lives(pid: int) -> bool:
    if pid == os.getpid():  # an earlier process had this number
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
