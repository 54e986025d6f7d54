"""The daily job as its users run it: `paceline run` on the example company, in a process of its own."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines import columns, tables
from pipelines.definitions import build_defs
from pipelines.settings import ROOT, load_settings
from tests.runs import PACELINE, content, environment, paceline, rows

EXPECTED = Path(__file__).parent.parent / "data" / "expected"


# The expected files hold reported and estimated usage apart; the warehouse's columns are their sum.
TOTALS = """
    select {keys}, requests + est_requests, input_total + est_input_total, output + est_output,
        round(cost_list + est_cost_list, 5)
    from read_csv('{file}', nullstr = 'none') order by all"""
OURS = """
    select {keys}, sum(requests)::bigint, sum(input_tokens)::bigint, sum(output_tokens)::bigint,
        round(sum(case when is_unpriced then 0 else cost_usd end)::double, 5)
    from core.fct_usage_daily group by all having sum(requests) > 0 order by all"""


@pytest.mark.parametrize(
    ("file", "theirs", "ours"),
    [
        ("developer_day", "developer_id, day", "developer_id, usage_date"),
        ("model_day", "lower(provider), lower(model), day", "provider, model, usage_date"),
        ("task", "coalesce(task, '')", "coalesce(task_id, '')"),
    ],
)
def test_every_token_and_every_dollar_of_the_example_company_is_counted_once(example, file, theirs, ours):
    source = EXPECTED / f"{file}__gateway_observed.csv"
    expected = duckdb.sql(TOTALS.format(keys=theirs, file=source)).fetchall()
    measured = rows(example, OURS.format(keys=ours))

    assert [row[:-1] for row in measured] == [row[:-1] for row in expected]
    # The files are rounded to 1e-6 twice per row, so a sum of two may be off by one of these.
    assert [row[-1] for row in measured] == pytest.approx([row[-1] for row in expected], abs=1.1e-5)


def test_total_cost_agrees_to_a_millionth_of_a_dollar_per_developer_and_day(example):
    difference = rows(
        example,
        f"""
        select max(abs(ours.usd - theirs.usd)) from (
            select developer_id, usage_date as day, sum(cost_usd) filter (not is_unpriced) as usd
            from core.fct_usage_daily group by all) as ours
        inner join (
            select developer_id, day, cost_list + est_cost_list as usd
            from read_csv('{EXPECTED}/developer_day__gateway_observed.csv')) as theirs using (developer_id, day)""",
    )

    assert difference[0][0] <= 1e-6


def test_caps_are_crossed_on_the_days_on_which_they_were_crossed(example):
    expected = duckdb.sql(f"""
        select scope, scope_id, month || '-01', cap_tokens, used_tokens, first_day_80pct, first_day_100pct
        from read_csv('{EXPECTED}/cap_usage.csv') order by all""").fetchall()
    measured = rows(
        example,
        """
        select
            scope, scope_id, month::varchar, cap_tokens, used_tokens::bigint,
            min(crossed_on) filter (level = 80), min(crossed_on) filter (level = 100)
        from plan.cap_utilization
        left join (from plan.cap_crossings where measure = 'tokens') using (month, scope, scope_id)
        where (scope, scope_id, month) in (
            select scope, scope_id, (month || '-01')::date
            from read_csv('"""
        + str(EXPECTED / "cap_usage.csv")
        + """'))
        group by all order by all""",
    )

    assert measured == expected


def test_the_first_run_shows_the_caps_and_a_rendered_alert(example):
    shown = (example / "first_run.txt").read_text()

    assert "Caps of November 2026, measured through 2026-11-22" in shown
    assert "drawing_from_pool" in shown
    assert "has used all of its November 2026 cap" in shown
    assert [path.name for path in (example / "outbox").glob("*.txt")] == [
        "digest__2026-11-23__U50F8EDD6B__U50F8EDD6B.txt"
    ]
    told = rows(example, "select scope_id, level, state from ops.alert_deliveries order by all")
    assert told == [("dev-02", 80, "rendered"), ("dev-03", 100, "rendered")]


def test_of_many_people_those_are_shown_who_are_most_likely_to_pass_their_caps(example, monkeypatch, capsys):
    monkeypatch.setattr(tables, "SHOWN_SCOPES", 3)

    tables.print_caps(load_settings(PACELINE_DATA_DIR=example))

    shown = capsys.readouterr().out
    lines = shown.splitlines()
    found = [line.split()[:2] for line in lines if line.split()[:1] in (["org"], ["team"], ["pool"], ["developer"])]
    assert found == [["org", "org"], ["team", "mobile"], ["developer", "dev-03"]]
    [(scopes,)] = rows(example, "select count(*) from plan.cap_utilization where month = '2026-11-01'")
    assert lines[-1] == f"{scopes - 3} more, less likely to be passed: plan.cap_utilization"

    tables.print_plan(load_settings(PACELINE_DATA_DIR=example), date(2026, 12, 1))

    shown = capsys.readouterr().out
    assert "Recommended caps of December 2026, in tokens" in shown
    [(scopes,)] = rows(example, "select count(*) from plan.cap_recommendations")
    assert shown.splitlines()[-1] == f"{scopes - 3} more, which change less: plan.cap_recommendations"


def test_a_first_load_of_history_tells_nobody_about_old_months(example):
    told = rows(example, "select distinct month::varchar from ops.alert_deliveries")

    assert told == [("2026-11-01",)]


def test_running_again_changes_nothing_and_tells_nobody_twice(example):
    before = content(example), sorted(os.listdir(example / "outbox"))

    again = paceline(example, "run")

    assert again.returncode == 0, again.stderr
    assert (content(example), sorted(os.listdir(example / "outbox"))) == before
    assert "0 days to build" in again.stderr
    assert "has used all" not in again.stdout + again.stderr


def test_reading_a_range_again_while_an_analyst_is_connected_changes_nothing(example):
    before = content(example)
    opened = (example / "warehouse.duckdb").stat().st_ino
    with duckdb.connect(str(example / "warehouse.duckdb"), read_only=True) as analyst:
        first = analyst.execute("select count(*) from core.fct_usage_daily").fetchall()
        done = paceline(example, "run", "--from", "2026-10-01", "--to", "2026-10-05")
        assert analyst.execute("select count(*) from core.fct_usage_daily").fetchall() == first

    assert done.returncode == 0, done.stderr
    assert "reading" in done.stderr
    assert content(example) == before
    assert (example / "warehouse.duckdb").stat().st_ino != opened  # the analyst's file is not written into


def test_every_published_relation_column_and_function_is_described(example):
    bare = rows(
        example,
        """
        select schema_name || '.' || table_name from duckdb_tables() where coalesce(trim(comment), '') = ''
        union all
        select schema_name || '.' || view_name from duckdb_views()
        where not internal and coalesce(trim(comment), '') = ''
        union all
        select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()
        where not internal and coalesce(trim(comment), '') = ''
        union all
        select function_name || '()' from duckdb_functions() where not internal and coalesce(trim(comment), '') = ''""",
    )

    assert bare == []


def test_the_published_warehouse_reads_nothing_outside_itself(example):
    assert rows(example, "select count(*) from duckdb_views() where not internal and sql ilike '%parquet%'") == [(0,)]
    assert rows(example, "select count(*) from duckdb_schemas() where schema_name in ('raw', 'staging')") == [(0,)]


def test_query_prints_what_sql_answers(example):
    done = paceline(
        example, "query", "select sum(total_tokens) as tokens from core.fct_usage_daily", "--format", "json"
    )

    # 80,335,387 input and 1,186,241 output tokens, reported and estimated.
    assert json.loads(done.stdout) == [{"tokens": "81521628"}] or json.loads(done.stdout) == [{"tokens": 81521628}]


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["query", "select nothing from nowhere"], 1, "nowhere"),
        (["query", " "], 2, "the query is empty"),
        (["query", "select 1; select 2"], 2, "these are 2 queries: one is run at a time"),
        (["query", "drop table core.fct_usage_daily"], 1, "read-only"),
        (["run", "--from", "yesterday"], 2, "yesterday"),
        (["run", "--to", "2026-11-01"], 2, "--to needs --from"),
        (["run", "--from", "2026-11-02", "--to", "2026-11-01"], 2, "--from 2026-11-02 is after --to 2026-11-01"),
        (["run", "--from", "2026-11-02", "--to", "2026-11-23"], 2, "--to 2026-11-23 is after the last day included"),
        (["run", "--as-of", "2999-01-01"], 2, "has not begun yet"),
        (["nonsense"], 2, "nonsense"),
        (["init"], 1, "no source is configured"),
    ],
)
def test_a_mistake_gets_one_readable_paragraph_and_its_exit_status(example, args, status, words):
    done = paceline(example, *args)

    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_time_zone_is_named(tmp_path):
    done = paceline(tmp_path, "run", PACELINE_TIMEZONE="Berlin")

    assert done.returncode == 2
    assert "'Berlin' is no time zone" in done.stderr


