"""What goes wrong around a run: mistakes in CSVs, bad lines, a dead source, a Slack that is down, two runs at once."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time

import dagster as dg
import pytest

from pipelines.resources import end_killed
from pipelines.run_context import HOST_TAG, PID_TAG
from pipelines.settings import EXAMPLES
from tests.alerts.fake_slack import TOKEN, FakeSlack, status
from tests.runs import PACELINE, content, environment, paceline, rows


def alert_key(message: dict) -> str:
    metadata = message["metadata"]
    return (json.loads(metadata) if isinstance(metadata, str) else metadata)["event_payload"]["alert_key"]


def but_for_outages(tables: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """The content of a warehouse without what it says about feeds that failed."""
    return {name: [row for row in found if "source_health" not in row] for name, found in tables.items()}


@pytest.fixture
def company(tmp_path) -> dict[str, str]:
    """A small company of its own: the example's November and org CSVs, in folders that a test may spoil."""
    for folder in sorted((EXAMPLES / "gateway").rglob("2026-11-*")):
        shutil.copytree(folder, tmp_path / "gateway" / folder.relative_to(EXAMPLES / "gateway"))
    shutil.copytree(EXAMPLES / "org", tmp_path / "org")
    return {
        "LITELLM_LOGS": str(tmp_path / "gateway"),
        "PACELINE_ORG_DIR": str(tmp_path / "org"),
        "PACELINE_AS_OF": "2026-11-22",
    }


def test_a_mistake_in_a_csv_stops_the_plan_but_not_the_ingestion(company, tmp_path):
    caps = tmp_path / "org" / "caps.csv"
    good = caps.read_text()
    caps.write_text(good.replace("developer,dev-03,2026-11,2480000,", "developer,dev-03,2026-13,2480000,"))

    done = paceline(tmp_path, "run", **company)

    assert done.returncode == 1
    assert "caps.csv line 39: month is '2026-13', expected a month like 2026-11" in done.stderr
    assert list((tmp_path / "lake/raw/litellm__requests").glob("day=*"))
    assert not (tmp_path / "warehouse.duckdb").exists()

    caps.write_text(good)

    assert paceline(tmp_path, "run", **company).returncode == 0
    assert rows(tmp_path, "select count(*) from plan.cap_utilization where scope_id = 'dev-03'") == [(1,)]

    without_source = paceline(tmp_path, "run")

    assert without_source.returncode == 1
    assert f"failed before the first step: {tmp_path}/lake holds the data of configured" in without_source.stderr


def test_bad_lines_are_counted_in_the_open_and_the_rest_counts(company, tmp_path):
    bad = tmp_path / "gateway" / "prod" / "mobile" / "2026-11-22" / "batch_23-00-00_bad.jsonl"
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.write_text('{"id": "cut\n42\n')

    done = paceline(tmp_path, "run", **company)

    assert done.returncode == 0, done.stderr
    assert "2 lines in quarantine" in done.stderr
    found = rows(tmp_path, "select file, line, reason from ops.quarantine order by line")
    assert [(file, line) for file, line, _ in found] == [
        ("prod/mobile/2026-11-22/batch_23-00-00_bad.jsonl", n) for n in (1, 2)
    ]
    assert found[0][2].startswith("not JSON: ")
    assert found[1][2] == "a JSON int, expected an object"


def test_a_price_of_no_model_and_a_day_that_is_missing_are_told_by_the_run_and_the_doctor(company, tmp_path):
    prices = tmp_path / "org" / "price_overrides.csv"
    prices.write_text(
        "provider,model,valid_from,valid_to,input_usd_per_mtok\n"
        "anthropic,claude-sonet-4-6,2026-11-01,,2\nanthropic,claude-sonnet-4-6,2026-11-01,,2\n"
    )
    for folder in (tmp_path / "gateway").rglob("2026-11-11"):
        shutil.rmtree(folder)

    done = paceline(tmp_path, "run", "--no-alerts", **company)

    price = (
        "price_overrides.csv, row anthropic,claude-sonet-4-6,2026-11-01: nobody uses this model, no price list knows "
        "it; did you mean anthropic,claude-sonnet-4-6?"
    )
    day = "litellm__requests has no records of 2026-11-11. Read again: paceline run --from 2026-11-11 --to 2026-11-11."
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert notes == [f"note: {price}", f"note: {day} If nobody used it that day, nothing is to be done"]
    told = paceline(tmp_path, "doctor", **company).stdout
    assert f"warn  last run: {price}" in told and f"warn  last run: {day}" in told


