"""Dagster resources: what steps are given instead of reaching for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from pipelines.run_context import RunContext, writer
from pipelines.settings import load_settings


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
            if killed and context.instance:
                _mark_killed(context.instance, killed)
            self._run = RunContext.of(settings, run_id, tags, context.log.info)
            yield self

    @property
    def run(self) -> RunContext:
        """The run that these steps belong to."""
        return self._run


def _mark_killed(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run and not run.is_finished:
        instance.report_run_failed(run, "Its process ended before the run did. The next run did its work.")
