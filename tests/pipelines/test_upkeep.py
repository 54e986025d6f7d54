"""Years of keeping a deployment: old calls go, it is backed up and restored, a person asks to be forgotten."""

import shutil
import sqlite3
import tarfile
from datetime import date
from pathlib import Path

import pytest

from connectors import litellm
from pipelines import kept
from pipelines.forget import IDENTITY_KEY, CannotForget, Eraser, eraser_of
from pipelines.kept import KEPT, kept_days
from pipelines.lake import Lake
from pipelines.retention import CannotRetain, first_day_of_calls, keep_rows, plan_removal, remove_calls
from pipelines.settings import EXAMPLES, load_settings
from tests import generated_agents
from tests.agents import FEEDS, load
from tests.events import EventHalf
from tests.generated_agents import SOURCES
from tests.runs import content, paceline, rows
from tests.written import everything_written

ALL = {**FEEDS, "litellm": litellm.requests}
CALLS = "raw/litellm__requests"


def company(org: Path) -> dict[str, str]:
    """The example company as one that configured its source, so that its org files may be edited."""
    return {
        "LITELLM_LOGS": str(EXAMPLES / "gateway"),
        "PACELINE_ORG_DIR": str(org),
        "PACELINE_AS_OF": "2026-11-22",
        "PACELINE_KEEP_MONTHS": "1",
    }


@pytest.fixture(scope="module")
def old(example, tmp_path_factory) -> Path:
    """A copy of a data directory after a run, and beside it the org files."""
    base = tmp_path_factory.mktemp("old")
    shutil.copytree(example, base / "data")
    (base / "data" / "examples_only").unlink()
    shutil.copytree(EXAMPLES / "org", base / "org")
    return base


@pytest.fixture(scope="module")
def restored(old, tmp_path_factory) -> Path:
    """That deployment without calls before October, backed up, restored elsewhere, after a run there."""
    base = tmp_path_factory.mktemp("restored")
    variables = company(old / "org")
    shown = paceline(old / "data", "retain", **variables)
    assert "would go" in shown.stdout and not kept_days(lake_in(old)), shown.stderr
    removed = paceline(old / "data", "retain", "--apply", **variables)
    assert removed.returncode == 0, removed.stderr
    saved = paceline(old / "data", "backup", str(base / "backup.tar"), **variables)
    assert saved.returncode == 0, saved.stderr
    (base / "data").mkdir()
    given = paceline(base / "data", "restore", str(base / "backup.tar"), **company(base / "org"))
    assert given.returncode == 0, given.stderr
    shutil.copytree(old / "data" / "dbt", base / "data" / "dbt")  # parsed already
    done = paceline(base / "data", "run", **company(base / "org"))
    assert done.returncode == 0, done.stderr
    return base


def lake_in(base: Path) -> Lake:
    return Lake(str(base / "data" / "lake"), base / "scratch")


def test_every_number_stays_when_old_calls_go_and_everything_is_made_anew_from_a_backup(example, restored):
    days = [path.partition("day=")[2][:10] for path in lake_in(restored).files(CALLS) if "day=" in path]

    # The last day that is kept as rows has its calls still: October 1 may share a call with it at midnight.
    assert min(days) == "2026-09-30"
    assert (min(kept_days(lake_in(restored))), max(kept_days(lake_in(restored)))) == (
        date(2026, 8, 24),
        date(2026, 9, 30),
    )
    assert content(restored / "data") == content(example)


def test_a_backup_has_lake_ledger_org_and_runs_and_nothing_that_is_made_anew(restored):
    with tarfile.open(restored / "backup.tar") as tar:
        names = tar.getnames()

    folders = {"/".join(name.split("/")[:2]) for name in names}
    assert {"lake/raw", "lake/lake_version.json", "org/caps.csv", "data/dagster", "data/ledger.sqlite"} <= folders
    assert not [name for name in names if "duckdb" in name or "dbt" in name or ".env" in name]
    assert (restored / "backup.tar").stat().st_mode & 0o077 == 0
    assert (restored / "org" / "caps.csv").read_text() == (EXAMPLES / "org" / "caps.csv").read_text()


