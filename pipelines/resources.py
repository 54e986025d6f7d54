"""Dagster resources: what steps are given instead of reaching for it."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from pipelines.run_context import PID_TAG, RunContext, writer
from pipelines.settings import load_settings

AT_ONCE = 8  # most of it is waiting for answers; DuckDB shares the cores and one memory limit
# Runs that wait in Dagster's queue are the daemon's business.
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


class Deployment(dg.ConfigurableResource):
    """This deployment's settings and lake, and the right to write for the length of the run.

    One run writes at a time, whoever started it: UI, schedule, sensor or command line. The others wait.
    """

    _run: RunContext = PrivateAttr()
    _threads: ThreadPoolExecutor = PrivateAttr()
    _begun: dict[str, Future] = PrivateAttr(default_factory=dict)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Deployment"]:
        """Hold the writer's lock while the run's steps run."""
        run_id, tags = context.run.run_id, dict(context.run.tags)
        settings = load_settings()
        with writer(settings, run_id, context.log.info) as killed:
            if context.instance:
                end_killed(context.instance, killed, run_id)
            self._run = RunContext.of(settings, run_id, tags, context.log.info)
            self._begun, self._threads = {}, ThreadPoolExecutor(AT_ONCE)
            try:
                yield self
            finally:
                # Nothing may write any more when the lock is given back.
                self._threads.shutdown(cancel_futures=True)

    @property
    def run(self) -> RunContext:
        """The run that these steps belong to."""
        return self._run

    def side_by_side(
        self, works: Callable[[], Mapping[str, tuple[Callable[[], Any], str | None]]]
    ) -> Mapping[str, Future]:
        """Work that steps wait for, each for its own, begun by the first of them: Dagster runs one step after another.

        Name -> the work, and the name of an earlier one whose end it waits for.
        """
        if not self._begun:
            for name, (work, after) in works().items():
                self._begun[name] = self._threads.submit(_then, self._begun.get(after), work)
        return self._begun


def _then(before: Future | None, work: Callable[[], Any]) -> Any:
    if before:
        wait([before])
    return work()


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
