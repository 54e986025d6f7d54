"""The event half on Spark: a cluster on the loopback interface makes of a lake what DuckDB makes of it, row by row."""

import base64
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from jinja2 import Environment

from benchmarks import spark_cluster
from benchmarks.models import MACROS, path_of
from connectors import claude_code, codex, genai_prices, litellm, otel
from pipelines import cluster, dbt, doctor, loading_http, spark_words
from pipelines.assets import models
from pipelines.assets.models import prepare_build
from pipelines.cluster import DAILY, ClusterFailed, build, build_on_cluster
from pipelines.cluster_days import cluster_days, days_for_cluster, keep_for_good, write_cluster_days
from pipelines.kept import KEPT, kept_days, kept_path
from pipelines.lake import Lake, LakeDamaged
from pipelines.loading import LOADS, day_of, days_without_calls
from pipelines.raw import PRICES, days_to_build, event_half_digest
from pipelines.retention import CannotRetain, keep_rows, plan_removal, remove_calls
from pipelines.run_context import RunChoices, RunContext
from pipelines.settings import EXAMPLES, ROOT, load_settings, utc_now
from tests import events, generated_agents
from tests.agents import answer, load, said
from tests.gateway import NOON, json_lines, record, write_lines

FEEDS = {"litellm": litellm.requests, "otel": otel.calls, "claude_code": claude_code.calls, "codex": codex.calls}
FIRST, LAST = date(2026, 11, 18), date(2026, 11, 20)
# What the engines may read differently: tags, ids in Base64 and ids that are none, a price by the hour, ties and NULLs.
RESPONSE = base64.b64encode(b"litellm:custom_llm_provider:openai;response_id:resp_of_openai").decode()
ODD = [
    # Looks like the call of the transcript in `alone.jsonl`, and nothing says that it is.
    record(id="like", prompt_tokens=240, completion_tokens=5, endTime=NOON.timestamp() + 30),
    record(id=f"resp_{RESPONSE}", request_tags=["task:B-2", "task:B-10", "task_type:", "agent:cline"], model="gpt-5"),
    record(id="resp_no Base64", request_tags=[], model="deepseek/deepseek-v4-flash", at=NOON - timedelta(hours=10)),
    record(id="twice", completion_tokens=7, endTime=NOON.timestamp() + 1),
    record(id="twice", completion_tokens=9),
    record(id="no name", model="of nobody", response_cost=0.000000001),
]
needs_spark = pytest.mark.skipif("spark_cluster.missing()", reason=str(spark_cluster.missing()))


@pytest.fixture
def on_duckdb(monkeypatch):
    """The event half on DuckDB, of a lake."""
    monkeypatch.setattr(events, "DAILY", tuple(DAILY))

    def run(lake: Lake) -> dict[str, list]:
        half = events.EventHalf(lake)
        half.run()
        columns = {table: ", ".join(f"cast({n} as {kind}) as {n}" for n, kind in KEPT[table].items()) for table in KEPT}
        return {table: sorted(half.rows(f"select {columns[table]} from int_{table}"), key=repr) for table in KEPT}

    return run


def company_in(folder):
    """Settings of a company whose data are in a folder, by a clock that is no whole hour from UTC."""
    return load_settings(PACELINE_DATA_DIR=folder / "data", PACELINE_TIMEZONE="Asia/Kolkata")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A folder with files of the example's gateway and of agents whose calls several sources saw, and their lake."""
    folder = tmp_path_factory.mktemp("spark")
    generated_agents.write(generated_agents.company(FIRST, LAST), folder / "files")
    shutil.copytree(EXAMPLES / "gateway", folder / "files" / "litellm" / "example")
    write_lines(folder / "files" / "litellm" / "2026-11-20" / "odd.jsonl", *ODD)
    write_lines(
        folder / "files" / "claude_code" / "alone.jsonl", said(answer(sessionId="alone", message__id="msg_alone"))
    )
    lake = Lake(company_in(folder).lake, folder / "scratch")
    for source, feed in FEEDS.items():
        done = load(lake, feed, folder / "files" / source)
        assert (done.status, done.quarantined) == ("loaded", 0), done
    lake.write_rows(genai_prices.prices(), genai_prices.PRICES_SCHEMA, PRICES)
    return folder


