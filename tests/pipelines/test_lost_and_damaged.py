"""What storage does to a run: files of the lake that vanish or rot, a lost ledger, a full or closed disk, a clock that
goes back, a source that is away for long."""

import shutil
import subprocess
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

import alerts
from connectors import openai
from connectors.litellm import requests
from pipelines.assets.choices import load_org
from pipelines.assets.models import prepare_build
from pipelines.assets.outcome import failed_loads
from pipelines.lake import LakeDamaged
from pipelines.ledger_feeds import export_ledger, restore_ledger
from pipelines.loading import Load, load_log_feed, record_load
from pipelines.loading_api import load_api_feed, write_version
from pipelines.planning import issue_plan
from pipelines.publish import publish
from pipelines.raw import PLANS, org_path
from pipelines.run_context import RunChoices, RunContext
from pipelines.settings import EXAMPLES, load_settings
from tests.alerts.fake_slack import TOKEN, FakeSlack
from tests.alerts.rows import NOW as TOLD_AT
from tests.alerts.rows import at as at_hour
from tests.alerts.rows import developer_row, team_row
from tests.gateway import NOW, record, write_lines
from tests.providers import Providers, bill
from tests.runs import paceline
from tests.runs import rows as query
from tests.torture import left_over

D19, D20, D21, D22 = (date(2026, 11, day) for day in range(19, 23))
FEED = "raw/litellm__requests"
USAGE = next(feed for feed in openai.source.feeds if feed.table == "openai__completions")


@pytest.fixture
def load(lake, logs):
    """Three days of logs in the lake, each from its folder; called again, another load of them."""
    for day in (D19, D20, D21):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        write_lines(logs / f"{day}" / "a.jsonl", record(at=noon, id=f"{day:%d}"), record(at=noon, id=f"{day:%d} too"))

    def run() -> Load:
        return load_log_feed(lake, requests, str(logs), D22, lambda: NOW, say=lambda text: None)

    assert run().status == "loaded"
    return run


@pytest.fixture
def run(lake, tmp_path, monkeypatch) -> RunContext:
    """A run whose steps the test takes itself."""
    monkeypatch.setenv("LITELLM_LOGS", str(tmp_path / "logs"))
    settings = load_settings(PACELINE_DATA_DIR=tmp_path / "data", PACELINE_LAKE=lake.root, PACELINE_AS_OF="2026-11-22")
    return RunContext.of(settings, "run-1", RunChoices(), say=lambda text: None)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB; to mount one takes rights that not everybody has."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def file_of(lake, day: date) -> str:
    """The one file of a day with records."""
    [path] = lake.files(f"{FEED}/day={day}")
    return path


def rows(lake) -> dict[str, list]:
    return {path: sorted(map(repr, lake.read_rows(path))) for path in lake.files(FEED) if "/day=" in path}


# --- The lake


def test_a_file_that_vanished_from_the_lake_is_read_from_its_source_again_and_no_other_folder_is(lake, load):
    before = rows(lake)
    lake.remove(file_of(lake, D20))

    done = load()

    assert (done.status, done.folders_read, done.changed_days) == ("loaded", 1, [D20])
    assert rows(lake) == before


def test_a_file_that_vanished_from_the_lake_and_from_the_source_is_said_once(lake, logs, load):
    gone = file_of(lake, D20)
    lake.remove(gone)
    shutil.rmtree(logs / "2026-11-20")

    first, second = load(), load()

    assert (first.status, second.status) == ("failed", "loaded")
    assert f"gone from the lake: {gone}" in first.error
    assert "Restore them from a backup" in first.error


def test_logs_that_expire_at_the_source_take_nothing_away(lake, logs, load):
    before = rows(lake)
    shutil.rmtree(logs / "2026-11-20")

    assert load().status == "loaded"
    assert rows(lake) == before


@pytest.mark.parametrize("damage", [b"", b"not Parquet", b"PAR1 cut in the middle"])
def test_a_damaged_day_is_named_and_keeps_back_no_other_and_heals_when_it_is_removed(lake, load, run, damage):
    path = file_of(lake, D20)
    whole = lake.read_rows(path)
    Path(lake.path(path)).write_bytes(damage)

    days = prepare_build(run, whole=True)

    with duckdb.connect(str(run.settings.build_file)) as db:
        built = db.execute("select utc_date from raw.paceline__days_to_build order by all").fetchall()
        seen = db.execute("select count(*) from raw.litellm__requests").fetchall()
    assert built == [(D19,), (D21,), (D22,)] and days == 3  # the 22nd was looked at and is empty
    assert seen == [(4,)]
    [failed] = failed_loads(lake, run)
    assert failed.startswith(f"litellm__requests: damaged in the lake: {path}.")
    assert "remove it and run again" in failed

    lake.remove(path)
    assert load().changed_days == [D20]
    assert lake.read_rows(path) == whole
    assert prepare_build(run, whole=True) == 4