def test_a_backup_goes_into_an_empty_folder_only_and_a_part_of_one_nowhere(restored, tmp_path):
    again = paceline(restored / "data", "restore", str(restored / "backup.tar"))
    (tmp_path / "part.tar").write_bytes((restored / "backup.tar").read_bytes()[:200_000])
    (tmp_path / "data").mkdir()
    part = paceline(tmp_path / "data", "restore", str(tmp_path / "part.tar"))

    assert (again.returncode, part.returncode) == (1, 1)
    assert "is not empty" in again.stderr
    assert "is no whole backup" in part.stderr
    assert list((tmp_path / "data").iterdir()) == []


def test_a_database_in_use_is_backed_up_as_of_one_moment(tmp_path):
    from pipelines.backup import _still

    file = tmp_path / "ledger.sqlite"
    writer = sqlite3.connect(file)
    writer.execute("pragma journal_mode = wal")
    writer.execute("create table t (n integer)")
    writer.execute("insert into t values (1)")
    writer.commit()
    writer.execute("insert into t values (2)")  # not committed yet

    archived = shutil.copyfile(_still(file, tmp_path), tmp_path / "archived.sqlite")
    with sqlite3.connect(archived) as copy:
        assert copy.execute("select n from t").fetchall() == [(1,)]
    writer.close()


def test_calls_that_come_for_a_kept_day_never_count_and_go_with_the_next_removal(restored, monkeypatch):
    lake = lake_in(restored)
    settings = settings_of(restored, monkeypatch)
    lake.write_rows([], {"id": "VARCHAR"}, f"{CALLS}/day=2026-09-01/from_late.parquet")

    removal = plan_removal(lake, date(2026, 11, 22), keep_months=1)

    assert (removal.days, removal.files) == ([], [f"{CALLS}/day=2026-09-01/from_late.parquet"])
    assert removal.late_days == [date(2026, 9, 1)]
    remove_calls(lake, settings, removal)
    assert plan_removal(lake, date(2026, 11, 22), keep_months=1).files == []


def test_a_call_at_the_midnight_that_ends_the_kept_days_counts_once(tmp_path):
    calls = generated_agents.company(date(2026, 10, 31), date(2026, 11, 1))
    generated_agents.write(calls, tmp_path / "files")
    half = EventHalf(Lake(str(tmp_path / "lake"), tmp_path / "scratch"))
    for source in SOURCES:
        load(half.lake, ALL[source], tmp_path / "files" / source)
    half.run()
    before = half.content()
    half.db.execute("create schema intermediate")
    for table in set(KEPT) - {"concurrency_daily"}:
        half.db.execute(f"create view intermediate.int_{table} as from main.int_{table}")
    nothing = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in KEPT["concurrency_daily"].items())
    half.db.execute(f"create table intermediate.int_concurrency_daily as select {nothing} limit 0")
    removal = plan_removal(half.lake, date(2026, 12, 5), keep_months=1)
    assert removal.days == [date(2026, 10, 31)]

    keep_rows(half.lake, half.db, removal.days)
    for path in removal.files:
        half.lake.remove(path)
    half.run()
    half.built.clear()  # and from the lake alone
    half.run()

    assert half.content() == before


def test_the_job_is_a_dry_run_unless_it_is_told_to_apply(example, tmp_path, monkeypatch):
    from pipelines.definitions import build_defs

    shutil.copytree(example, tmp_path / "data")
    monkeypatch.setenv("PACELINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PACELINE_KEEP_MONTHS", "1")
    lake = lake_in(tmp_path)
    before = lake.files("raw")
    job = build_defs(load_settings()).resolve_job_def("retention")

    assert job.execute_in_process().success
    assert lake.files("raw") == before
    assert job.execute_in_process(run_config={"ops": {"remove_old_calls": {"config": {"apply": True}}}}).success
    assert min(path for path in lake.files(CALLS) if "/day=" in path).startswith(f"{CALLS}/day=2026-09-30/")


def test_nothing_is_removed_that_was_not_built(old, tmp_path, monkeypatch):
    settings = settings_of(old, monkeypatch)
    lake = lake_in(old)
    lake.write_rows([], {"id": "VARCHAR"}, f"{CALLS}/day=2026-10-02/from_late.parquet")
    before = lake.files("raw")

    with pytest.raises(CannotRetain, match="2026-10-02 on are not built from what the lake holds now"):
        remove_calls(lake, settings, plan_removal(lake, date(2026, 12, 22), keep_months=1))

    assert lake.files("raw") == before


