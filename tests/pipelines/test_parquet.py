"""The published marts as Parquet files beside the warehouse."""

from pathlib import Path

import duckdb
import pytest

from pipelines.parquet import SCHEMAS, write_parquet
from pipelines.publish import publish, publish_news
from pipelines.run_context import writer
from pipelines.settings import load_settings
from tests.runs import rows


def read(file: Path) -> list[tuple]:
    """The rows of a file."""
    with duckdb.connect() as db:
        return db.execute("from read_parquet(?)", [str(file)]).fetchall()


@pytest.fixture
def build(tmp_path) -> Path:
    """A build file with a table, and a view that rests on another table."""
    file = tmp_path / "build.duckdb"
    with duckdb.connect(str(file)) as db:
        for schema in (*SCHEMAS, "raw", "intermediate"):
            db.execute(f"create schema {schema}")
        db.execute("create table core.usage as select 1::hugeint as tokens, [{'n': 2::hugeint}] as parts")
        db.execute("create table raw.calls as select 1 as n; create table intermediate.usage as select 1 as n")
        db.execute("create table plan.issued_plans as select 1 as cap")
        db.execute("create view alerts.plans_due as select cap + 1 as due from plan.issued_plans")
        db.execute("comment on column core.usage.tokens is 'Tokens.'")
    return file


@pytest.fixture
def published(build, tmp_path, monkeypatch) -> Path:
    """The folder of the Parquet files after that build is published."""
    monkeypatch.setattr("pipelines.publish.create_functions", lambda db: None)
    publish(build, tmp_path / "warehouse.duckdb")
    return tmp_path / "parquet"


def test_every_published_mart_is_a_parquet_file_with_the_same_columns_and_rows(example):
    relations = rows(
        example,
        f"""select schema_name, table_name from duckdb_tables() where schema_name in {SCHEMAS}
        union all select schema_name, view_name from duckdb_views() where schema_name in {SCHEMAS}""",
    )
    files = {str(file.relative_to(example / "parquet")) for file in (example / "parquet").rglob("*.*")}

    assert files == {f"{schema}/{name}.parquet" for schema, name in relations} | {"descriptions.parquet"}
    with duckdb.connect(str(example / "warehouse.duckdb"), read_only=True) as db:
        for schema, name in relations:
            file = example / "parquet" / schema / f"{name}.parquet"
            names = [one[0] for one in db.execute(f"describe {schema}.{name}").fetchall()]
            assert [one[0] for one in db.execute(f"describe from read_parquet('{file}')").fetchall()] == names
            inside = db.execute(f"from {schema}.{name}").fetchall()
            assert sorted(read(file), key=repr) == sorted(inside, key=repr), file


def test_what_every_relation_and_column_means_stands_beside_them(example):
    told = duckdb.execute(
        "select count(*), count(description), count(*) filter (column_name is null) from read_parquet(?)",
        [str(example / "parquet" / "descriptions.parquet")],
    ).fetchall()[0]
    known = rows(
        example,
        f"""select (select count(*) from duckdb_columns() where schema_name in {SCHEMAS}) + tables, tables from (
        select count(distinct (schema_name, table_name)) as tables from duckdb_columns()
        where schema_name in {SCHEMAS})""",
    )[0]

    assert told == (known[0], known[0], known[1])


def test_only_marts_are_written_and_counts_stay_whole_numbers(published):
    assert sorted(str(file.relative_to(published)) for file in published.rglob("*.*")) == [
        "alerts/plans_due.parquet", "core/usage.parquet", "descriptions.parquet", "plan/issued_plans.parquet",
    ]  # fmt: skip
    kinds = [row[1] for row in duckdb.sql(f"describe from '{published}/core/usage.parquet'").fetchall()]
    assert kinds == ["BIGINT", "STRUCT(n BIGINT)[]"]


def test_a_sum_that_no_parquet_integer_holds_stops_no_publishing(tmp_path):
    with duckdb.connect() as db:
        db.execute("create schema core; create table core.usage as select 2::hugeint ** 70 as a, 5::hugeint as b")
        db.execute("create table core.most as select cast(9223372036854775808 as hugeint) as a, 5::hugeint as b")
        write_parquet(db, tmp_path / "parquet")

    assert read(tmp_path / "parquet" / "core" / "most.parquet") == [(None, 5)]


def test_a_relation_that_is_no_more_takes_its_file_along_and_a_draft_of_a_killed_run_goes(build, published, tmp_path):
    (published / "core" / ".gone.parquet.tmp").touch()
    with duckdb.connect(str(build)) as db:
        db.execute("drop table core.usage; create table core.other as select 7 as n")

    publish(build, tmp_path / "warehouse.duckdb")

    assert [file.name for file in (published / "core").iterdir()] == ["other.parquet"]
    assert read(published / "core" / "other.parquet") == [(7,)]


def test_news_reach_the_table_s_file_and_the_views_over_it(published, lake, tmp_path):
    lake.write_rows([{"cap": 5}], {"cap": "INTEGER"}, "plans/a.parquet")
    before = (published / "core" / "usage.parquet").stat().st_ino

    publish_news(tmp_path / "warehouse.duckdb", lake, {"plan.issued_plans": ["plans/a.parquet"]})

    assert read(published / "plan" / "issued_plans.parquet") == [(5,)]
    assert read(published / "alerts" / "plans_due.parquet") == [(6,)]
    assert (published / "core" / "usage.parquet").stat().st_ino == before


def test_the_example_company_s_files_make_way_for_the_first_real_source(tmp_path, monkeypatch):
    (tmp_path / "parquet").mkdir()
    (tmp_path / "examples_only").touch()
    monkeypatch.setenv("LITELLM_LOGS", str(tmp_path / "logs"))

    with writer(load_settings(PACELINE_DATA_DIR=tmp_path), "a run", print):
        pass

    assert not (tmp_path / "parquet").exists()
