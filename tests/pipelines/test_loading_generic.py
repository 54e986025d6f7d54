"""Declared sources on their way to one raw relation: loaded apart, read together, kept when no longer declared."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from connectors.generic_jsonl import declared
from pipelines.lake import Lake
from pipelines.loading import Load, load_log_feed
from pipelines.raw import create_raw, days_to_build, write_model_names
from pipelines.settings import load_settings
from tests.gateway import NOW, write_lines
from tests.runs import paceline, rows

D22 = date(2026, 11, 22)
MAPPING = """
name: {name}
location: {name}
where: {{kind: call}}
fields:
  id: id
  started_at: at
  provider: {{constant: openai}}
  model: model
  input_tokens: in
  output_tokens: out
  user_id: who
"""


@pytest.fixture
def mappings(tmp_path) -> Path:
    """A folder of mappings, with a source `east` and its records beside it."""
    folder = tmp_path / "mappings"
    declare(folder, "east", call(id="e1"), call(id="e2"), call(id="span", kind="span"))
    return folder


def declare(folder: Path, name: str, *records: object) -> None:
    write_lines(folder / name / "2026-11-20" / "a.jsonl", *records)
    (folder / f"{name}.yml").write_text(MAPPING.format(name=name))


def call(**changes: object) -> dict:
    at = "2026-11-20T12:00:00Z"
    return {"id": "c", "kind": "call", "at": at, "model": "gpt-5", "in": 10, "out": 5, "who": "u"} | changes


def load(lake: Lake, mappings: Path) -> dict[str, Load]:
    """Load every declared feed; its name -> what the load did."""
    return {
        feed.name: load_log_feed(lake, feed, feed.location, D22, lambda: NOW, say=lambda text: None)
        for feed in declared({"GENERIC_LOGS": str(mappings)})
    }


def relation(lake: Lake, tmp_path: Path, monkeypatch, mappings: Path | None) -> tuple[list[tuple], list[str]]:
    """(source, id, day, tokens) of raw.generic_jsonl__events, and the generic feeds that raw.paceline__feeds lists."""
    monkeypatch.setenv("GENERIC_LOGS", str(mappings or ""))
    settings = load_settings(PACELINE_DATA_DIR=tmp_path / "data")
    days = days_to_build(lake, settings, {})
    write_model_names(lake, days)
    with duckdb.connect() as db:
        create_raw(db, lake, settings, days, D22, date(2026, 12, 1), NOW)
        found = db.execute("select source_name, id, day, input_tokens from raw.generic_jsonl__events order by all")
        calls = found.fetchall()
        feeds = db.execute("select feed from raw.paceline__feeds where feed like 'generic%' order by all").fetchall()
        assert db.execute("describe raw.generic_jsonl__events").fetchall()
    return calls, [feed for (feed,) in feeds]


def test_declared_sources_are_loaded_apart_and_read_as_one_relation(lake, tmp_path, mappings, monkeypatch):
    declare(mappings, "west", call(id="e1", **{"in": 7}), "bad")

    done = load(lake, mappings)
    calls, feeds = relation(lake, tmp_path, monkeypatch, mappings)

    day = date(2026, 11, 20)
    assert calls == [("east", "e1", day, 10), ("east", "e2", day, 10), ("west", "e1", day, 7)]
    assert feeds == ["generic_jsonl__east", "generic_jsonl__west"]
    assert [(load.feed, load.records, load.skipped, load.quarantined) for load in done.values()] == [
        ("generic_jsonl__east", 2, 1, 0),
        ("generic_jsonl__west", 1, 0, 1),
    ]


def test_a_source_that_is_no_longer_declared_keeps_its_history(lake, tmp_path, mappings, monkeypatch):
    load(lake, mappings)
    before, _ = relation(lake, tmp_path, monkeypatch, mappings)

    after, feeds = relation(lake, tmp_path, monkeypatch, None)

    assert after == before != []
    assert feeds == ["generic_jsonl__events"]


def test_without_any_declared_source_the_relation_is_empty(lake, tmp_path, monkeypatch):
    assert relation(lake, tmp_path, monkeypatch, None) == ([], ["generic_jsonl__events"])


def test_files_are_read_again_when_their_mapping_says_something_else(lake, mappings):
    load(lake, mappings)
    assert load(lake, mappings)["east"].files_read == 0
    path = mappings / "east.yml"
    path.write_text(path.read_text().replace("user_id: who", "user_id: who\n  team_id: {constant: platform}"))

    done = load(lake, mappings)["east"]

    assert (done.files_read, done.records) == (1, 2)
    (file,) = (path for path in lake.files("raw/generic_jsonl__east") if "day=2026-11-20" in path)
    assert {row["team_id"] for row in lake.read_rows(file)} == {"platform"}


def test_the_same_file_twice_and_in_any_order_counts_once(lake, tmp_path, mappings, monkeypatch):
    write_lines(mappings / "east" / "2026-11-21" / "late.jsonl", call(id="late"))
    load(lake, mappings)
    before, _ = relation(lake, tmp_path, monkeypatch, mappings)
    other = Lake(str(tmp_path / "other"), tmp_path / "scratch")
    late = mappings / "east" / "2026-11-21"
    late.rename(tmp_path / "later")
    load(other, mappings)
    (tmp_path / "later").rename(late)
    load(other, mappings)
    load(other, mappings)

    assert relation(other, tmp_path, monkeypatch, mappings)[0] == before


def test_a_mapping_with_a_mistake_fails_alone_and_takes_nothing_away(lake, tmp_path, mappings, monkeypatch):
    load(lake, mappings)
    declare(mappings, "west", call(id="w1"))
    path = mappings / "east.yml"
    path.write_text(path.read_text().replace("id: id", "id: {}"))

    done = load(lake, mappings)

    assert (done["east"].status, done["east"].retry_helps, done["west"].status) == ("failed", False, "loaded")
    assert done["east"].error.startswith("east.yml, line 6: fields.id: expected exactly one of path, first, constant.")
    calls, _ = relation(lake, tmp_path, monkeypatch, mappings)
    assert [(source, call_id) for source, call_id, *_ in calls] == [("east", "e1"), ("east", "e2"), ("west", "w1")]


def test_a_location_that_is_not_there_is_told_by_the_line_that_says_it(lake, mappings):
    path = mappings / "east.yml"
    path.write_text(path.read_text().replace("location: east", "location: nowhere"))

    (done,) = load(lake, mappings).values()

    assert done.error.startswith(f"location (east.yml, line 3) is '{mappings / 'nowhere'}': there is no such folder.")


def test_a_run_loads_declared_sources_and_ends_red_for_a_wrong_mapping(tmp_path, mappings):
    (mappings / "west.yml").write_text("name: west\n")
    # Two people of no team, on three days: what is expected of them has no team to add up to.
    of_no_team = [call(id=f"d{n}", at=f"2026-11-2{n % 3}T09:00:00Z", who=f"u{n % 2}") for n in range(6)]
    write_lines(mappings / "east" / "2026-11-22" / "b.jsonl", *of_no_team)
    variables = {"GENERIC_LOGS": str(mappings), "PACELINE_AS_OF": "2026-11-22"}

    done = paceline(tmp_path, "run", "--no-alerts", **variables)
    listed = paceline(tmp_path, "sources", **variables).stdout

    assert done.returncode == 1
    assert "west.yml, line 1: location: is missing: expected a folder or s3://bucket/prefix." in done.stderr
    assert rows(tmp_path, "select feed, status, records, skipped from ops.loads order by all") == [
        ("generic_jsonl__east", "loaded", 8, 1),
        ("generic_jsonl__west", "failed", 0, 0),
    ]
    people = "select developer_id, sum(total_tokens) from core.fct_usage_daily group by developer_id order by all"
    assert rows(tmp_path, people) == [("u", 30), ("u0", 45), ("u1", 45)]
    assert "generic_jsonl__east" in listed
    assert "west.yml, line 1" in listed
    with duckdb.connect(str(tmp_path / "build" / "warehouse.duckdb"), read_only=True) as db:
        calls = db.execute("""
            select source, request_id, usage_quality, input_tokens, output_tokens, started_at
            from staging.stg_generic_jsonl__events where request_id like 'e%' order by request_id""").fetchall()
    at = datetime(2026, 11, 20, 12)
    assert calls == [("generic_jsonl__east", name, "reported", 10, 5, at) for name in ("e1", "e2")]
