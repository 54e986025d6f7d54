"""One run: its settings, its as-of date, its lake, and the right to write, which one run has at a time.

The lock is the kernel's, so it ends with the process that holds it, however that ends. A note beside the lock names
the holder: a note found by the next holder means that the run it names was killed.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from connectors._files import is_remote
from pipelines.lake import Lake
from pipelines.settings import ROOT, Settings, has_begun, utc_now
from pipelines.versions import bring_up_to_date

PID_TAG, HOST_TAG = "paceline/pid", "paceline/host"
LOCK_WAIT_SECONDS = 4 * 3600


class NoSource(Exception):
    """No source is configured, and the data directory is not the example company's."""


@dataclass(frozen=True)
class RunChoices:
    """What a run is asked for beside its job: the fields of its run config (`Deployment`), empty for the usual."""

    as_of: str = ""
    read_again_from: str = ""
    read_again_to: str = ""
    plan_month: str = ""
    no_alerts: bool = False


@dataclass(frozen=True)
class RunContext:
    """What every step of a run needs."""

    settings: Settings
    lake: Lake
    run_id: str
    started_at: datetime
    as_of: date
    plan_month: date
    again: tuple[date, date] | None
    no_alerts: bool
    say: Callable[[str], None]

    @classmethod
    def of(cls, settings: Settings, run_id: str, choices: RunChoices, say: Callable[[str], None]) -> "RunContext":
        """The context of a run with these choices; `say` is where its progress goes. Raises ValueError."""
        days = days_of(settings, choices)
        return cls(
            settings=settings,
            lake=lake_of(settings),
            run_id=run_id,
            started_at=utc_now(),
            **days._asdict(),
            no_alerts=choices.no_alerts,
            say=say,
        )


class Days(NamedTuple):
    """The days of a run: the last one included, those that are read again, and the month that is planned."""

    as_of: date
    again: tuple[date, date] | None
    plan_month: date


def days_of(settings: Settings, choices: RunChoices) -> Days:
    """The days that these choices ask for. Raises ValueError, which names the choice, where they cannot be."""
    as_of = _day("as_of", choices.as_of)
    if as_of and not has_begun(as_of):
        raise ValueError(f"as_of {as_of} has not begun yet.")
    as_of = as_of or settings.as_of
    first, last = _day("read_again_from", choices.read_again_from), _day("read_again_to", choices.read_again_to)
    if last and not first:
        raise ValueError("read_again_to needs read_again_from: give both, or read_again_from alone.")
    if last and last > as_of:
        raise ValueError(f"read_again_to {last} is after the last day included, {as_of}.")
    if first and first > (last or as_of):
        raise ValueError(f"read_again_from {first} is after {f'read_again_to {last}' if last else f'as_of {as_of}'}.")
    planned = _day("plan_month", choices.plan_month and f"{choices.plan_month}-01") or next_month(as_of)
    earliest, latest = as_of.replace(day=1), next_month(next_month(as_of))
    if not earliest <= planned <= latest:
        raise ValueError(
            f"as of {as_of}, plans can be written for {earliest:%Y-%m} to {latest:%Y-%m}, not {planned:%Y-%m}; for "
            "another month give as_of too."
        )
    return Days(as_of, (first, last or as_of) if first else None, planned)


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        form = "YYYY-MM" if name == "plan_month" else "YYYY-MM-DD"
        raise ValueError(f"{name} should be {form} in the run config, and is {text!r}.") from error


def lake_of(settings: Settings) -> Lake:
    """The lake of a deployment."""
    return Lake(settings.lake, settings.data_dir / "tmp")


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


@contextmanager
def writer(settings: Settings, run_id: str, say: Callable[[str], None]) -> Iterator[str | None]:
    """Be the only one who writes; yields the id of a run that was killed while it wrote, if there was one."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.data_dir / "writer.lock")
    note = settings.data_dir / "writer.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another run is writing ({_holder(note)}); waiting for it")
        lock.acquire(timeout=LOCK_WAIT_SECONDS)
    try:
        killed = _holder(note)
        if killed:
            _clean_up(settings)
        _keep_examples_apart(settings, say)
        bring_up_to_date(lake_of(settings), say)
        note.write_text(json.dumps({"run_id": run_id, "pid": os.getpid()}))
        try:
            yield killed
        finally:
            note.unlink(missing_ok=True)
    finally:
        lock.release()


def is_writing(settings: Settings) -> bool:
    """Whether some run holds the lock now."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.data_dir / "writer.lock").acquire(timeout=0):
            return False
    except Timeout:
        return True


def left_by(settings: Settings) -> str | None:
    """The run that wrote last and did not come to its end: it is going on, or was killed."""
    return _holder(settings.data_dir / "writer.json")


def _keep_examples_apart(settings: Settings, say: Callable[[str], None]) -> None:
    """The example company's data make way for the first real source, and never mix with a real source's."""
    mark = settings.data_dir / "examples_only"
    local = not is_remote(settings.lake)
    if not settings.uses_examples and mark.exists():
        say("a source is configured: the example company's data are removed")
        if local:
            shutil.rmtree(settings.lake, ignore_errors=True)
        for folder in ("build", "outbox", "parquet"):
            shutil.rmtree(settings.data_dir / folder, ignore_errors=True)
        for file in (settings.warehouse_file, settings.report_file, settings.data_dir / "ledger.sqlite", mark):
            file.unlink(missing_ok=True)
    elif settings.uses_examples and not mark.exists():
        if local and Path(settings.lake, "raw").exists():
            raise NoSource(
                f"{settings.lake} holds the data of configured sources, and none is configured now. Set them again "
                "(environment or .env), or take another PACELINE_DATA_DIR for the example company."
            )
        mark.touch()
    if settings.uses_examples and not settings.org_dir_given and (ROOT / "org").exists():
        say(f"{ROOT / 'org'} is not read while the example company is shown: its own CSVs are in {settings.org_dir}")


def _holder(note: Path) -> str | None:
    try:
        return json.loads(note.read_text())["run_id"]
    except (OSError, ValueError, KeyError):
        return None


def _clean_up(settings: Settings) -> None:
    """Remove what a killed run left half written."""
    for path in settings.data_dir.glob(".*.tmp*"):
        path.unlink()
    shutil.rmtree(settings.data_dir / "tmp", ignore_errors=True)
    if "://" not in settings.lake:
        for path in Path(settings.lake).rglob(".*.tmp"):
            path.unlink()
