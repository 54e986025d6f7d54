"""CSV files to typed rows per day, with every refused line accounted for."""

import csv
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors._api import typed
from connectors._contract import Column, CsvFeed
from connectors._files import LogFile, contents, read_lines

SMALL_FILE_BYTES = 4 * 1024**2
LONGEST_LINE_BYTES = 1024**2


@dataclass
class Told:
    """What files say: rows per day, and (file, line, reason) of every line that was refused."""

    days: dict[date, list[dict[str, Any]]] = field(default_factory=dict)
    refused: list[tuple[str, int | None, str]] = field(default_factory=list)
    lines: int = 0


def read_csv_files(feed: CsvFeed, files: Sequence[LogFile]) -> Told:
    """Read all files of a report. Raises SourceUnavailable when the place where they lie stops answering."""
    told, chosen = Told(), {}
    exports: dict[str, list[LogFile]] = {}
    for file in sorted(files, key=lambda file: file.key):
        exports.setdefault(re.sub(feed.part, "", file.key) if feed.part else file.key, []).append(file)
    for export, parts in exports.items():
        found, version = {}, ""
        for file, content in contents(parts, SMALL_FILE_BYTES):
            version = max(version, file.version)
            try:
                for day, row in _rows(feed, file, content, told):
                    account = tuple(str(row[name]).lower() for name in feed.account)
                    found.setdefault((day, account), []).append(row)
            except (OSError, EOFError, zlib.error, csv.Error) as error:
                told.refused.append((file.key, None, f"file: not read to its end ({type(error).__name__}: {error})"))
        rank = (max((day for day, _ in found), default=None), version, export)
        chosen |= {key: (rank, rows) for key, rows in found.items() if key not in chosen or rank > chosen[key][0]}
    for (day, _), (_, rows) in sorted(chosen.items(), key=lambda item: item[0]):
        told.days.setdefault(day, []).extend(rows)
    return told


def _rows(feed: CsvFeed, file: LogFile, content: bytes | Exception | None, told: Told) -> Iterator[tuple[date, dict]]:
    lines = (
        # One that is too long stands for nothing, but keeps the numbers right.
        ("" if line is None else line.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")) + "\n"
        for _, line in read_lines(file, LONGEST_LINE_BYTES, content)
    )
    reader = csv.reader(lines)
    header = [name.strip() for name in next(reader, [])]
    names = {name: _found(column.at, header) for name, column in feed.columns.items()}
    day_name = _found(feed.day, header)
    kept = {_found(at, header): pattern for at, pattern in feed.keep.items()}
    missing = [column.at for name, column in feed.columns.items() if column.required and not names[name]]
    missing += [feed.day] * (not day_name) + [at for at in feed.keep if not _found(at, header)]
    if missing or day_name is None:
        told.refused.append((file.key, 1, f"the header lacks {', '.join(missing)}"))
        return
    for cells in _cells(reader):
        if cells is not None and not any(cells):
            continue
        told.lines += 1
        try:
            if cells is None:
                raise Refused("not CSV: a line break or a very long text within a cell")
            if len(cells) != len(header):
                raise Refused(f"{len(cells)} cells, expected {len(header)}")
            line = dict(zip(header, cells, strict=True))
            if all(re.search(pattern, line[name]) for name, pattern in kept.items()):
                values = {name: _value(feed.columns[name], line.get(at), at) for name, at in names.items()}
                yield _day(line[day_name], day_name), values
        except Refused as reason:
            told.refused.append((file.key, reader.line_num, str(reason)))


def _cells(reader) -> Iterator[list[str] | None]:
    """The cells of each line; None for a line that is no CSV, after which the reader goes on with the next one."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield None


class Refused(Exception):
    """Why a line is none."""


def _found(at: str, header: list[str]) -> str | None:
    return next((name for name in at.split("|") if name in header), None)


def _value(column: Column, text: str | None, name: str | None) -> Any:
    text = (text or "").strip()
    if not text:
        if column.required:
            raise Refused(f"{name} is missing")
        return None
    try:
        return typed(text, column.type)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise Refused(f"{name} is '{text[:40]}', expected {column.type}") from error


def _day(text: str, name: str) -> date:
    found = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", text.strip())
    try:
        return date.fromisoformat("-".join(found.groups() if found else ()))
    except ValueError as error:
        raise Refused(f"{name} is '{text[:40]}', expected a day like 2026-11-20") from error