def test_a_part_of_the_models_is_not_built_over_days_that_are_not_built(lake, load, run):
    load()

    with pytest.raises(dg.Failure, match="Days have been loaded and are not built yet. Run the daily job"):
        prepare_build(run, whole=False)


def test_a_damaged_state_fails_its_feed_by_name_and_is_made_anew_when_it_is_removed(lake, load):
    before = rows(lake)
    path = f"{FEED}/_folders.parquet"
    Path(lake.path(path)).write_bytes(b"rotten")

    done = load()

    assert (done.status, done.retry_helps) == ("failed", False)
    assert f"damaged in the lake: {path}" in done.error
    lake.remove(path)
    assert load().status == "loaded"
    assert rows(lake) == before


def test_org_tables_that_vanished_are_read_from_their_csvs_again(lake, run, monkeypatch):
    monkeypatch.setattr(type(run.settings), "org_dir", EXAMPLES / "org")
    first = load_org(lake, run.settings)
    assert load_org(lake, run.settings) == {}
    lake.remove(org_path("developers"))

    assert load_org(lake, run.settings) == first
    assert len(lake.read_rows(org_path("developers"))) == first["developers"]


def test_a_damaged_small_file_says_what_to_do(lake):
    lake.write_rows([{"name": "a"}], {"name": "VARCHAR"}, "raw/a/rows.parquet")
    Path(lake.path("raw/a/rows.parquet")).write_bytes(b"")

    with pytest.raises(LakeDamaged, match="raw/a/rows.parquet. Retrying does not help: remove it and run again"):
        lake.read_rows("raw/a/rows.parquet")


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(lake, monkeypatch):
    lake.write_rows([{"n": 1}], {"n": "INTEGER"}, "raw/a/rows.parquet")
    file = Path(lake.path("raw/a/rows.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] + b"not whole")
    read = lake.connect

    @contextmanager
    def replaced_meanwhile():
        try:
            with read() as db:
                yield db
        except duckdb.Error:
            file.unlink()
            file.write_bytes(whole)
            raise

    monkeypatch.setattr(lake, "connect", replaced_meanwhile)

    assert lake.read_rows("raw/a/rows.parquet") == [{"n": 1}]


# --- The disk


def test_a_full_disk_leaves_the_file_that_was_there_and_nothing_half_written(lake, small_disk, tmp_path):
    target = small_disk / "warehouse.duckdb"
    target.write_bytes(b"the last good one")
    build = tmp_path / "build.duckdb"
    with duckdb.connect(str(build)) as db:
        db.execute("create table noise as select hash(range) as a, hash(range + 1) as b from range(400000)")

    with pytest.raises(OSError, match="No space left on device"):
        publish(build, target)

    assert [path.name for path in small_disk.iterdir()] == ["warehouse.duckdb"]
    assert target.read_bytes() == b"the last good one"


def test_a_run_on_a_full_disk_says_so_and_the_next_one_with_room_makes_up_for_it(small_disk, logs, is_long):
    if not is_long:
        pytest.skip("two runs: with --long, as make torture does")
    write_lines(logs / "2026-11-21" / "a.jsonl", record())
    variables = {"LITELLM_LOGS": str(logs), "PACELINE_AS_OF": "2026-11-22"}

    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)  # full while dbt builds
    full = paceline(small_disk, "run", **variables)
    subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
    with_room = paceline(small_disk, "run", **variables)

    assert full.returncode == 1
    assert "Free space on that disk and run again: nothing is lost." in full.stderr
    assert "Traceback" not in full.stderr
    assert with_room.returncode == 0, with_room.stderr
    assert query(small_disk, "select sum(total_tokens) from core.fct_usage_daily") == [(15,)]
    assert left_over(small_disk) == []


def test_a_folder_that_may_not_be_written_is_named_with_what_to_do(small_disk, logs):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    done = paceline(small_disk, "run", LITELLM_LOGS=str(logs), PACELINE_AS_OF="2026-11-22")

    assert done.returncode == 1
    assert str(small_disk) in done.stderr
    assert "Let this user read and write there and run again." in done.stderr
    assert "Traceback" not in done.stderr


# --- The ledger


@pytest.fixture
def slack():
    server = FakeSlack(clock=TOLD_AT.timestamp())
    yield server
    server.stop()


def test_a_lost_ledger_comes_back_from_the_lake_and_what_came_after_is_found_in_slack(lake, run, slack, tmp_path):
    settings = alerts.SlackSettings(token=TOKEN, api_url=slack.url, seconds_between_posts=0)
    file = run.settings.data_dir / "ledger.sqlite"
    early, late = [developer_row(f"dev-{n}") for n in (1, 2)], [team_row()]

    def tell(due, look_first):
        ledger = alerts.open_ledger(run.settings.ledger_url)
        alerts.deliver(due, settings, ledger, tmp_path / "outbox", at_hour(TOLD_AT), print, look_first=look_first)

    tell(early, look_first=False)  # one digest of two
    export_ledger(run.settings, lake)
    tell(early + late, look_first=False)  # and then the lake is not told any more
    before = len(slack.messages)
    file.unlink()

    assert export_ledger(run.settings, lake) == []  # nothing of the lake is overwritten
    assert restore_ledger(run.settings, lake)
    tell(early + late, look_first=True)

    assert len(slack.messages) == before == 2
    records = alerts.open_ledger(run.settings.ledger_url).records().values()
    states = {(one["alert_key"], one["state"]) for one in records}
    assert states == {(row["alert_key"], "delivered") for row in early + late}
    assert not restore_ledger(run.settings, lake)


# --- Time


def test_a_clock_that_went_back_hides_no_later_version_of_a_report(lake):
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    row = dict.fromkeys(USAGE.columns)
    assert write_version(lake, USAGE, D21, [row | {"model": "first"}], noon)
    assert write_version(lake, USAGE, D21, [row | {"model": "second"}], noon - timedelta(hours=3))

    last = max(lake.files(f"raw/{USAGE.table}/day={D21}"))
    assert [one["model"] for one in lake.read_rows(last)] == ["second"]


def test_a_clock_that_went_back_hides_no_later_plan(lake, run):
    run.settings.data_dir.mkdir(parents=True)
    columns = "date '2026-12-01' as plan_month, date '2026-11-22' as as_of_date, 'org' as scope, 'org' as scope_id"
    columns += ", null as team_id, 1 as baseline_tokens, 20 as baseline_days, 0.1 as growth_ratio, 1 as expected_tokens"
    columns += ", 0.2 as buffer_ratio, 1 as floor_tokens, 1 as recommended_cap_usd, 1 as current_cap_tokens"
    columns += ", 1 as current_cap_usd, 0.1 as change_ratio, 'why' as reason, 'why' as change_reason"
    for cap, hour in ((1, 12), (2, 9)):
        run.settings.warehouse_file.unlink(missing_ok=True)
        with duckdb.connect(str(run.settings.warehouse_file)) as db:
            db.execute("create schema plan")
            db.execute(f"create table plan.cap_recommendations as select {columns}, {cap} as recommended_cap_tokens")
        assert issue_plan(run.settings, lake, datetime(2026, 11, 23, hour, tzinfo=UTC)) == ("draft", 1, True)

    last = max(lake.files(PLANS))
    assert [row["recommended_cap_tokens"] for row in lake.read_rows(last)] == [2]


def test_a_clock_that_went_back_hides_no_failed_load(lake, run):
    for day in (1, 2, 3):
        ahead = datetime.now(UTC) + timedelta(days=day)
        record_load(lake, Load("litellm__requests", "earlier", ahead, D22, finished_at=ahead))
    now = datetime.now(UTC)
    record_load(lake, Load("litellm__requests", "run-1", now, D22, "failed", now, error="no such folder"))

    assert failed_loads(lake, run) == ["litellm__requests: no such folder"]


def test_a_source_that_was_away_for_a_week_is_asked_for_all_that_it_may_have_restated(lake):
    """Through the 14th all is well; until the 21st it is away; meanwhile it restates the 13th."""
    providers = Providers([row for row in bill() if row["day"] >= "2026-11-01"])

    def load_on(day: int, **environ: str) -> Load:
        now = datetime(2026, 11, day + 1, 5, tzinfo=UTC)
        environ = providers.environ | environ
        return load_api_feed(lake, USAGE, environ, date(2026, 11, day), lambda: now, now, say=lambda text: None)

    try:
        assert load_on(14).status == "loaded"
        restated = next(row for row in providers.rows if row["day"] == "2026-11-13" and row["provider"] == "openai")
        restated["output_tokens"] += 1_000_000
        for day in range(15, 22):
            assert load_on(day, OPENAI_ADMIN_KEY="sk-admin-wrong").status == "failed"
        back = load_on(22)
    finally:
        providers.stop()

    assert back.status == "loaded"
    week = {date(2026, 11, day) for day in range(15, 23)}
    assert week <= set(back.changed_days)
    assert date(2026, 11, 13) in back.changed_days
    last = max(lake.files(f"raw/{USAGE.table}/day=2026-11-13"))
    assert max(row["output_tokens"] for row in lake.read_rows(last)) > 1_000_000
