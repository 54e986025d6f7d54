"""A lake, a ledger and a build file of an earlier version go on with this one; those of a later one are refused."""

import json
import shutil
import sqlite3
import tarfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from alerts import open_ledger
from pipelines import forget, versions
from pipelines.lake import Lake
from pipelines.raw import create_raw, days_to_build
from pipelines.run_context import lake_of
from pipelines.settings import load_settings, utc_now
from pipelines.versions import LAKE_VERSION, LakeTooNew, bring_up_to_date, lake_version
from tests.gateway import DATA
from tests.runs import paceline, rows
from tests.written import everything_written

RELEASES = sorted(file.name.removesuffix(".tar.xz") for file in (DATA / "releases").glob("*.tar.xz"))
CALLS = "select count(*), sum(prompt_tokens), sum(completion_tokens) from read_parquet(?)"
DAYS = "raw/litellm__requests/day=*/*.parquet"
PLATFORM = """developer_id,email,name,team_id,valid_from,valid_to,role
dev-01,dev-01@example.test,Developer 01,platform,2026-01-01,,human
dev-03,dev-03@example.test,Developer 03,platform,2026-01-01,,human
"""


def unpacked(release: str, data_dir: Path) -> Path:
    with tarfile.open(DATA / "releases" / f"{release}.tar.xz") as tar:
        tar.extractall(data_dir, filter="data")
    return data_dir


@pytest.mark.parametrize("release", RELEASES)
def test_every_relation_can_be_read_from_the_lake_of_an_earlier_version(release, tmp_path, monkeypatch):
    monkeypatch.setenv("LITELLM_LOGS", str(tmp_path))
    settings = load_settings(PACELINE_DATA_DIR=unpacked(release, tmp_path / "data"), PACELINE_AS_OF=date(2026, 11, 20))
    lake = lake_of(settings)

    bring_up_to_date(lake, say=print)

    days = days_to_build(lake, settings, {})
    with duckdb.connect() as db:
        create_raw(db, lake, settings, days, settings.as_of, date(2026, 12, 1), utc_now())
        views = db.execute("select view_name from duckdb_views() where schema_name = 'raw'").fetchall()
        counted = {view: len(db.execute(f"from raw.{view}").fetchall()) for (view,) in views}
    assert counted["litellm__requests"] == 43
    assert (counted["org__developers"], counted["paceline__loads"], counted["genai_prices__prices"] > 0) == (6, 1, True)
    assert ("cap_level/team/platform/2026-11/100", "#ai-capacity-platform") in open_ledger(
        settings.ledger_url
    ).records()


def test_what_the_first_version_left_behind_is_all_there_after_a_run(example, tmp_path, monkeypatch):
    org, logs = tmp_path / "org", tmp_path / "logs"
    data_dir = unpacked(RELEASES[0], tmp_path / "data")
    shutil.copytree(example / "dbt", data_dir / "dbt")  # parsed already
    org.mkdir()
    (org / "developers.csv").write_text(PLATFORM)
    (org / "caps.csv").write_text("scope,scope_id,month,cap_tokens,cap_usd\ndeveloper,dev-03,2026-11,1000,\n")
    logs.mkdir()  # what these days were loaded from is gone
    company = {"LITELLM_LOGS": str(logs), "PACELINE_ORG_DIR": str(org), "PACELINE_AS_OF": "2026-11-20"}

    done = paceline(data_dir, "run", **company)

    assert done.returncode == 0, done.stderr
    assert json.loads((data_dir / "lake/lake_version.json").read_text()) == {"version": LAKE_VERSION}
    used = """
        select usage_date::varchar, sum(requests)::int, sum(total_tokens)::int from core.fct_usage_daily
        group by all order by all"""
    assert rows(data_dir, used) == [
        ("2026-11-18", 14, 264108),
        ("2026-11-19", 12, 54698),
        ("2026-11-20", 15, 148880),
    ]
    cost = "select round(sum(cost_usd), 4) from core.fct_usage_daily where developer_id = 'dev-03'"
    assert rows(data_dir, cost) == [(Decimal("0.2517"),)]
    told = "select count(*) from ops.alert_deliveries where alert_key = 'cap_level/team/platform/2026-11/100'"
    assert rows(data_dir, told) == [(1,)]

    # The same days once more: a person who asks to be forgotten, without a pseudonym.
    for name, value in {**company, "PACELINE_DATA_DIR": str(data_dir)}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    words, others = forget.words_of(settings, "dev-03")
    eraser = forget.eraser_of(words, others, None)
    lake = lake_of(settings)
    with lake.connect() as db:
        tokens = db.execute(CALLS, [lake.path(DAYS)]).fetchall()
    shown = forget.together(forget.forget(settings, lake, words, eraser, keep_rows=False, apply=False))
    assert everything_written([data_dir], ["dev-03"])
    found = forget.together(forget.forget(settings, lake, words, eraser, keep_rows=False, apply=True))
    assert found.keys() == shown.keys()
    assert {"dev-03", "dev-03@example.test", "Developer 03", "dev-03-agent"} <= set(words)
    assert {"lake, raw/litellm__requests", "ledger", f"{org / 'developers.csv'}, lines"} <= set(found)
    (data_dir / "warehouse.duckdb").unlink()  # the next run makes it anew
    assert everything_written([data_dir, org], words) == []
    with lake.connect() as db:
        assert db.execute(CALLS, [lake.path(DAYS)]).fetchall() == tokens
    assert (org / "caps.csv").read_text() == "scope,scope_id,month,cap_tokens,cap_usd\n"
    with sqlite3.connect(data_dir / "ledger.sqlite") as ledger:
        assert ledger.execute("select count(*) from deliveries where scope = 'developer'").fetchall() == [(0,)]


def test_a_lake_of_a_later_version_is_refused_and_left_as_it_is(lake, tmp_path):
    bring_up_to_date(lake, say=print)
    stamp = tmp_path / "lake" / "lake_version.json"
    stamp.write_text(json.dumps({"version": LAKE_VERSION + 1}))

    with pytest.raises(LakeTooNew, match=f"has version {LAKE_VERSION + 1}, this Paceline knows {LAKE_VERSION}"):
        bring_up_to_date(lake, say=print)

    assert lake_version(lake) == LAKE_VERSION + 1


def test_a_run_on_a_lake_of_a_later_version_says_what_to_do(tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "lake_version.json").write_text(json.dumps({"version": 99}))
    (tmp_path / "examples_only").touch()

    done = paceline(tmp_path, "backup", str(tmp_path / "b.tar"))

    assert done.returncode == 1
    assert "has version 99" in done.stderr and "Install the Paceline that wrote it" in done.stderr
    assert not (tmp_path / "b.tar").exists()


def test_a_migration_that_was_killed_is_done_again(lake, monkeypatch):
    lake.write_rows([], {"id": "VARCHAR"}, "raw/a__b/_schema.parquet")
    lake.write_rows([{"id": "1"}], {"id": "VARCHAR"}, "raw/a__b/day=2026-11-20/from_x.parquet")
    whole = Lake.remove

    def killed(self, path):
        whole(self, path)
        raise KeyboardInterrupt

    monkeypatch.setattr(Lake, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(lake, say=print)
    assert lake_version(lake) == 1
    monkeypatch.setattr(Lake, "remove", whole)

    bring_up_to_date(lake, say=print)

    assert (lake_version(lake), list(lake.files("raw"))) == (LAKE_VERSION, ["raw/a__b/day=2026-11-20/from_x.parquet"])
    assert sorted(versions.MIGRATIONS) == list(range(1, LAKE_VERSION))
