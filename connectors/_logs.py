"""JSON lines to typed records, inside DuckDB, with every refused line accounted for.

Two lanes. In the fast one DuckDB reads whole files; a line it cannot parse becomes a row of NULLs and a wrong type
stays text, so every defect shows as a reason, but not where it stands. A file with any reason goes to the slow lane
instead, and so do small files from the start, for DuckDB takes longer to open a file than Python to read a few lines.
There Python reads line by line, sets aside what is not a JSON object, numbers the rest, and the same SQL judges it.

Lines that are none of a feed's business are passed over. In the fast lane they look like broken ones when no declared
column is in them, so a feed declares a column for every kind of line that it knows.
"""

import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import duckdb

from connectors._contract import Field, LogFeed
from connectors._files import LogFile, Unreadable, contents, read_lines

LONGEST_LINE_BYTES = 64 * 1024**2
FAST_LINE_BYTES = 16 * 1024**2  # longer lines go to the slow lane, for DuckDB keeps buffers of this size
SMALL_FILE_BYTES = 128 * 1024
PASS_BYTES = 256 * 1024**2
# Before this no product that we read existed: an older time is a wrong unit or a broken clock.
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
LARGEST_COUNT = 10**12  # no call has more of anything, and a count near the end of BIGINT would stop every sum
QUARANTINE_SCHEMA = {"_file": "VARCHAR", "_line": "BIGINT", "record_id": "VARCHAR", "reason": "VARCHAR"}


def read_logs(
    db: duckdb.DuckDBPyConnection,
    feed: LogFeed,
    files: Sequence[LogFile],
    now: datetime,
    say: Callable[[str], None] = lambda text: None,
) -> list[Unreadable]:
    """Fill the temporary tables `kept` (feed.schema, `reasons` always NULL) and `refused` (QUARANTINE_SCHEMA).

    `skipped` (_file, records) counts what was passed over, where the feed counts it.

    Returns the files that could not be read to their end (also listed in `refused`): they are worth another try.
    Raises SourceUnavailable when the place where the files lie stops answering.
    """
    fields = {name: f.sql_type for name, f in feed.fields.items()} | {"_file": "VARCHAR", "_line": "BIGINT"}
    _create(db, "kept", fields | {"reasons": "VARCHAR", "passed_over": "BOOLEAN"})
    _create(db, "refused", QUARANTINE_SCHEMA)
    large = [file for file in files if file.size > SMALL_FILE_BYTES]
    line_by_line = [file for file in files if file.size <= SMALL_FILE_BYTES]
    for passed, some in enumerate(_passes(large)):
        line_by_line += _fast(db, feed, some, now)
        if passed:
            ((records,),) = db.execute("select count(*) from kept").fetchall()
            say(f"{feed.table}: {records:,} records so far")
    unread = _slow(db, feed, line_by_line, now)
    for bad in unread:
        _refuse(db, bad.key, None, bad.reason)
    # What DuckDB could not read is a row without a file, and refused.
    db.execute(
        """
        create or replace temp table skipped as
        select _file, count(*) as records from kept where passed_over and _file is not null and $counted
        group by _file""",
        {"counted": feed.counts_skipped},
    )
    db.execute("delete from kept where passed_over")
    _look_around(db, feed)
    return unread