def test_so_many_whole_months_are_kept_before_the_one_that_runs():
    assert first_day_of_calls(date(2026, 11, 22), 1) == date(2026, 10, 1)
    assert first_day_of_calls(date(2026, 11, 22), 11) == date(2025, 12, 1)
    assert first_day_of_calls(date(2026, 1, 1), 12) == date(2025, 1, 1)


def test_every_column_of_the_daily_rows_is_kept_in_a_type_that_holds_it(example):
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows(
        example,
        """
        select table_name, column_name, data_type from duckdb_columns()
        where schema_name = 'intermediate' order by column_index""",
    ):
        found.setdefault(table, {})[column] = kind.replace("HUGEINT", "BIGINT")
    by_day = """
        select table_name from duckdb_columns()
        where schema_name = 'intermediate' and column_name in ('utc_date', 'usage_date')
        group by table_name having count(*) = 2"""
    incremental = {name for (name,) in rows(example, by_day)} - {"int_usage_attributed"}

    assert incremental == {f"int_{table}" for table in KEPT}
    assert {table: found[f"int_{table}"] for table in KEPT} == KEPT
    assert list(kept.KEPT)[-1] == kept.USAGE  # written last: it says that a day is kept


def test_who_is_forgotten_under_a_pseudonym_is_nowhere_and_every_total_stays(restored):
    before = content(restored / "data")
    variables = company(restored / "org")
    words = ["dev-02", "dev-02@example.test", "Developer 02", "dev-02-agent"]
    assert everything_written([restored / "data", restored / "org"], words)

    done = paceline(restored / "data", "forget", "dev-02", "--pseudonym", "person-17", "--apply", **variables)

    assert done.returncode == 0, done.stderr
    assert everything_written([restored / "data", restored / "org"], words) == []
    after = content(restored / "data")
    for table in ("core.team_monthly", "core.model_daily", "core.task_usage", "plan.overflow_pool"):
        assert after[table] == before[table], table
    measures = "select count(*), sum(requests), sum(total_tokens), sum(cost_usd) from core.developer_daily where {}"
    assert rows(restored / "data", measures.format("developer_id = 'person-17'")) != [(0, None, None, None)]
    # The key of an identity is the one that a call of the same identity would get.
    usage = "select count(*), count(*) filter (where identity_key = {}) from intermediate.int_usage_daily"
    ((all_rows, alike),) = rows(restored / "data", usage.format(IDENTITY_KEY))
    assert all_rows == alike


@pytest.fixture
def eraser() -> Eraser:
    mine = {"anna": "p-1", "anna@x.test": "p-1-1@forgotten.invalid", "Zoë Ohm": "p-1-2"}
    return Eraser(mine, others=["anna-maria", "hanna", "anna@other.test"])


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("anna", "p-1"),
        ("cap_level/developer/anna/2026-11/80", "cap_level/developer/p-1/2026-11/80"),
        ("ANNA@x.test and Anna.", "p-1-1@forgotten.invalid and p-1."),
        ("anna-maria, hanna, annabel, anna@other.test", "anna-maria, hanna, annabel, anna@other.test"),
        ('{"text": "Zo\\u00eb Ohm is over"}', '{"text": "p-1-2 is over"}'),
        ("from_anna-x-test-12ab.parquet", "from_p-1-1@forgotten.invalid-12ab.parquet"),
    ],
)
def test_a_person_is_found_as_a_word_and_others_keep_their_names(eraser, text, without):
    assert eraser.text(text) == without


@pytest.mark.parametrize("pseudonym", ["Person 1", "x", "hanna"])
def test_a_pseudonym_is_a_plain_word_and_nobody_s_id(pseudonym):
    with pytest.raises(CannotForget, match="is no pseudonym"):
        eraser_of(["anna"], ["hanna"], pseudonym)


def test_each_id_becomes_another_one():
    eraser = eraser_of(["anna", "anna@x.test", "key-1"], [], None)

    found = [eraser.text(word) for word in ("anna", "anna@x.test", "key-1")]

    assert len(set(found)) == 3 and all(one.startswith("forgotten-") for one in found)


def settings_of(base: Path, monkeypatch):
    for name, value in company(base / "org").items():
        monkeypatch.setenv(name, value)
    return load_settings(PACELINE_DATA_DIR=base / "data")