@pytest.fixture
def company(loaded, tmp_path):
    """Settings of the company, with files and a lake of its own."""
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return company_in(tmp_path)


@needs_spark
def test_spark_makes_the_same_rows_and_duckdb_goes_on_from_them(company, on_duckdb, tmp_path, monkeypatch):
    monkeypatch.setenv("PACELINE_TIMEZONE", company.timezone)
    lake = Lake(company.lake, tmp_path / "scratch")
    expected = on_duckdb(lake)
    assert min(len(rows) for rows in expected.values()) > 0
    days = changed(lake, company)

    with spark_cluster.cluster(tmp_path) as master:
        for name, value in spark_cluster.environment(master).items():
            monkeypatch.setenv(name, value)
        said = build_on_cluster(load_settings(PACELINE_DATA_DIR=company.data_dir))

    assert said == f"{len(days)} days built on Spark, {days[0]} to {days[-1]}"
    for table in KEPT:
        rows = [tuple(row.values()) for path in lake.files(f"raw/kept__{table}") for row in lake.read_rows(path)]
        assert sorted(rows, key=repr) == expected[table], table
    # The decision half starts from here: from these rows, not from the calls.
    for feed in FEEDS.values():
        for path in lake.files(f"raw/{feed.table}"):
            lake.write_rows([], feed.schema, path)
    assert on_duckdb(lake) == expected


@pytest.fixture(scope="module")
def built_once(loaded, tmp_path_factory):
    """The company's folder as a cluster leaves it, made without one."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(loaded, folder, dirs_exist_ok=True)
    company = company_in(folder)
    lake = Lake(company.lake, folder / "scratch")
    days = days_to_build(lake, company, {}, code=event_half_digest())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "DAILY", tuple(DAILY))
        patch.setenv("PACELINE_TIMEZONE", company.timezone)
        half = events.EventHalf(lake)
        half.run()
    half.db.execute("create schema intermediate")
    for table in DAILY:
        half.db.execute(f"create view intermediate.{table} as from main.{table}")
    keep_rows(lake, half.db, sorted(days.fingerprints))
    write_cluster_days(lake, days.fingerprints)
    return folder


@pytest.fixture
def built(built_once, company, tmp_path):
    """The company's lake as a cluster leaves it."""
    shutil.copytree(built_once, tmp_path, dirs_exist_ok=True)
    return Lake(company.lake, tmp_path / "scratch")


def changed(lake, settings):
    return sorted(days_for_cluster(lake, settings).fingerprints)


def test_a_cluster_builds_the_days_again_whose_calls_changed_and_their_neighbours(built, company, tmp_path):
    assert build(company) == []

    late = tmp_path / "files" / "litellm" / "example" / "late.jsonl"
    late.write_bytes(json_lines([record(id="late")]))  # of 20 November, 12:00
    load(built, litellm.requests, tmp_path / "files" / "litellm")

    assert changed(built, company) == [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21)]


def test_duckdb_takes_what_a_cluster_built_as_rows_and_builds_no_day_from_its_calls(built, company):
    days = days_to_build(built, company, {})

    assert len(days.kept) == len(cluster_days(built))
    assert (days.kept, days.to_read) == (days.fingerprints.keys(), [])


def test_duckdb_builds_a_day_again_when_any_of_its_rows_from_the_cluster_changed(built, company):
    before = days_to_build(built, company, {}).fingerprints
    path = "raw/kept__sessions_daily/day=2026-11-19/rows.parquet"
    built.write_rows(built.read_rows(path)[1:], KEPT["sessions_daily"], path)

    assert sorted(days_to_build(built, company, before).fingerprints) == [date(2026, 11, 19)]


