"""Dagster resources: what steps are given instead of reaching for it."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from pipelines.run_context import HOST_TAG, PID_TAG, RunChoices, RunContext, writer
from pipelines.settings import load_settings, utc_now

AT_ONCE = 8  # most of it is waiting for answers; DuckDB shares the cores and one memory limit
# Runs that wait in Dagster's queue are the daemon's business.
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


class Deployment(dg.ConfigurableResource):
    """This deployment's settings and lake, and the right to write for the length of the run.

    One run writes at a time, whoever started it: UI, schedule, sensor or command line. The others wait.
    """

    as_of: str = Field(
        default="",
        description="Last day included, YYYY-MM-DD, as if it had just ended. Empty: the last completed day.",
    )
    read_again_from: str = Field(
        default="",
        description=(
            "First day, YYYY-MM-DD, that sources are read again for, changed or not: after a source was repaired, for "
            "example. Empty: only what is new, missing or may still be restated."
        ),
    )
    read_again_to: str = Field(
        default="", description="Last day, YYYY-MM-DD, of read_again_from. Empty: the last day included."
    )
    plan_month: str = Field(
        default="",
        description="Month that is planned, YYYY-MM, by monthly_replan. Empty: the one after the last day included.",
    )
    no_alerts: bool = Field(
        default=False,
        description="true: tell nobody, and keep the sensor quiet until the next run without it.",
    )
    _run: RunContext = PrivateAttr()
    _threads: ThreadPoolExecutor = PrivateAttr()
    _begun: dict[str, Future] = PrivateAttr(default_factory=dict)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Deployment"]:
        """Hold the writer's lock while the run's steps run."""
        run_id, settings = context.run.run_id, load_settings()
        choices = RunChoices(**{field.name: getattr(self, field.name) for field in fields(RunChoices)})
        try:
            run = RunContext.of(settings, run_id, choices, context.log.info)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        with writer(settings, run_id, context.log.info) as killed:
            if context.instance:
                end_killed(context.instance, killed, run_id)
                context.instance.add_run_tags(run_id, _labels(choices))
            self._run = replace(run, started_at=utc_now())
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


def _labels(choices: RunChoices) -> dict[str, str]:
    """Tags by which the list of runs shows what a run was asked for."""
    return {f"paceline/{name}": str(value).lower() for name, value in asdict(choices).items() if value}


def _then(before: Future | None, work: Callable[[], Any]) -> Any:
    if before:
        wait([before])
    return work()


def end_killed(instance: dg.DagsterInstance, writer_run_id: str | None, own_run_id: str) -> None:
    """Let runs end whose process did: the writer that was killed, and those of the command line that never wrote.

    Machines may share a record of runs: of a process on another one nothing is known here.
    """
    here = socket.gethostname()
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        pid = run.tags.get(PID_TAG) if run.tags.get(HOST_TAG, here) == here else None
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
