"""Kills the daily job and the re-plan at random moments, starts them again, and looks for what that left behind.

`python -m tests.torture` (`make torture`): the example company's logs, its bill over HTTP and its Slack, both of which
fail now and then. Every process is killed with SIGKILL. The seed decides all moments and faults; the machine's speed
decides what stands there. A small one runs with the tests.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from pipelines.settings import EXAMPLES
from tests.alerts import fake_slack
from tests.alerts.fake_slack import TOKEN, FakeSlack
from tests.providers import Providers, cut_off, reset, status
from tests.runs import content, environment, rows

# Attempts of one step until it ends well, after the killed ones: faults may make an attempt end red.
MOST_ATTEMPTS = 6
HTTP_FAULT_RATIO = 0.03
SLACK_FAULT_RATIO = 0.1
# When the pipeline worked, what was known in between, and what it says about sources that failed meanwhile.
WORKED_AT = ("known_at", "x_KnownAt", "issued_at", "plan_issued_at")
HISTORIES = ("intermediate.int_billing_versions", "core.fct_billed_history")
OF_OUTAGES = "source_health"
# Loaded once, by a server that every process is forked from: Python's start-up is not what is to be killed.
PRELOADED = (
    "dagster", "dagster_dbt", "dbt.cli.main", "dbt.adapters.duckdb", "duckdb", "pandera.pandas", "slack_sdk",
    "pipelines.cli", "pipelines.assets.feeds", "pipelines.assets.models", "pipelines.assets.outcome",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One command of the story, on the day after `as_of`, when its logs are there."""

    as_of: str
    command: str


STORY = (
    Step("2026-11-18", "run"),
    Step("2026-11-19", "run"),
    Step("2026-11-22", "run"),
    Step("2026-11-22", "replan"),
)


class Company:
    """The example company's November in a folder: its logs day by day, its bill, its Slack, its data directory."""

    def __init__(self, folder: Path, faults: random.Random | None = None):
        self.data_dir, self.gateway = folder / "data", folder / "gateway"
        self.data_dir.mkdir(parents=True)
        self.providers, self.slack = Providers(), FakeSlack(time.time())
        if faults:
            self.providers.faults = _SomeFaults(faults)
            self.slack.fault = lambda method: _slack_fault(faults)
        self.variables = {
            "LITELLM_LOGS": str(self.gateway),
            "PACELINE_ORG_DIR": str(EXAMPLES / "org"),
            "ANTHROPIC_BASE_URL": self.providers.environ["ANTHROPIC_BASE_URL"],
            "ANTHROPIC_ADMIN_KEY": self.providers.environ["ANTHROPIC_ADMIN_KEY"],
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_API_URL": self.slack.url,
            "SLACK_ORG_CHANNEL": "C0ORG",
            "SLACK_OPS_CHANNEL": "C0OPS",
        }

    def stop(self) -> None:
        """Close the ports."""
        self.providers.stop()
        self.slack.stop()

    def reveal(self, day: str) -> None:
        """Let the logs of November up to a day be there."""
        for folder in sorted((EXAMPLES / "gateway").rglob("2026-11-*")):
            target = self.gateway / folder.relative_to(EXAMPLES / "gateway")
            if folder.name <= day and not target.exists():
                shutil.copytree(folder, target)

    def start(self, step: Step, log: Path) -> multiprocessing.Process:
        """Start a step in a process group of its own; what it prints goes to `log`."""
        log.unlink(missing_ok=True)
        variables = environment(self.data_dir, PACELINE_AS_OF=step.as_of, **self.variables)
        process = _processes().Process(target=_paceline, args=(step.command, variables, str(log)))
        process.start()
        return process

    def is_building(self) -> bool:
        """Whether a run has begun to build."""
        return (self.data_dir / "build" / "warehouse.duckdb").exists()

    def told(self) -> Counter:
        """(recipient, key of the message) -> how often Slack shows it."""
        payloads = [_metadata(message) for message in self.slack.messages if message.get("metadata")]
        return Counter((one["recipient"], one["alert_key"]) for one in payloads)

    def content(self) -> dict[str, list[tuple]]:
        """The warehouse, but for when the pipeline worked, what it knew in between, and what it says about outages."""
        tables = content(self.data_dir, but_for=WORKED_AT)
        return {
            name: [row for row in found if OF_OUTAGES not in row]
            for name, found in tables.items()
            if name not in HISTORIES
        }

    def delivered(self) -> list[tuple]:
        """Which alert reached whom, as the warehouse says."""
        told = "select alert_key, recipient, state from ops.alert_deliveries"
        return sorted(rows(self.data_dir, f"{told} where kind != '{OF_OUTAGES}'"))


class _SomeFaults(dict):
    """Faults of the provider: at the request's number nothing is written down, chance decides."""

    def __init__(self, choose: random.Random):
        super().__init__()
        self.choose, self.lock = choose, threading.Lock()

    def get(self, number, default=None):
        with self.lock:
            if self.choose.random() >= HTTP_FAULT_RATIO:
                return default
            return self.choose.choice([reset, cut_off, status(500), status(503), status(429, Retry_After="0")])


def _slack_fault(choose: random.Random):
    if choose.random() >= SLACK_FAULT_RATIO:
        return None
    known = [fake_slack.status(500), fake_slack.status(429, Retry_After="0"), fake_slack.error("internal_error")]
    return choose.choice([*known, fake_slack.RESET, fake_slack.LOST_REPLY])


def _metadata(message: dict) -> dict:
    metadata = message["metadata"]
    return (json.loads(metadata) if isinstance(metadata, str) else metadata)["event_payload"]


