"""What tests of agents' own records share: their files, read, loaded, and brought to staging by the models' own SQL."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from benchmarks.models import path_of, rendered
from connectors import claude_code, codex, gemini_cli, otel
from connectors._contract import LogFeed
from connectors._files import list_files
from connectors._logs import read_logs
from pipelines.lake import Lake
from pipelines.loading import Load, load_log_feed
from pipelines.raw import DaysToBuild, create_raw, lake_days
from pipelines.settings import load_settings
from tests.gateway import DATA, NOW, Outcome

REAL = DATA / "coding_agents"
FEEDS = {"claude_code": claude_code.calls, "codex": codex.calls, "gemini_cli": gemini_cli.calls, "otel": otel.calls}
D23 = date(2026, 11, 23)
TOKENS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
    "reasoning_tokens",
)  # fmt: skip


def read(db, feed: LogFeed, location: Path) -> Outcome:
    """Read everything in a folder, as a load does."""
    files, unlisted = list_files(str(location), feed.variable, feed.file_names, feed.endings)
    unread = read_logs(db, feed, sorted(files, key=lambda file: file.key), NOW)
    kept = db.execute(f"select {', '.join(feed.schema)} from kept order by _file, _line, {feed.record_id}").fetchall()
    refused = db.execute("select _file, _line, record_id, reason from refused order by all").fetchall()
    return Outcome([dict(zip(feed.schema, row, strict=True)) for row in kept], refused, unread, unlisted)


def load(lake: Lake, feed: LogFeed, location: Path, now: datetime = NOW, **more) -> Load:
    """Bring a feed of the lake up to date."""
    return load_log_feed(lake, feed, str(location), D23, lambda: now, say=lambda text: None, **more)


def staged(lake: Lake, model: str, sql: str = "select * from {model} order by started_at, request_id") -> list[dict]:
    """Rows of a staging model over everything in the lake."""
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        every_day = {day: "" for feed in FEEDS.values() for day in lake_days(lake, feed.table)}
        create_raw(db, lake, load_settings(), DaysToBuild(every_day, False), D23, D23, datetime.now(UTC))
        db.execute(f"create view {model} as {rendered(path_of(model))[0]}")
        cursor = db.execute(sql.format(model=model))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def calls_of(lake: Lake, name: str, location: Path | None = None) -> list[dict]:
    """Load the real files of one source, or others, and bring them to staging."""
    done = load(lake, FEEDS[name], location or REAL / name)
    assert (done.status, done.quarantined) == ("loaded", 0), done
    return staged(lake, f"stg_{name}__calls")


def tokens(row: dict) -> tuple:
    """Input, cache reads, cache writes, those for an hour, output, reasoning."""
    return tuple(row[name] for name in TOKENS)


def answer(**changes: object) -> dict:
    """A line of a Claude Code transcript that ends a call: 10 fresh, 200 read, 30 written, 5 out; changes by path."""
    line = {
        "type": "assistant",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "sessionId": "session-1",
        "requestId": "req_1",
        "uuid": "uuid-1",
        "gitBranch": "main",
        "isSidechain": False,
        "message": {
            "id": "msg_1",
            "model": "claude-sonnet-4-5",
            "usage": {
                "input_tokens": 10,
                "cache_read_input_tokens": 200,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_1h_input_tokens": 0},
                "output_tokens": 5,
                "service_tier": "standard",
            },
        },
    }
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = line
        for parent in parents:
            place = place[parent]
        place[name] = value
    return line


def usage(given: int, cached: int, out: int, reasoning: int = 0) -> dict:
    """Counts as Codex writes them."""
    return {
        "input_tokens": given,
        "cached_input_tokens": cached,
        "cache_write_input_tokens": 0,
        "output_tokens": out,
        "reasoning_output_tokens": reasoning,
        "total_tokens": given + out,
    }


def rollout(kind: str, at: str = "2026-11-20T12:00:00.000Z", **payload: object) -> dict:
    """A line of a Codex rollout."""
    return {"timestamp": at, "type": kind, "payload": payload}


def so_far(total: dict, at: str = "2026-11-20T12:00:00.000Z", **more: object) -> dict:
    """Codex's line with what the session has used so far."""
    return rollout("event_msg", at, type="token_count", info={"total_token_usage": total, **more})


def otlp(*records: dict, resource: dict | None = None, signal: str = "Logs") -> dict:
    """A line of a collector's file: records of one resource; attributes given as dictionaries."""
    return {
        f"resource{signal}": [
            {
                "resource": {"attributes": attributes(resource or {})},
                f"scope{signal}": [
                    {
                        "scope": {"name": "test"},
                        ("spans" if signal == "Spans" else "logRecords"): [
                            record | {"attributes": attributes(record["attributes"])} for record in records
                        ],
                    }
                ],
            }
        ]
    }


def attributes(values: dict) -> list[dict]:
    """OTLP's list of attributes: whole numbers as text, as strict proto-JSON has them."""
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return [
        {"key": key, "value": {kinds[type(value)]: str(value) if type(value) is int else value}}
        for key, value in values.items()
    ]


def said(line: dict) -> str:
    """JSON as these agents write it."""
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False)