@pytest.mark.parametrize("command", [(PACELINE, "run"), (sys.executable, "-m", "pipelines.home", "true")])
def test_a_database_of_dagster_s_runs_that_is_not_there_is_named(tmp_path, command):
    nobody = "postgresql+psycopg2://paceline:password-of-the-test@127.0.0.1:1/dagster"
    variables = environment(tmp_path, PACELINE_DAGSTER_URL=nobody)

    done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 1
    assert "paceline: the database of PACELINE_DAGSTER_URL cannot be used: connection to server" in done.stderr
    assert "Traceback" not in done.stderr
    assert "password-of-the-test" not in done.stderr


def test_dagster_shows_rows_and_the_caps_of_what_was_built(example):
    with dg.DagsterInstance.from_config(str(example / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["plan", "cap_utilization"]))
    shown = event.asset_materialization.metadata

    [(built,)] = rows(example, "select count(*) from plan.cap_utilization")
    assert shown["dagster/row_count"].value == built
    assert (shown["data_through"].value, shown["scopes_over"].value, shown["scopes_near"].value) == ("2026-11-22", 1, 1)
    assert {"unique_id", "invocation_id"} & set(shown) == set()
    assert "dev-03" in {record.data["scope_id"] for record in shown["caps"].records}


def test_every_column_has_a_type_and_those_of_models_their_origin_once_the_ui_was_started(example):
    settings = load_settings(PACELINE_DATA_DIR=example)
    assert columns.trace(settings)
    assert not columns.trace(settings)  # nothing has changed since

    specs = {spec.key.to_user_string(): spec for spec in build_defs(settings).resolve_all_asset_specs()}
    schema = specs["core/model_daily"].metadata["dagster/column_schema"].columns
    [cost] = [column for column in schema if column.name == "cost_usd"]
    assert (cost.type, cost.description[-26:]) == ("DECIMAL(38,12)", "← fct_usage_daily.cost_usd")
    assert "?" not in {column.type for column in schema}
    lineage = specs["core/model_daily"].metadata["dagster/column_lineage"].deps_by_column
    assert lineage["cost_usd"] == [dg.TableColumnDep(dg.AssetKey(["core", "fct_usage_daily"]), "cost_usd")]
    untraced = [
        key
        for key, spec in specs.items()
        if spec.metadata.get("dagster_dbt/materialization_type") in ("table", "view", "incremental")
        and "dagster/column_lineage" not in spec.metadata
    ]
    assert untraced == []