def _processes():
    # Who is killed leaves semaphores behind, which multiprocessing takes away with a warning.
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def _paceline(command: str, variables: dict[str, str], log: str) -> None:
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(variables["PACELINE_DATA_DIR"])
    sys.argv = ["paceline", command]
    from pipelines.cli import main

    main()


def torture(kills: int, seed: int, folder: Path, story: tuple[Step, ...] = STORY, say=print) -> None:
    """Live through the story twice, undisturbed and with kills; AssertionError says what differs after a step."""
    choose = random.Random(seed)
    calm = Company(folder / "calm")
    disturbed = Company(folder / "disturbed", faults=random.Random(choose.random()))
    try:
        say(f"seed {seed}, {kills} kills over {len(story)} steps")
        struck = Counter()
        for number, step in enumerate(story):
            _reveal(calm, disturbed, step)
            seconds = undisturbed(calm, step, folder / "calm.log")
            say(f"{step.command} as of {step.as_of}: {seconds:.0f} s undisturbed")
            here = (kills * (number + 1)) // len(story) - (kills * number) // len(story)
            struck += _killed(disturbed, step, here, seconds, choose, folder / "killed.log", say)
            attempts = _finished(disturbed, step, folder / "finished.log")
            compare(calm, disturbed)
            told = len(disturbed.told())
            say(f"  done in attempt {attempts} after that: the same warehouse, {told} messages so far, once each")
        say(f"{struck.total()} kills, the same warehouse after each step, every message once. They struck")
        for where, count in struck.most_common():
            say(f"  {count:3} x after: {where}")
    finally:
        calm.stop()
        disturbed.stop()


def _reveal(calm: Company, disturbed: Company, step: Step) -> None:
    for company in (calm, disturbed):
        company.reveal(step.as_of)


def undisturbed(company: Company, step: Step, log: Path) -> float:
    """Run a step to its end; returns how many seconds it took."""
    started = time.monotonic()
    process = company.start(step, log)
    process.join(600)
    assert process.exitcode == 0, log.read_text()
    return time.monotonic() - started


def _killed(company: Company, step: Step, kills: int, seconds: float, choose: random.Random, log: Path, say) -> Counter:
    """Kill so many attempts, each at a moment within the length of the last whole one; returns what they said last."""
    struck: Counter = Counter()
    while struck.total() < kills:
        after, started = choose.uniform(0, seconds), time.monotonic()
        process = company.start(step, log)
        process.join(after)
        if process.exitcode is not None:
            seconds = time.monotonic() - started
            say(f"  ended before it was killed ({process.exitcode})")
            continue
        for kill in (os.killpg, os.kill):  # before it has its own group, it is alone
            with contextlib.suppress(ProcessLookupError):
                kill(process.pid, signal.SIGKILL)
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        where = _last_line(log)
        struck[where] += 1
        say(f"  killed after {after:4.1f} s: {where}")
    return struck


def _finished(company: Company, step: Step, log: Path) -> int:
    for attempt in range(1, MOST_ATTEMPTS + 1):
        process = company.start(step, log)
        process.join(600)
        if process.exitcode == 0:
            return attempt
    raise AssertionError(f"{step} did not end well in {MOST_ATTEMPTS} attempts:\n{log.read_text()}")


def _last_line(log: Path) -> str:
    lines = log.read_text().strip().splitlines() if log.exists() else []
    return re.sub(r"[\d,.]+", "N", lines[-1].strip())[:80] if lines else "nothing was said yet"


def compare(calm: Company, disturbed: Company) -> None:
    """The same warehouse row by row, the same alerts and files once each, and nothing left over."""
    theirs, ours = calm.content(), disturbed.content()
    files = Counter((m["thread_ts"], m["files"][0]["title"]) for m in disturbed.slack.messages if m.get("files"))
    wrong = {name: _difference(theirs.get(name, []), ours.get(name, [])) for name in theirs.keys() | ours.keys()}
    wrong["delivered"] = _difference(calm.delivered(), disturbed.delivered())
    wrong["not delivered"] = [one for one in disturbed.delivered() if one[2] != "delivered"]
    wrong["told twice"] = [key for key, count in (disturbed.told() + files).items() if count > 1]
    wrong["left over"] = left_over(disturbed.data_dir)
    wrong = {what: found for what, found in wrong.items() if found}
    assert not wrong, wrong


def _difference(theirs: list[tuple], ours: list[tuple]) -> dict[str, list[str]]:
    """Rows that only one of them has, a few of each."""
    these, those = Counter(map(_shown, theirs)), Counter(map(_shown, ours))
    found = {"missing": list((these - those).elements())[:3], "too many": list((those - these).elements())[:3]}
    return found if any(found.values()) else {}


def _shown(row: tuple) -> str:
    return repr(tuple(value + 0.0 if isinstance(value, float) else value for value in row))  # -0.0 is 0.0


def left_over(data_dir: Path) -> list[str]:
    """What a run must not leave behind: half-written files, its note as the writer, held locks, runs without an end."""
    found = [path for path in data_dir.rglob("*") if re.search(r"\.tmp|\.new$|\.wal$|^writer\.json$", path.name)]
    found += list((data_dir / "tmp").glob("*"))
    for lock in data_dir.rglob("*.lock"):
        try:
            FileLock(lock).acquire(timeout=0).lock.release()
        except Timeout:
            found.append(lock)
    with dg.DagsterInstance.from_config(str(data_dir / "dagster")) as instance:
        unfinished = [run.run_id for run in instance.get_runs() if not run.is_finished]
    return [str(path.relative_to(data_dir)) for path in found] + [f"run {run_id}" for run_id in unfinished]


def main() -> None:
    """The full one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        torture(given.kills, given.seed, Path(folder), say=lambda text: print(text, flush=True))
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
