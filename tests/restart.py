"""Dagster is killed and started again in the middle of a run that its UI started, while the command line runs, too.

`python -m tests.restart` (a part of `make torture`): the run of the command line waits its turn, the killed run gets an
end, the next one from the UI ends well, and all is as if nothing had happened.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from pipelines.settings import ROOT
from tests.runs import environment
from tests.torture import Company, Step, compare, undisturbed

STEP = Step("2026-11-22", "run")
LONGEST_SECONDS = 600
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
SELECTOR = {"repositoryLocationName": "paceline", "repositoryName": "__repository__", "jobName": "daily"}


class Ui:
    """`make ui` of a company, in a process group of its own."""

    def __init__(self, company: Company, log: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        dagster = Path(sys.executable).with_name("dagster")
        variables = company.variables | {"PACELINE_AS_OF": STEP.as_of, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.home", dagster, "dev", "-h", "127.0.0.1", "-p", str(port),
             "-w", "workspace.yaml"],
            env=environment(company.data_dir, **variables), cwd=ROOT, stdout=log.open("w"),
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        wait_for(self._answers, "Dagster to answer")

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.address}/server_info", timeout=5).ok
        except requests.ConnectionError:
            return False

    def ask(self, query: str, **variables: object) -> dict:
        """The data that GraphQL answers."""
        answer = requests.post(f"{self.address}/graphql", json={"query": query, "variables": variables}, timeout=60)
        return answer.json()["data"]

    def launch(self) -> str:
        """Start the daily job for the newest day; returns the run's id."""
        tags = [{"key": "dagster/partition", "value": STEP.as_of}]
        params = {"selector": SELECTOR, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        found = self.ask(LAUNCH, params=params)["launchRun"]
        assert found["__typename"] == "LaunchRunSuccess", found
        return found["run"]["runId"]

    def status(self, run_id: str) -> str:
        """What the UI shows of a run."""
        return self.ask(STATUS, id=run_id)["runOrError"]["status"]

    def kill(self) -> None:
        """Kill all of it: web server, daemon, code server and the runs they have."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def wait_for(there: Callable[[], bool], what: str) -> None:
    """Come back when it is there."""
    end = time.monotonic() + LONGEST_SECONDS
    while not there():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


def restart(folder: Path, say=print) -> None:
    """Tell the story; AssertionError says where it went wrong."""
    calm, disturbed = Company(folder / "calm"), Company(folder / "disturbed")
    note = disturbed.data_dir / "writer.json"
    try:
        for company in (calm, disturbed):
            company.reveal(STEP.as_of)
        undisturbed(calm, STEP, folder / "calm.log")
        ui = Ui(disturbed, folder / "ui.log")
        killed = ui.launch()
        wait_for(lambda: note.exists() and killed in note.read_text(), "the run of the UI to write")
        say("a run of the UI writes")
        log = folder / "cli.log"
        by_hand = disturbed.start(STEP, log)
        wait_for(lambda: log.exists() and "waiting for it" in log.read_text(), "the run of the command line to wait")
        say("a run of the command line waits for it")
        wait_for(disturbed.is_building, "the build file")
        ui.kill()
        say("Dagster was killed while its run was building")
        by_hand.join(LONGEST_SECONDS)
        assert by_hand.exitcode == 0, log.read_text()
        say("the run of the command line ended well")
        ui = Ui(disturbed, folder / "ui.log")
        assert ui.status(killed) == "FAILURE", ui.status(killed)
        say("the UI shows that the killed run failed")
        again = ui.launch()
        wait_for(lambda: ui.status(again) in ("SUCCESS", "FAILURE"), "the second run of the UI")
        assert ui.status(again) == "SUCCESS"
        ui.kill()
        compare(calm, disturbed)
        say("another run of the UI ended well: the same warehouse, every alert once, nothing left over")
    finally:
        calm.stop()
        disturbed.stop()


def main() -> None:
    """The story in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        restart(Path(folder), say=lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
