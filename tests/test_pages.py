"""What the pages tell people to copy works as it stands there."""

import json
import re

import duckdb
import yaml

from connectors.otel import calls
from pipelines.settings import ROOT
from tests.agents import REAL, read
from tests.gateway import write_lines
from tests.runs import paceline


def blocks(page: str, language: str) -> list[str]:
    """The code of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def collector() -> dict:
    """The configuration of the OpenTelemetry collector."""
    (text,) = [block for block in blocks("docs/attribution.md", "yaml") if "receivers:" in block]
    return yaml.safe_load(text)


def kept_keys(statement: str) -> set[str]:
    """The attributes that a keep_keys statement keeps."""
    return set(json.loads(re.fullmatch(r"keep_keys\(attributes, (\[.*\])\)\s*", statement, re.DOTALL)[1]))


def test_the_collector_keeps_the_attributes_that_are_read_and_no_others_in_both_pipelines():
    config = collector()
    sql = " ".join([*calls.parsed.values(), *(field.leaf for field in calls.fields.values())])
    are_read = set(re.findall(r"list_position\(attribute_keys, '([^']+)'\)", sql))
    transform = config["processors"]["transform"]

    assert {name: pipeline["processors"] for name, pipeline in config["service"]["pipelines"].items()} == {
        "logs": ["transform", "batch"], "traces": ["transform", "batch"],
    }  # fmt: skip
    for signal, contexts in (("log", ["resource", "log"]), ("trace", ["resource", "span", "spanevent"])):
        statements = transform[f"{signal}_statements"]
        assert [one["context"] for one in statements] == contexts
        for one in statements:
            first = one["statements"][0]
            kept = set() if first == 'delete_matching_keys(attributes, ".*")' else kept_keys(first)
            assert kept == (set() if one["context"] == "spanevent" else are_read)


def test_what_the_collector_keeps_of_real_events_gives_the_same_calls_and_no_word_that_was_said(tmp_path):
    kept = kept_keys(collector()["processors"]["transform"]["log_statements"][0]["statements"][0])
    lines = [line for name in ("claude_code", "codex") for line in (REAL / "otel" / f"{name}_logs.jsonl").open()]
    said = [json.loads(line) for line in lines]
    for entry in (entry for line in said for entry in line["resourceLogs"]):
        records = [record for scope in entry["scopeLogs"] for record in scope["logRecords"]]
        for holder in [entry["resource"], *records]:
            holder["attributes"] = [one for one in holder["attributes"] if one["key"] in kept]
            holder.pop("body", None)
    write_lines(tmp_path / "whole" / "logs.jsonl", *map(str.rstrip, lines))
    write_lines(tmp_path / "kept" / "logs.jsonl", *map(json.dumps, said))

    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        whole, trimmed = (read(db, calls, tmp_path / name).kept for name in ("whole", "kept"))

    assert len(whole) > 0
    assert trimmed == whole
    for key in ("prompt", "response"):
        assert f'"key": "{key}"' in json.dumps([json.loads(line) for line in lines])
        assert f'"key": "{key}"' not in json.dumps(said)


def test_the_ways_to_connect_work_as_they_stand_there(example, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(example)
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    for block in blocks("docs/connect.md", "python"):
        exec(block, found)
    (csv,) = [
        line for block in blocks("docs/connect.md", "sh") for line in block.splitlines() if "--format csv" in line
    ]
    asked = re.search(r'paceline (query --format csv) "(.*)" >', csv)
    told = paceline(example, *asked[1].split(), asked[2])

    assert ("payments", "20.36") in [(team, f"{usd:.2f}") for team, usd in found["spend"]]
    assert len(found["caps"]) > 0
    assert told.stdout.splitlines()[0].startswith("month,team_id,")
    files = re.findall(r"data/parquet/[\w/]+\.parquet", (ROOT / "docs" / "connect.md").read_text())
    assert len(files) > 3 and [file for file in files if not (tmp_path / file).exists()] == []
    with duckdb.connect(str(example / "warehouse.duckdb"), read_only=True) as db:
        for block in blocks("docs/connect.md", "sql") + blocks("docs/queries.md", "sql")[:1]:
            if block.startswith("create"):
                with duckdb.connect() as other:
                    other.execute(block)
            else:
                assert block.startswith("copy") or None not in sum(db.execute(block).fetchall(), ())
                db.execute(block)
