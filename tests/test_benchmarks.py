"""What benchmarks rest on: the made-up logs are LiteLLM's, the same every time, and all of them count."""

import json
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from benchmarks import plan_scale
from benchmarks.bench import LARGE, SMALL, arguments, chart
from benchmarks.company import phases
from benchmarks.generate import month, record, spread, write_logs
from benchmarks.measure import Row, count
from benchmarks.peers import BY_HAND
from benchmarks.queries import QUERIES
from connectors.litellm import requests
from pipelines.lake import Lake
from pipelines.loading import load_log_feed

DAYS = [date(2026, 11, 13), date(2026, 11, 14)]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.jsonl")}


def loaded(logs: Path, root: Path) -> list[str]:
    """Load the logs and return the files of the lake."""
    lake = Lake(str(root / "lake"), root / "tmp")
    load = load_log_feed(lake, requests, str(logs), DAYS[-1], lambda: datetime(2026, 11, 20, tzinfo=UTC))
    assert (load.status, load.quarantined) == ("loaded", 0)
    return [lake.path(path) for path in lake.files(f"raw/{requests.table}") if "/from_" in path]


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path):
    for folder, seed in (("one", 8), ("again", 8), ("other", 9)):
        write_logs(tmp_path / folder, 300, DAYS, seed=seed)

    assert content(tmp_path / "one") == content(tmp_path / "again")
    assert content(tmp_path / "one") != content(tmp_path / "other")


def test_slim_and_whole_records_load_to_the_same_rows_and_each_call_is_counted_once(tmp_path):
    rows = {}
    for shape in ("slim", "full"):
        written = write_logs(tmp_path / shape, 1_500, DAYS, shape=shape)
        files = loaded(tmp_path / shape, tmp_path / f"{shape}_lake")
        with duckdb.connect() as db:
            seen = db.execute("select * exclude (_file) from read_parquet(?) order by all", [files]).fetchall()
            different = db.execute("select count(distinct id) from read_parquet(?)", [files]).fetchall()
            by_hand = db.execute(f"select sum(spend) from ({BY_HAND})", {"files": files}).fetchall()
        assert len(seen) == written.records == 1_500
        assert different == [(written.calls,)]
        assert by_hand[0][0] > 0
        rows[shape] = seen

    assert 1_400 < written.calls < 1_500  # one in a hundred comes twice
    assert rows["slim"] == rows["full"]


def test_a_whole_record_has_the_13_kb_of_a_real_one_and_a_slim_one_what_is_read():
    assert 12_500 < len(record("full")) < 13_500
    assert len(record("slim")) < 1_500
    assert json.loads(record("slim")).keys() >= requests.json_columns.keys()


def test_who_works_an_hour_has_one_session_in_it(tmp_path):
    write_logs(tmp_path / "logs", 2_000, [DAYS[0]], developers=5)

    [(calls, sessions, hours)] = duckdb.sql(f"""
        select count(*), count(distinct trace_id),
            count(distinct (metadata.user_api_key_user_id, floor(startTime / 3600)))
        from read_json('{tmp_path}/logs/*/*.jsonl')""").fetchall()

    assert (calls, sessions) == (2_000, hours)
    assert hours <= 5 * 24


def test_calls_fall_on_weekdays_and_none_is_lost():
    shares = spread(1_001, month(14))

    assert sum(shares) == 1_001
    weekend = sum(share for day, share in zip(month(14), shares, strict=True) if day.isoweekday() > 5)
    assert 0 < weekend < 0.25 * 1_001


def test_the_phases_of_a_run_make_up_all_of_its_time(tmp_path):
    folder = tmp_path / "dagster" / "history" / "runs"
    folder.mkdir(parents=True)
    begun = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    steps = [("raw__litellm__requests", 4, 5), ("models", 6, 10), ("published__warehouse", 10, 11.5)]
    with sqlite3.connect(folder / "a-b.db") as db:
        db.execute("create table event_logs (id integer primary key, step_key, dagster_event_type, timestamp)")
        for step, start, end in steps:
            for kind, after in (("STEP_START", start), ("STEP_SUCCESS", end)):
                at = datetime.fromtimestamp(begun + after, UTC).replace(tzinfo=None)
                db.execute("insert into event_logs values (null, ?, ?, ?)", (step, kind, at.isoformat(" ")))

    took = phases(tmp_path, begun, begun + 13)

    assert took == pytest.approx(
        {"start-up": 4, "ingestion": 1, "dbt": 4, "publish": 1.5, "alerts": 0, "other steps": 0, "between steps": 1,
         "end": 1.5}
    )  # fmt: skip


def test_the_queries_of_analysts_run_on_the_published_warehouse(example):
    with duckdb.connect(str(example / "warehouse.duckdb"), read_only=True) as db:
        db.execute("set search_path = 'core,plan'")
        for sql in QUERIES.values():
            db.execute(sql).fetchall()


def test_made_up_rows_of_people_go_through_every_model(tmp_path):
    with duckdb.connect() as db:
        plan_scale.prepare(db, tmp_path, developers=6, days=40)

        built = {name for _, name, *_ in plan_scale.build(db)}

        assert {"cap_recommendations", "alerts_due", "int_assumptions"} <= built
        assert db.execute("select count(*) from cap_utilization where scope = 'developer'").fetchall() != [(0,)]


def test_a_scale_that_is_given_goes_before_the_preset():
    assert arguments([]).calls == SMALL["calls"]
    given = arguments(["reading", "--large", "--calls", "5000"])

    assert (given.parts, given.calls, given.history) == (["reading"], [5000], LARGE["history"])


def test_the_chart_draws_what_was_measured_at_two_scales():
    rows = [Row("reading", "DuckDB's bare scan", f"{count(calls)} calls, slim", 1.0, "s") for calls in (10**3, 10**6)]

    assert chart(rows, {"cores": 2, "duckdb": "2"})[:4] == b"\x89PNG"
    assert chart(rows[:1], {"cores": 2, "duckdb": "2"}) is None