def test_days_kept_for_good_keep_their_rows_whatever_comes_late_and_so_does_the_day_after_them(
    built, company, tmp_path
):
    keep_for_good(built, {date(2026, 11, 18)})
    late = tmp_path / "files" / "litellm" / "example" / "late.jsonl"
    late.write_bytes(json_lines([record(id="late", at=NOON - timedelta(days=2))]))  # of 18 November
    load(built, litellm.requests, tmp_path / "files" / "litellm")
    write_cluster_days(built, dict.fromkeys(cluster_days(built), "by other models"))

    assert {date(2026, 11, 18), date(2026, 11, 19)}.isdisjoint(changed(built, company))
    assert {date(2026, 11, 17), date(2026, 11, 20)} <= {*changed(built, company)}
    assert {date(2026, 11, 18), date(2026, 11, 19)} <= days_to_build(built, company, {}).kept


def test_calls_that_spark_has_not_counted_are_not_removed(built, company, tmp_path):
    late = tmp_path / "files" / "litellm" / "example" / "late.jsonl"
    late.write_bytes(json_lines([record(id="late", at=NOON - timedelta(days=60))]))
    load(built, litellm.requests, tmp_path / "files" / "litellm")
    removal = plan_removal(built, date(2026, 11, 30), keep_months=1)
    before = built.files("raw")

    with pytest.raises(CannotRetain, match="days from 2026-09-21 on are not built on Spark"):
        remove_calls(built, company, removal)

    assert built.files("raw") == before
    write_cluster_days(built, days_for_cluster(built, company).fingerprints)
    remove_calls(built, company, removal)
    assert (removal.days, removal.late_days, changed(built, company)) == ([], [], [])


def test_a_file_that_the_lake_lost_of_a_day_that_spark_built_is_read_again(built, company, tmp_path):
    lost = min(built.files("raw/litellm__requests/day=2026-11-19"))
    built.remove(lost)

    assert load(built, litellm.requests, tmp_path / "files" / "litellm").status == "loaded"

    assert lost in built.files("raw/litellm__requests")


def test_killed_while_its_rows_are_put_a_day_is_built_on_spark_again(built, company):
    write_cluster_days(built, {date(2026, 11, 19): ""})

    assert changed(built, company) == [date(2026, 11, 19)]


def test_without_spark_the_error_says_what_to_install(company, tmp_path):
    company = company.model_copy(update={"spark_python": tmp_path / "python"})

    with pytest.raises(
        ClusterFailed, match=r"there is no .*/python. Retrying does not help: install Spark \(make spark"
    ):
        build_on_cluster(company)


def test_a_lake_in_a_bucket_is_refused_on_spark_before_anything_is_built(tmp_path):
    settings = load_settings(PACELINE_DATA_DIR=tmp_path, PACELINE_LAKE="s3://lake/a")

    with pytest.raises(ClusterFailed, match="s3://lake/a: on Spark the lake has to be a folder"):
        build(settings)


def test_with_spark_switched_off_duckdb_builds_its_days_from_their_calls_and_late_ones_count(built, run, tmp_path):
    late = tmp_path / "files" / "litellm" / "example" / "late.jsonl"
    late.write_bytes(json_lines([record(id="late")]))  # of 20 November, 12:00
    load(built, litellm.requests, tmp_path / "files" / "litellm")
    keep_for_good(built, {date(2026, 11, 17)})

    prepare_build(run, whole=True)

    # The day after the one without calls may share a call with it, and stays as it is.
    for_good = {date(2026, 11, 17), date(2026, 11, 18)}
    assert (cluster_days(built), kept_days(built).keys(), days_without_calls(built)) == ({}, for_good, for_good)
    assert {day_of(path) for path in built.files("raw") if path.startswith("raw/kept__")} == for_good
    with duckdb.connect(str(run.settings.build_file)) as db:
        days = dict(db.execute("select utc_date, is_kept from raw.paceline__days_to_build").fetchall())
        ids = {one for (one,) in db.execute("select id from raw.litellm__requests").fetchall()}
    assert ({day for day in days if days[day]}, "late" in ids) == (for_good, True)