def test_a_source_that_fails_makes_the_run_red_and_the_lake_alone_gives_the_same_plan(company, tmp_path):
    assert paceline(tmp_path, "run", **company).returncode == 0
    before = but_for_outages(content(tmp_path))
    shutil.move(tmp_path / "gateway", tmp_path / "gone")
    shutil.rmtree(tmp_path / "build")
    (tmp_path / "warehouse.duckdb").unlink()

    done = paceline(tmp_path, "run", **company)

    assert done.returncode == 1
    assert "there is no such folder" in done.stderr
    assert but_for_outages(content(tmp_path)) == before
    assert rows(tmp_path, "select state, urgency from alerts.source_health") == [("failed", "immediate")]
    assert rows(tmp_path, "select last_status from ops.source_freshness") == [("failed",)]
    assert "there is no such folder" in paceline(tmp_path, "sources", **company).stdout


def test_an_alert_waits_for_slack_and_then_comes_once(company, tmp_path):
    slack = FakeSlack(time.time())
    variables = company | {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": slack.url}
    try:
        slack.always["chat.postMessage"] = status(500)
        down = paceline(tmp_path, "run", **variables)
        told_while_down = rows(tmp_path, "select count(*) from ops.alert_deliveries where delivered_at is not null")

        del slack.always["chat.postMessage"]
        later = [paceline(tmp_path, "run", **variables) for _ in range(2)]
    finally:
        slack.stop()

    assert (down.returncode, told_while_down) == (1, [(0,)])
    assert [run.returncode for run in later] == [0, 0], later[0].stderr
    # dev-02 is at 85 % of its cap, dev-03 at 129 %, which its pool carries; both have the same lead, and one digest.
    told = "select split_part(alert_key, '/', 3), state, message_key from ops.alert_deliveries where kind = 'cap_level'"
    digest = "digest/2026-11-23/U50F8EDD6B"
    assert sorted(rows(tmp_path, told)) == [("dev-02", "delivered", digest), ("dev-03", "delivered", digest)]
    assert [alert_key(message) for message in slack.messages] == [digest]
    for text in (down.stdout, down.stderr, *(run.stderr for run in later)):
        assert TOKEN not in text


def test_two_runs_at_once_take_turns_and_tell_everything_once(company, tmp_path):
    two = [
        subprocess.Popen([PACELINE, "run"], env=environment(tmp_path, **company), stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    errors = [run.communicate(timeout=300)[1] for run in two]

    assert [run.returncode for run in two] == [0, 0], errors
    assert sum("another run is writing" in error for error in errors) <= 1
    told = rows(tmp_path, "select count(distinct message_key) from ops.alert_deliveries")[0][0]
    assert len(list((tmp_path / "outbox").glob("*.txt"))) == told


def test_a_run_that_is_stopped_says_what_is_safe_and_the_next_one_goes_on(company, tmp_path):
    run = subprocess.Popen(
        [PACELINE, "run"],
        env=environment(tmp_path, **company),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    said = ""
    while "reading" not in said:
        said += run.stderr.readline()
    run.send_signal(signal.SIGTERM)
    said += run.communicate(timeout=300)[1]

    assert run.returncode == 1
    assert "the run was stopped by SIGTERM or Ctrl-C; nothing is published half" in said
    assert "Dagster" not in said and "Traceback" not in said
    assert not (tmp_path / "warehouse.duckdb").exists()
    assert paceline(tmp_path, "run", **company).returncode == 0


def test_a_run_whose_process_is_gone_gets_an_end_and_one_that_waits_does_not():
    @dg.job
    def anything():
        pass

    gone = subprocess.Popen(["true"])
    gone.wait()
    here, elsewhere = socket.gethostname(), "another-machine"
    processes = {
        "gone": (gone.pid, here),
        "elsewhere": (gone.pid, elsewhere),  # that number says nothing of this machine
        "waits": (os.getppid(), here),
        "writes": (os.getppid(), here),
        "this one": (os.getpid(), here),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        runs = {
            name: instance.create_run_for_job(anything, tags={PID_TAG: str(pid), HOST_TAG: host}).run_id
            for name, (pid, host) in processes.items()
        }
        queued = instance.create_run_for_job(anything).run_id

        end_killed(instance, writer_run_id=runs["writes"], own_run_id=runs["this one"])

        ended = {name for name, run_id in runs.items() if instance.get_run_by_id(run_id).is_finished}
        assert ended == {"gone", "writes"}
        assert not instance.get_run_by_id(queued).is_finished
