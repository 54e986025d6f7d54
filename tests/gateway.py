"""LiteLLM's records as tests need them: one that is valid, many in a file, and what a reader made of them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from connectors._files import LogFile, Unreadable, list_files
from connectors._logs import read_logs
from connectors.litellm import requests

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # "now" of every test: a day after the newest record of tests/data
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def record(**changes: object) -> dict:
    """The smallest record that loads, of 2026-11-20 12:00 UTC; `at` sets another time."""
    at: datetime = changes.pop("at", NOON)
    smallest = {
        "id": "call-1",
        "status": "success",
        "model": "openai/gpt-5",
        "startTime": at.timestamp(),
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "metadata": {"user_api_key_hash": "key-1"},
    }
    return smallest | changes


def usage(**changes: object) -> dict:
    """The `metadata` of a record with this usage_object."""
    return {"user_api_key_hash": "key-1", "usage_object": changes}


def json_lines(records: Iterable[dict | str | bytes]) -> bytes:
    """JSON lines of records; text and bytes stand as they are."""
    return b"".join(_line(record) + b"\n" for record in records)


def _line(record: dict | str | bytes) -> bytes:
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else json.dumps(record)).encode()


def write_lines(path: Path, *records: dict | str | bytes) -> Path:
    """Write records as a file of JSON lines, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json_lines(records))
    return path


class Outcome(NamedTuple):
    """What became of a folder of logs: records, (file, line, id, reason) of refused lines, files to try again."""

    kept: list[dict]
    refused: list[tuple]
    unread: list[Unreadable]
    unlisted: list[Unreadable]

    @property
    def ids(self) -> list[str]:
        return [record["id"] for record in self.kept]

    @property
    def reasons(self) -> list[str]:
        return [reason for *_, reason in self.refused]


def read(db, location: Path) -> Outcome:
    """List a folder and read everything in it."""
    files, unlisted = list_files(str(location), requests.variable)
    return read_files(db, files)._replace(unlisted=unlisted)


def read_files(db, files: list[LogFile]) -> Outcome:
    """Read files as a listing showed them."""
    unread = read_logs(db, requests, sorted(files, key=lambda file: file.key), NOW)
    kept = db.execute(f"select {', '.join(requests.schema)} from kept order by _file, _line, started_at, id").fetchall()
    refused = db.execute("select _file, _line, record_id, reason from refused order by all").fetchall()
    return Outcome([dict(zip(requests.schema, row, strict=True)) for row in kept], refused, unread, [])