def test_a_cluster_builds_a_day_again_whose_rows_are_gone(built, company):
    built.remove(kept_path("usage_daily", date(2026, 11, 19)))

    assert changed(built, company) == [date(2026, 11, 19)]


@pytest.fixture
def run(company, monkeypatch):
    """A run of the company whose Spark is switched off."""
    monkeypatch.setattr(type(company), "uses_examples", False)
    return RunContext.of(company, "run-1", RunChoices(as_of=str(LAST)), say=lambda text: None)


def test_a_damaged_file_is_named_and_only_the_days_that_need_it_are_left_out(built, company, run, monkeypatch):
    path = min(built.files("raw/litellm__requests/day=2026-11-19"))
    Path(built.path(path)).write_bytes(b"not Parquet")
    write_cluster_days(built, dict.fromkeys(cluster_days(built), "by other models"))
    tried = []
    monkeypatch.setattr(cluster, "session", lambda *_: SimpleNamespace(stop=lambda: None))
    monkeypatch.setattr(cluster, "create_functions", lambda spark: None)
    monkeypatch.setattr(cluster, "create_raw", lambda spark, lake, settings, days: tried.extend(days.fingerprints))
    monkeypatch.setattr(cluster.dbt, "build_on_spark", lambda *_: None)
    monkeypatch.setattr(cluster, "put_rows", lambda *_: None)

    build(company)

    left = [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]
    assert tried == sorted(cluster_days(built).keys() - set(left))
    assert changed(built, company) == left
    monkeypatch.setattr(models, "build_on_cluster", lambda settings: "")
    on_spark = replace(run, settings=company.model_copy(update={"spark_master": "spark://a:7077"}))
    prepare_build(on_spark, whole=True)
    failed = [row["error"] for path in built.files(LOADS) for row in built.read_rows(path) if row["status"] == "failed"]
    assert [path in error for error in failed] == [True]


@pytest.mark.parametrize("error", [duckdb.IOException("no\nroom"), OSError("no\nroom"), LakeDamaged(["raw/a"])])
def test_whatever_fails_is_said_without_a_traceback(monkeypatch, capsys, error):
    monkeypatch.setattr(sys, "argv", ["pipelines.cluster"])
    monkeypatch.setattr(cluster, "build", lambda settings: (_ for _ in ()).throw(error))

    assert cluster.main() == 1

    said = capsys.readouterr().err
    assert str(error) in said and "Traceback" not in said


def test_prices_that_are_not_those_of_the_run_are_refused(company, tmp_path):
    with pytest.raises(ClusterFailed, match=r"genai-prices 0.0.1 is asked for, .* has 0.*install Spark again"):
        build(company, "0.0.1")
    Lake(company.lake, tmp_path / "scratch").remove(PRICES)
    with pytest.raises(ClusterFailed, match=re.escape(f"the lake has no {PRICES}")):
        build(company)


def test_the_process_on_spark_is_told_of_no_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("python").write_text("#!/bin/sh\necho $PACELINE_LAKE $@")
    Path("python").chmod(0o755)
    settings = load_settings(PACELINE_DATA_DIR="data", PACELINE_LAKE="lake/", PACELINE_SPARK_PYTHON="python")

    said = build_on_cluster(settings)

    assert said == f"{tmp_path}/lake -m pipelines.cluster {genai_prices.version()}"


def test_days_that_duckdb_kept_before_there_was_spark_are_not_called_late(built):
    keep_for_good(built, {date(2026, 11, 18)})  # the last one: its calls are there still

    assert plan_removal(built, date(2027, 1, 15), keep_months=1).late_days == []


def test_a_feed_over_http_has_the_days_of_a_cluster_only_if_it_has_their_calls(built, monkeypatch):
    held = []
    monkeypatch.setattr(loading_http, "days_to_ask", lambda report, days, *_: held.extend(days) or [LAST])
    monkeypatch.setattr(loading_http, "_load_days", lambda *_: None)
    for path in built.files("raw/litellm__requests/day=2026-11-19"):
        built.remove(path)

    loading_http.load_log_feed_over_http(
        built, litellm.requests, {"LITELLM_MASTER_KEY": "sk-1", "LITELLM_BASE_URL": "http://127.0.0.1:9"}, LAST, utc_now
    )

    assert date(2026, 11, 18) in held and date(2026, 11, 19) not in held


