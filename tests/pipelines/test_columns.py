"""Columns: where the values of each come from, traced through compiled SQL."""

import json
import subprocess
import sys

import pytest

from pipelines.columns import origins_of, trace_queries, types_of
from pipelines.dbt import target_path
from pipelines.settings import ROOT, load_settings
from tests.runs import environment

TYPES = {
    "raw.calls": {"id": "VARCHAR", "input": "BIGINT", "output": "BIGINT", "tags": "VARCHAR[]"},
    "raw.bills": {"id": "VARCHAR", "usd": "DECIMAL"},
    "core.made": {"id": "VARCHAR", "total": "BIGINT", "usd": "DECIMAL", "tag": "VARCHAR", "n": "BIGINT"},
}
INPUT, OUTPUT, USD = ("raw.calls", "input"), ("raw.calls", "output"), ("raw.bills", "usd")


@pytest.mark.parametrize(
    ("query", "column", "expected"),
    [
        ("select id, input + output as total from raw.calls where id > ''", "total", [INPUT, OUTPUT]),
        ('select input as total from "warehouse"."raw"."calls"', "total", [INPUT]),
        ("with a as (select * from raw.calls), b as (from a) select sum(output) as total from b", "total", [OUTPUT]),
        ("select c.id, b.usd from raw.calls as c join raw.bills as b using (id)", "usd", [USD]),
        ("select input as total from raw.calls union all select output from raw.calls", "total", [INPUT, OUTPUT]),
        (
            "select id, input as total from raw.calls union all by name select usd, id, output as total "
            "from raw.calls cross join (select usd from raw.bills)",
            "total",
            [INPUT, OUTPUT],
        ),
        ("select id from raw.calls union all by name select id, usd from raw.bills", "usd", [USD]),
        ("select (select max(usd) from raw.bills) as usd from raw.calls", "usd", [USD]),
        ("select id, unnest(tags) as tag from raw.calls", "tag", [("raw.calls", "tags")]),
        (
            "with recursive r as (select input as n from raw.calls union all select n + 1 from r where n < 9) "
            "select n from r",
            "n",
            [INPUT],
        ),
        ("select 1 as n from raw.calls", "n", []),
    ],
)
def test_a_column_is_traced_to_the_columns_that_its_value_is_made_of(query, column, expected):
    assert trace_queries({"core.made": query}, TYPES)["core.made"][column] == expected


@pytest.mark.parametrize(
    "query",
    [
        "select from where",
        "unpivot raw.calls on input, output into name kind value total",
        "pivot raw.calls on id using sum(input)",
        "summarize raw.calls",
    ],
)
def test_a_query_that_cannot_be_traced_costs_no_other_its_columns(query):
    traced = trace_queries({"core.broken": query, "core.made": "select id from raw.calls"}, TYPES)
    traced.pop("core.broken", None)

    assert traced == {"core.made": {"id": [("raw.calls", "id")]}}


def test_dagster_is_started_though_origins_cannot_be_written(tmp_path):
    settings = load_settings(PACELINE_DATA_DIR=tmp_path)
    compiled = target_path(settings) / "compiled" / "paceline" / "models" / "made.sql"
    compiled.parent.mkdir(parents=True)
    compiled.write_text("select id from raw.calls")
    (target_path(settings) / "types.json").write_text(json.dumps(TYPES))
    (target_path(settings) / "columns.json").mkdir()

    done = subprocess.run(
        [sys.executable, "-m", "pipelines.home", "echo", "started"],
        env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.stdout == "started\n", done.stderr
    assert "origins of columns are not shown" in done.stderr


def test_files_that_are_broken_say_nothing(tmp_path):
    settings = load_settings(PACELINE_DATA_DIR=tmp_path)
    target_path(settings).mkdir(parents=True)
    for name in ("types.json", "columns.json"):
        (target_path(settings) / name).write_text("{")

    assert (types_of(settings), origins_of(settings)) == ({}, {})
