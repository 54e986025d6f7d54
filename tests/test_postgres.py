"""Several machines: the ledger and Dagster's storage in PostgreSQL, each machine with a data directory of its own."""

import subprocess
import sys
import threading

import pytest

from alerts import SlackSettings, deliver, open_ledger
from alerts._deliver import DeliveryBusy
from tests.alerts.fake_slack import TOKEN, FakeSlack
from tests.alerts.rows import NOW, at, developer_row, team_row
from tests.postgres import postgres, programs
from tests.runs import environment

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql")


@pytest.fixture(scope="module")
def server():
    with postgres() as address:
        yield address


@pytest.fixture
def ledger(server):
    ledger = open_ledger(f"postgresql+psycopg://{server}")
    yield ledger
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade; create schema public")


@pytest.fixture
def slack(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    slack = FakeSlack(clock=NOW.timestamp())
    yield slack
    slack.stop()


def tell(ledger, slack, outbox, **more):
    settings = SlackSettings(
        token=TOKEN, api_url=slack.url, org_channel="C0ORG", ops_channel="C0OPS", seconds_between_posts=0
    )
    rows = [team_row(), *(developer_row(f"dev-{n}", level=100) for n in range(3))]
    return deliver(rows, settings, ledger, outbox, at(NOW), lambda _: None, **more)


def test_three_machines_that_deliver_at_once_tell_each_alert_once(ledger, slack, tmp_path):
    ledgers = [ledger, *(open_ledger(ledger._engine.url.render_as_string(hide_password=False)) for _ in range(2))]
    done = []
    machines = [
        threading.Thread(target=lambda n=n, own=own: done.extend(tell(own, slack, tmp_path / str(n))))
        for n, own in enumerate(ledgers)
    ]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join()

    assert sorted((one.alert_key, one.state) for one in done) == sorted(
        (key, record["state"]) for (key, _), record in ledger.records().items()
    )
    assert {record["state"] for record in ledger.records().values()} == {"delivered"}
    assert len(slack.messages) == len({(one["channel"], one["text"]) for one in slack.messages}) == 4


def test_a_delivery_waits_for_one_on_another_machine_and_tells_nothing_when_that_takes_too_long(
    ledger, slack, tmp_path
):
    other = open_ledger(ledger._engine.url.render_as_string(hide_password=False))

    with other.locked(1) as is_ours, pytest.raises(DeliveryBusy, match="has held Ledger.postgresql"):
        assert is_ours
        tell(ledger, slack, tmp_path, lock_wait_seconds=0.05)

    assert (slack.messages, ledger.records()) == ([], {})
    assert tell(ledger, slack, tmp_path, lock_wait_seconds=0.05) != []


def test_what_was_told_is_exported_from_postgres_with_times_in_utc(ledger, slack, tmp_path):
    tell(ledger, slack, tmp_path)

    exported = ledger.export()["alert_deliveries"]

    assert {row["delivered_at"] for row in exported} == {NOW.replace(tzinfo=None)}
    empty = open_ledger(f"sqlite:///{tmp_path}/copy.sqlite")
    empty.restore(ledger.export())
    assert sorted(map(str, empty.export()["alert_deliveries"])) == sorted(map(str, exported))


WORK = """
import sys
from pathlib import Path
from pipelines import home
home.ensure_home(Path(sys.argv[1]))
import dagster as dg
@dg.op
def work():
    pass
@dg.job
def counted():
    work()
with dg.DagsterInstance.get() as instance:
    counted.execute_in_process(instance=instance)
    for run in instance.get_runs():
        steps = [event for event in instance.all_logs(run.run_id) if event.step_key == "work"]
        print(run.job_name, run.status.value, len(steps) > 0)
"""


def test_machines_see_each_others_runs_and_keep_none_in_files(server, tmp_path):
    seen = []
    for machine in ("one", "other"):
        env = environment(tmp_path / machine, PACELINE_DAGSTER_URL=f"postgresql+psycopg2://{server}")
        done = subprocess.run(
            [sys.executable, "-c", WORK, str(tmp_path / machine)], env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        seen.append(done.stdout.split("\n")[:-1])

    assert seen == [["counted SUCCESS True"], ["counted SUCCESS True"] * 2]
    assert [path for path in tmp_path.rglob("*.db")] == []
    assert server not in (tmp_path / "one" / "dagster" / "dagster.yaml").read_text()