def test_the_doctor_counts_the_calls_of_days_that_a_cluster_built(built, company):
    path = min(built.files("raw/litellm__requests/day=2026-11-19"))
    built.write_rows([], litellm.requests.schema, path)

    [found] = doctor._integrity(built)

    assert found.state == "fail" and "litellm__requests 2026-11-19: 76 rows instead of 136" in found.words


def test_the_rules_of_the_event_half_are_its_own_models_and_what_spark_is_told(monkeypatch):
    before = event_half_digest()
    read = Path.read_text

    def with_changed(name):
        monkeypatch.setattr(Path, "read_text", lambda path, *more: read(path, *more) + "--" * (path.name == name))
        return event_half_digest()

    assert [model for model in spark_sql() if with_changed(f"{model}.sql") == before] == []
    assert with_changed("steps.sql") != before
    assert with_changed("stg_openai__costs.sql") == before
    monkeypatch.setitem(spark_words.TYPES, "VARCHAR", "binary")
    assert with_changed("") != before


def test_spark_s_log_has_what_the_log_of_duckdb_s_build_has(company, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(dbt, "_invoke", lambda args, *_: said.append(args))

    dbt.build_on_spark(company, tmp_path / "dbt", [])

    assert "--log-level none --log-level-file warn" in " ".join(said[0])


def test_pairs_that_are_undecided_after_the_last_round_fail_the_build_on_spark():
    def refuse(words):
        raise ValueError(words)

    text = MACROS + "{{ rounds_of_closest('pairs') }}"
    with pytest.raises(ValueError, match="undecided after 1,000 rounds"):
        Environment().from_string(text).render(
            target=SPARK,
            execute=True,
            run_query=lambda sql: [1],
            exceptions=SimpleNamespace(raise_compiler_error=refuse),
        )


def test_an_installation_of_spark_that_failed_is_tried_again(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    pip = "mkdir -p .venv-spark/bin; cp /bin/false .venv-spark/bin/python"
    (tmp_path / "python").write_text(f"#!/bin/sh\n{pip}\n")
    (tmp_path / "python").chmod(0o755)
    make = ["make", "-s", ".venv-spark/.installed", f"PYTHON={tmp_path / 'python'}"]

    tries = [subprocess.run(make, cwd=tmp_path, capture_output=True, text=True) for _ in range(2)]

    assert ["Error 1" in done.stderr for done in tries] == [True, True]


# What Spark does not know, outside of the macros that choose.
ONLY_DUCKDB = (
    "by name", "exclude (", "replace (", "varchar", "struct_pack", "unnest(", "list(", "list_filter", "date_diff(",
    "string_agg", "timezone(", "getvariable", " lambda ", "[", "try(",
)  # fmt: skip


SPARK = SimpleNamespace(type="spark")


def spark_sql() -> dict[str, str]:
    """Model of the event half -> what is said to Spark of it."""
    seen, steps, ahead = {}, {}, list(DAILY)
    while ahead:
        model = ahead.pop()
        parents = []
        seen[model] = Environment().from_string(MACROS + path_of(model).read_text()).render(
            ref=lambda name, parents=parents: parents.append(name) or name, source="{}.{}".format,
            config=lambda **_: "", is_incremental=lambda: False, this=model, target=SPARK,
            execute=True,
            run_query=lambda sql, model=model: steps.setdefault(model, []).append(sql) or [],
        )  # fmt: skip
        ahead += [parent for parent in parents if parent not in seen]
    return {model: sql + "".join(steps.get(model, [])) for model, sql in seen.items()}


def test_models_of_the_event_half_say_to_spark_nothing_that_only_duckdb_knows():
    said = spark_sql()

    assert len(said) == 17
    for model, sql in said.items():
        text = re.sub(r"--.*|'[^']*'", "", sql)
        assert [word for word in ONLY_DUCKDB if word in text] == [], model