def select_records(feed: LogFeed, read: str, key_from: int | None) -> str:
    """SQL that turns the JSON columns of the relation `read` into fields (`key_from` as in `_judge`).

    `reasons` says why a record is refused: all reasons in numbered files; elsewhere only whether there is one (NULL or
    '?'), for wording them costs as much as everything else together.
    """
    numbered = key_from is None
    key, line = ("paceline_key", "paceline_line") if numbered else (f"filename[{key_from}:]", "null::bigint")
    if numbered and not feed.json_columns:
        key, line = "record ->> '$.paceline_key'", "(record ->> '$.paceline_line')::bigint"
    for name, items in feed.unnested.items():
        # A line without such a list stays a row.
        read = f"(select *, unnest(case when len({items}) > 0 then {items} else [null] end) as {name} from {read})"
    is_blank = "false"
    if not numbered and not feed.json_columns:
        is_blank = "json_type(record) is distinct from 'OBJECT'"
    elif not numbered and feed.records:
        is_blank = " and ".join(f"{_name(column)} is null" for column in feed.json_columns)
    parsed = "".join(f", {sql} as {name}" for name, sql in feed.parsed.items())
    texts = ",\n        ".join(f"{f.leaf} as {name}" for name, f in feed.fields.items())
    typed = ",\n        ".join(f"{_typed(name, f)} as {name}" for name, f in feed.fields.items())
    checks = [check for name, f in feed.fields.items() for check in _checks(name, f)]
    word = _all_reasons if numbered else _any_reason
    all_needed = numbered or feed.counts_skipped
    return f"""
with records as (
    select *{parsed}, {key} as _file, {line} as _line from {read}
),

told as (
    select *, {is_blank} as is_blank, not is_blank and not coalesce({feed.records or "true"}, false) as passed_over
    from records{"" if all_needed else " where not passed_over"}
),

texts as (
    select
        {texts},
        {word((*feed.shapes, ("is_blank", "'?'")))} as shape_reasons,
        _file, _line, passed_over
    from told
),

typed as (
    select
        {typed},
        {word(checks)} as field_reasons,
        shape_reasons, _file, _line, passed_over
    from texts
)

select
    *,
    case
        when not passed_over then nullif(concat_ws('; ', shape_reasons, field_reasons, {word(feed.rules)}), '')
    end as reasons
from typed"""


def _all_reasons(checks: Sequence[tuple[str, str]]) -> str:
    reasons = "".join(f", case when {condition} then {reason} end" for condition, reason in checks)
    return f"nullif(concat_ws('; '{reasons}), '')" if checks else "null::varchar"


def _any_reason(checks: Sequence[tuple[str, str]]) -> str:
    any_of = " or ".join(f"coalesce({condition}, false)" for condition, _ in checks)
    return f"case when {any_of} then '?' end" if checks else "null::varchar"


def _typed(name: str, f: Field) -> str:
    """SQL from text to the field's type; NULL where that cannot be."""
    if f.type == "EPOCH":
        seconds = _seconds(name, f)
        return f"case when {seconds} between {EARLIEST} and $latest then make_timestamp(({seconds} * 1e6)::bigint) end"
    if f.type == "ISO":
        # Through a zone, for the cast to a plain timestamp drops the one that is given.
        when = f"make_timestamp(epoch_us(try_cast({name} as timestamptz)))"
        return f"case when epoch({when}) between {EARLIEST} and $latest then {when} end"
    if f.value:
        return f"try_cast({f.value(name)} as {f.type})"
    if f.type == "VARCHAR":
        return f"nullif({name}, '')"
    if f.type == "VARCHAR[]":
        return f"json_extract_string(try_cast({name} as json), '$[*]')"
    value = f"try_cast({name} as {f.type})"
    return f"case when {value} between 0 and {LARGEST_COUNT} then {value} end" if f.type == "BIGINT" else value


def _seconds(name: str, f: Field) -> str:
    return f.value(name) if f.value else f"try_cast({name} as double)"


def _checks(name: str, f: Field) -> list[tuple[str, str]]:
    """(condition, reason) for every way in which a text does not make a value of its field."""
    wrong = {
        "BIGINT": (
            f"{name} is not null and coalesce(try_cast({name} as bigint) not between 0 and {LARGEST_COUNT} "
            f"or try_cast({name} as bigint)::varchar != {name}, true)",
            f"a whole number, 0 to {LARGEST_COUNT:,}",
        ),
        "EPOCH": (
            f"{name} is not null and not coalesce({_seconds(name, f)} between {EARLIEST} and $latest, false)",
            "seconds since 1970, from 2020 to tomorrow",
        ),
        "ISO": (
            f"{name} is not null and not coalesce(epoch(try_cast({name} as timestamptz)) "
            f"between {EARLIEST} and $latest, false)",
            "a time like 2026-11-20T12:00:00Z, from 2020 to tomorrow",
        ),
        "DECIMAL(18,9)": (f"{name} is not null and {_typed(name, f)} is null", "a number"),
        "BOOLEAN": (f"{name} is not null and {_typed(name, f)} is null", "true or false"),
        "VARCHAR[]": (
            f"{name} is not null and ({name} not like '[%' or try_cast({name} as json) is null)",
            "a list",
        ),
        "VARCHAR": (f"{name} is not null and {_typed(name, f)} is null", f.expected or "") if f.value else None,
    }.get(f.type)
    checks = []
    if f.required:
        checks.append((f"nullif({name}, '') is null", f"'{name} is missing'"))
    if wrong:
        condition, expected = wrong
        words = (f.expected or expected).replace("'", "''").replace("{", "{{").replace("}", "}}")
        checks.append((condition, f"format('{name} is ''{{}}'', expected {words}', left({name}, 40))"))
    return checks


def _passes(files: Sequence[LogFile]) -> Iterator[list[LogFile]]:
    """The files in parts of about PASS_BYTES, so that somebody who waits sees something happen."""
    some: list[LogFile] = []
    for file in files:
        if some and sum(one.size for one in some) + file.size > PASS_BYTES:
            yield some
            some = []
        some.append(file)
    if some:
        yield some


def _fast(db: duckdb.DuckDBPyConnection, feed: LogFeed, files: Sequence[LogFile], now: datetime) -> Iterator[LogFile]:
    """Read the files in one go; yield those that hold anything to refuse, of which nothing was kept."""
    # DuckDB takes *, ? and [ in a path for a pattern, and passes over a file of one byte: such go line by line.
    by_path = {file.path: file for file in files if file.size > 1 and not any(sign in file.path for sign in "*?[")}
    yield from (file for file in files if file.path not in by_path)
    if not by_path:
        return
    try:
        _judge(db, feed, list(by_path), now, key_from=len(files[0].path) - len(files[0].key) + 1)
    except duckdb.Error:
        # One file stopped them all (damaged gzip, a line over the limit): let each stand for itself.
        for file in by_path.values():
            yield from [file] if len(by_path) == 1 else _fast(db, feed, [file], now)
        return
    by_key = {file.key: file for file in by_path.values()}
    bad = [key for (key,) in db.execute("select distinct _file from kept where reasons is not null").fetchall()]
    if bad:
        db.execute("delete from kept where list_contains($bad, _file)", {"bad": bad})
    yield from [by_key[key] for key in bad]


def _slow(db: duckdb.DuckDBPyConnection, feed: LogFeed, files: Sequence[LogFile], now: datetime) -> list[Unreadable]:
    """Keep the good lines and refuse the others; returns the files that could not be read to their end."""
    with tempfile.TemporaryDirectory(prefix="paceline-") as scratch:
        clean = os.path.join(scratch, "clean.jsonl")
        written, unread = _write_clean_lines(db, files, clean)
        if not written:
            return unread
        try:
            _judge_lines(db, feed, clean, now)
        except duckdb.Error as error:
            # Not for a line (memory, disk): let each file stand for itself, to be tried again.
            for table in ("kept", "refused"):
                db.execute(f"delete from {table} where list_contains($keys, _file)", {"keys": [f.key for f in files]})
            if len(files) > 1:
                return [bad for file in files for bad in _slow(db, feed, [file], now)]
            return [Unreadable(files[0].key, f"file: DuckDB stopped at it ({str(error).splitlines()[0]})")]
    judged = "select _file, _line from kept where _line is not null union select _file, _line from refused"
    for key, line in sorted(written.difference(db.execute(judged).fetchall())):
        _refuse(db, key, line, "JSON that Python can read and DuckDB cannot")
    db.execute(f"""
        insert into refused select _file, _line, left({feed.record_id}, 200), reasons
        from kept where _line > 0 and reasons is not null""")
    db.execute("delete from kept where reasons is not null")
    return unread


def _judge_lines(db: duckdb.DuckDBPyConnection, feed: LogFeed, clean: str, now: datetime) -> None:
    """Judge a file of clean lines; a value that stops DuckDB costs its own line only, found by halving."""
    try:
        _judge(db, feed, [clean], now, key_from=None)
        return
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        reason = f"DuckDB stopped at it: {str(error).splitlines()[0]}"
    with open(clean, "rb") as stream:
        count = sum(1 for _ in stream)
        stream.seek(0)
        if count == 1:
            # The first two of its keys, which the record cannot forge.
            (_, key), (_, number), *_ = json.loads(stream.readline(), object_pairs_hook=list, parse_int=str)
            _refuse(db, key, int(number), reason[:200])
            return
        for half, size in ((f"{clean}0", count // 2), (f"{clean}1", count - count // 2)):
            with open(half, "wb") as out:
                out.writelines(islice(stream, size))
    for half in (f"{clean}0", f"{clean}1"):
        _judge_lines(db, feed, half, now)
        os.remove(half)


def _look_around(db: duckdb.DuckDBPyConnection, feed: LogFeed) -> None:
    """Fill in what a record says only together with the others of its file, in the order of the file's lines."""
    if not feed.in_file:
        db.execute("alter table kept drop column passed_over")
        return
    # DuckDB keeps the order of what it reads, so the number of a row follows the lines, also where lines have none.
    looked = "".join(f", {f.leaf} as {name}" for name, f in feed.in_file.items())
    without = ", ".join(["passed_over", *(name for name, f in feed.fields.items() if not f.kept)])
    db.execute("alter table kept rename to alone")
    _create(db, "kept", feed.schema | {"reasons": "VARCHAR"})
    db.execute(f"""
        insert into kept by name
        select * exclude ({without}){looked} from alone
        window in_file as (partition by _file order by alone.rowid)
        {f"qualify {feed.kept_if}" if feed.kept_if else ""}""")
    db.execute("drop table alone")


def _judge(db: duckdb.DuckDBPyConnection, feed: LogFeed, paths: list[str], now: datetime, key_from: int | None) -> None:
    """Add every record of the paths to `kept`, with `reasons` where it is to be refused.

    Keys are what remains of a path from the character `key_from` on; None if the records carry key and line number.
    """
    numbered = key_from is None
    columns = dict(feed.json_columns) or {"record": "JSON"}
    if numbered and feed.json_columns:
        columns |= {"paceline_key": "VARCHAR", "paceline_line": "BIGINT"}
    declared = ", ".join(f"'{name}': $${kind}$$" for name, kind in columns.items())
    fields = ", ".join([*feed.fields, "_file", "_line", "reasons", "passed_over"])
    read = f"""read_json(
            $files, columns = {{{declared}}}, format = 'newline_delimited', ignore_errors = true,
            records = {"true" if feed.json_columns else "false"},
            filename = true, maximum_object_size = {LONGEST_LINE_BYTES if numbered else FAST_LINE_BYTES})"""
    db.execute(
        f"insert into kept by name select {fields} from ({select_records(feed, read, key_from)})",
        {"files": paths, "latest": (now + timedelta(days=1)).timestamp()},
    )


def _write_clean_lines(
    db: duckdb.DuckDBPyConnection, files: Sequence[LogFile], to: str
) -> tuple[set[tuple[str, int]], list[Unreadable]]:
    """Copy the lines that are JSON objects, each with its key and number in front; refuse the others.

    Returns (key, number) of the lines written, and the files that ended early.
    """
    written, unread = set(), []
    with open(to, "wb") as clean:
        for file, content in contents(files, SMALL_FILE_BYTES):
            try:
                for number, line in read_lines(file, LONGEST_LINE_BYTES, content):
                    if record := _clean(db, file.key, number, line):
                        clean.write(record)
                        written.add((file.key, number))
            except (OSError, EOFError, zlib.error) as error:
                reason = f"file: not read to its end ({type(error).__name__}: {error})"
                unread.append(Unreadable(file.key, reason))
    return written, unread


def _clean(db: duckdb.DuckDBPyConnection, key: str, number: int, line: bytes | None) -> bytes | None:
    """One line ready for DuckDB, or None when it is blank or refused."""
    if line is None:
        _refuse(db, key, number, f"the line is longer than {LONGEST_LINE_BYTES // 1024**2} MiB")
        return None
    line = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
    if not line:
        return None
    try:
        record = json.loads(line, parse_int=len)  # Python's integers have a limit of digits, JSON has none
    except (ValueError, RecursionError) as error:
        _refuse(db, key, number, f"not JSON: {str(error)[:120]}")
        return None
    if not isinstance(record, dict):
        _refuse(db, key, number, f"a JSON {type(record).__name__}, expected an object")
        return None
    place = json.dumps({"paceline_key": key, "paceline_line": number}).encode()
    return place[:-1] + (b", " if record else b"") + line[1:] + b"\n"


def _name(column: str) -> str:
    return f'"{column}"'


def _create(db: duckdb.DuckDBPyConnection, table: str, schema: dict[str, str]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in schema.items())
    db.execute(f"create or replace temp table {table} ({columns})")


def _refuse(db: duckdb.DuckDBPyConnection, key: str, line: int | None, reason: str) -> None:
    db.execute("insert into refused values (?, ?, null, ?)", [key, line, reason])
