"""Every parser on damaged samples: nothing crashes, and every line or row is kept or refused by name.

The sources are discovered: a new one is fuzzed with its samples, the files below tests/data/<source> or the answers of
its stand-in. `FUZZ_TIMES=50` tries so many times as much, each time something else.
"""

import json
import os
import re
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.models import rendered
from connectors import _api, _logs, discover, genai_prices
from connectors._contract import ApiFeed, CsvFeed, LogFeed
from connectors._csv import read_csv_files
from connectors._files import CSV_ENDINGS, list_files
from connectors._logs import read_logs
from connectors.generic_jsonl import read_mapping
from pipelines import loading_api
from pipelines.functions import create_arithmetic
from pipelines.lake import Lake
from pipelines.loading import load_log_feed
from pipelines.loading_api import load_api_feed
from pipelines.loading_csv import load_csv_feed
from pipelines.loading_http import load_log_feed_over_http
from pipelines.raw import PRICES, create_raw, days_to_build, write_model_names
from pipelines.settings import DBT_PROJECT, EXAMPLES, load_settings
from tests.fuzzing import TOO_DEEP, damaged, mutated, written
from tests.gateway import DATA, NOW, write_lines
from tests.other_bills import set_cloud_credentials
from tests.providers import KEY, Providers, send

TIMES = int(os.environ.get("FUZZ_TIMES", "0"))
D23 = date(2026, 11, 23)
LINES = 10  # of a file
SEEDS = st.integers(0, 2**32).map(Random)

FEEDS = [feed for source in discover() for feed in source.feeds]
LOGS = {feed.table: feed for feed in FEEDS if isinstance(feed, LogFeed) and not feed.members}
LOGS |= {feed.table: feed for feed in map(read_mapping, sorted(EXAMPLES.glob("mappings/*.yml")))}
REPORTS = {feed.table: feed for feed in FEEDS if isinstance(feed, ApiFeed)}
EXPORTS = {feed.table: feed for feed in FEEDS if isinstance(feed, CsvFeed)}


def times(most: int):
    """So many examples, the same ones in every run; more and others where FUZZ_TIMES says so."""
    return settings(
        max_examples=most * max(1, TIMES),
        derandomize=not TIMES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# --- Logs: lines in = lines kept + refused + passed over


def alone(feed: LogFeed, counted: bool) -> LogFeed:
    """The feed without what a record takes from the others of its file."""
    return replace(feed, in_file={}, kept_if="", counts_skipped=counted)


@cache
def samples(table: str) -> tuple[bytes, ...]:
    """Real lines of a source: some of its records, and a few that it passes over."""
    feed = LOGS[table]
    folders = [DATA / "coding_agents" / feed.source, DATA / feed.source, DATA / "generic"]
    folder = next((folder for folder in folders if folder.exists()), None)
    assert folder, f"{feed.source} has no samples to be fuzzed with: put some into tests/data/{feed.source}"
    files, _ = list_files(str(folder), feed.variable, feed.file_names, feed.endings)
    if feed.source == "generic_jsonl":
        files = [file for file in files if file.key == f"{feed.name}.jsonl"]
    with duckdb.connect() as db, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(_logs, "SMALL_FILE_BYTES", 10**9)
        db.execute("set TimeZone = 'UTC'")
        assert read_logs(db, alone(feed, True), files, NOW) == []
        records = set(db.execute("select distinct _file, _line from kept").fetchall())
        refused = set(db.execute("select _file, _line from refused").fetchall())
    found: dict[bool, list[bytes]] = {True: [], False: []}
    for file in sorted(files, key=lambda file: file.key):
        for number, line in enumerate(Path(file.path).read_bytes().splitlines(), start=1):
            if (file.key, number) not in refused:
                found[(file.key, number) in records].append(line)
    assert found[True], f"{table} has no records among its samples"
    step = max(1, len(found[True]) // 12)
    return tuple([*found[True][::step][:12], *found[False][:3]])


@cache
def words(table: str) -> frozenset[str]:
    """Every key that a feed reads."""
    feed = LOGS[table]
    said = " ".join([*feed.json_columns, *map(str, feed.json_columns.values()), *feed.parsed.values(), feed.records])
    said += " ".join(field.leaf for field in feed.fields.values())
    return frozenset("".join(c if c.isalnum() or c in "_-$" else " " for c in said).split())


def outcome(db, feed: LogFeed, folder: Path) -> tuple[Counter, set, int]:
    """(records of each line, lines refused, records passed over); lines are (file, number)."""
    files, _ = list_files(str(folder), feed.variable)
    assert read_logs(db, feed, sorted(files, key=lambda file: file.key), NOW) == []
    columns = ", ".join(name for name in feed.fields)
    kept = Counter(db.execute(f"select _file, _line, ({columns})::varchar from kept").fetchall())
    refused = db.execute("select _file, _line from refused").fetchall()
    skipped = int(db.execute("select coalesce(sum(records), 0) from skipped").fetchall()[0][0])
    return kept, set(refused), skipped


@pytest.mark.parametrize("table", LOGS)
def test_every_line_of_a_log_is_kept_refused_or_passed_over_and_harms_no_other(db, table, monkeypatch):
    feed = LOGS[table]

    @times(6)
    @given(SEEDS)
    def holds(dice):
        lines, paths = [], []
        for line in dice.choices(samples(table), k=LINES):
            path = None  # nothing was done to it
            if dice.random() < 0.6:
                changed, path = mutated(dice, json.loads(line), words(table))
                line = written(dice, changed)
            elif dice.random() < 0.3:
                line, path = damaged(dice, line), ()
            lines.append(line)
            paths.append(path)
        with tempfile.TemporaryDirectory() as folder:
            together, apart = Path(folder, "together"), Path(folder, "apart")
            together.mkdir()
            apart.mkdir()
            (together / "a.jsonl").write_bytes(b"\n".join(lines))
            for number, line in enumerate(lines, start=1):
                (apart / f"{number:03}.jsonl").write_bytes(line)
            monkeypatch.setattr(_logs, "SMALL_FILE_BYTES", 10**9)
            kept, refused, skipped = outcome(db, alone(feed, True), together)
            monkeypatch.setattr(_logs, "SMALL_FILE_BYTES", 0)
            fast_kept, fast_refused, _ = outcome(db, alone(feed, False), apart)

        numbers = {number for number, line in enumerate(lines, start=1) if line.strip()}
        with_records, without = {line for _, line, _ in kept}, {line for _, line in refused}
        assert with_records | without <= numbers
        passed_over = numbers - with_records - without
        assert len(passed_over) <= skipped
        if not feed.unnested:
            assert not with_records & without
            assert len(passed_over) == skipped
            assert kept.total() + len(refused) + skipped == len(numbers)
        if not feed.records:
            assert not passed_over
        # A line that nothing was done to ends as it does among real ones.
        untouched = {number for number, path in enumerate(paths, start=1) if path is None}
        assert not untouched & without
        # What looks at whole files and what looks at lines say the same.
        of_line = Counter({(f"{line:03}.jsonl", record): n for (_, line, record), n in kept.items()})
        assert Counter({(file, record): n for (file, _, record), n in fast_kept.items()}) == of_line
        # But for what is deeper than Python reads.
        differing = {int(file[:3]) for file, _ in fast_refused} ^ without
        assert all(lines[number - 1].startswith(TOO_DEEP[:99]) for number in differing)

    holds()


# --- Reports: all rows typed, or nothing kept and who must do what


@pytest.fixture
def answers(monkeypatch, tmp_path):
    """The providers, each answering about two days; nobody waits for them."""
    monkeypatch.setattr(_api, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(_api, "TIMEOUT_SECONDS", (5, 5))
    monkeypatch.setattr(_api, "MINUTE_SECONDS", 0)
    monkeypatch.setattr(loading_api, "FIRST_LOAD_DAYS", 2)
    providers = Providers()
    set_cloud_credentials(monkeypatch, tmp_path, providers.address)
    yield providers
    providers.stop()


def broken_answer(dice: Random, keys: frozenset[str]):
    """A fault: what would have been answered, damaged."""

    def fault(handler, body: bytes) -> None:
        lines = body.split(b"\n")
        at = dice.randrange(len(lines))
        if dice.random() < 0.9:
            lines[at] = written(dice, mutated(dice, json.loads(lines[at]), keys)[0])
        else:
            lines[at] = damaged(dice, lines[at])
        send(handler, 200, b"\n".join(lines))

    return fault


def keys_of(feed: ApiFeed) -> frozenset[str]:
    """Keys that a report's reader knows by name."""
    at = [column.at for column in feed.columns.values()]
    at += [name for name in (feed.entries, feed.rows, feed.links, feed.more, feed.page_count, feed.cursor[1]) if name]
    at += [feed.window.bucket] if feed.window and feed.window.bucket else []
    return frozenset(key for one in at for key in one.split("."))


ACTIONS = (
    "tried again",
    "tries again",
    "developer must look",
    "Check ",
    "Correct ",
    "must be",
    "does not help",
    "may not",
)


@pytest.mark.parametrize("table", REPORTS)
def test_a_damaged_answer_gives_rows_that_are_all_typed_or_nothing_and_what_to_do(answers, tmp_path, table):
    feed = REPORTS[table]
    environ = answers.environ | answers.gateway_environ | answers.other_environ
    lake = Lake(str(tmp_path / "lake"), tmp_path / "scratch")

    def load():
        known_at = datetime(2026, 11, 24, 5, tzinfo=UTC)
        return load_api_feed(lake, feed, environ, D23, now=lambda: known_at, known_at=known_at, say=lambda text: None)

    undisturbed = load()
    assert undisturbed.status == "loaded", undisturbed.error
    requests = len(answers.asked)

    @times(12)
    @given(SEEDS)
    def holds(dice):
        shutil.rmtree(lake.root, ignore_errors=True)
        answers.faults = {len(answers.asked) + dice.randrange(requests): broken_answer(dice, keys_of(feed))}
        done = load()
        rows = [row for path in lake.files(f"raw/{feed.table}") for row in lake.read_rows(path)]
        if done.status == "loaded":
            assert len(rows) == done.records
            for name, column in feed.columns.items():
                assert not column.required or all(row[name] is not None for row in rows)
        else:
            assert not rows
            assert any(words in done.error for words in ACTIONS), done.error
            assert KEY not in done.error

    holds()


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "0e-999999999", "NaN", "-Infinity"])
@pytest.mark.parametrize("kind", ["BIGINT", "USD", "CENTS", "DECIMAL"])
def test_a_number_that_does_not_fit_into_memory_is_refused_before_it_is_written_out(number, kind):
    if (kind, number) == ("BIGINT", "0e-999999999"):
        assert _api.typed(number, kind) == 0
        return
    with pytest.raises((ValueError, ArithmeticError)):
        _api.typed(number, kind)


def test_half_a_surrogate_pair_reaches_the_lake_as_a_question_mark(tmp_path):
    lake = Lake(str(tmp_path / "lake"), tmp_path / "scratch")

    lake.write_rows([{"name": "a\ud800b\0é"}], {"name": "VARCHAR"}, "raw/x.parquet")

    assert lake.read_rows("raw/x.parquet") == [{"name": "a?b\0é"}]


def test_a_damaged_answer_about_calls_loses_none_without_saying_so(answers, tmp_path):
    feed = LOGS["litellm__requests"]
    lake = Lake(str(tmp_path / "lake"), tmp_path / "scratch")
    answers.calls = answers.calls[: len(answers.calls) // 13]
    total = len(answers.calls)

    @times(25)
    @given(SEEDS)
    def holds(dice):
        shutil.rmtree(lake.root, ignore_errors=True)
        answers.faults = {len(answers.asked) + dice.randrange(2): broken_answer(dice, words(feed.table) | {"data"})}
        done = load_log_feed_over_http(lake, feed, answers.gateway_environ, D23, lambda: NOW, say=lambda text: None)
        if done.status == "loaded":
            # One call may be gone from the answer, or be there twice; all others are not touched.
            assert total - 1 <= done.records + done.quarantined <= total + 1 or done.records + done.quarantined == 0
        else:
            assert any(words in done.error for words in ACTIONS), done.error

    holds()


# --- Exports: lines in = rows + refused + about something else


@pytest.mark.parametrize("table", EXPORTS)
def test_every_line_of_an_export_is_a_row_refused_or_about_something_else(table):
    feed = EXPORTS[table]
    originals = [path for path in sorted((DATA / feed.source).iterdir()) if feed_has(feed, path.name)]
    assert originals, f"{feed.source} has no samples to be fuzzed with: put some into tests/data/{feed.source}"
    odd = ("", " ", "x", "-1", "1.5", "1e999999999", "1e-999999999", "NaN", "inf", "9" * 200, "2026-13-40", "\0", "é",
           "z" * 200_000, "٣", "a\rb", "20261120", "0001-01-01", "1_000", "\u2028", "-", "Infinity")  # fmt: skip

    @times(60)
    @given(SEEDS)
    def holds(dice):
        original = dice.choice(originals)
        header, *lines = original.read_text().splitlines()
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(lines))
            cells = lines[at].split(",")
            cell = dice.randrange(len(cells))
            how = dice.choice(("odd", "odd", "odd", "drop", "add", "put"))
            if how == "odd":
                cells[cell] = dice.choice(odd)
            elif how == "drop":
                del cells[cell]
            elif how == "add":
                cells.insert(cell, dice.choice(odd))
            else:
                cells[cell] += dice.choice(("\0", "\udcff", "\ufeff", ";", "\t"))
            lines[at] = ",".join(cells)
        ending = dice.choice(("\n", "\n", "\r\n"))
        start = dice.choice(("", "", "\ufeff"))
        content = start + ending.join([header, *lines]) + dice.choice(("", ending))
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, original.name).write_bytes(content.encode(errors="surrogateescape"))
            told = read_csv_files(feed, list_files(folder, feed.variable, endings=CSV_ENDINGS)[0])

        rows = sum(map(len, told.days.values()))
        other = told.lines - rows - len(told.refused)
        assert told.lines == sum(1 for line in lines if line.strip())
        assert all(line and line > 1 for _, line, _ in told.refused), told.refused
        if not feed.keep:
            assert other == 0
        else:
            names = header.split(",")
            cells = [dict(zip(names, line.split(","), strict=False)) for line in lines]
            about = [all(re.search(word, line.get(name, "")) for name, word in feed.keep.items()) for line in cells]
            assert 0 <= other <= about.count(False)

    holds()


def feed_has(feed: CsvFeed, name: str) -> bool:
    """Whether a file is one of the feed's."""
    return re.search(feed.files, name) is not None


# --- And what reached the lake stops no model


def test_no_model_fails_over_what_damaged_logs_and_exports_left_in_the_lake(tmp_path):
    dice = Random(max(7, TIMES))
    lake = Lake(str(tmp_path / "lake"), tmp_path / "scratch")
    for table, feed in LOGS.items():
        lines = [
            written(dice, mutated(dice, json.loads(line), words(table))[0])
            for line in dice.choices(samples(table), k=60)
        ]
        # In places in which each source's own files lie.
        write_lines(tmp_path / table / "dev-07" / "chats" / "rollout-a.jsonl", *lines, *samples(table))
        done = load_log_feed(lake, feed, str(tmp_path / table), D23, lambda: NOW, say=lambda text: None)
        assert done.status == "loaded", done.error
        assert done.records, table
    for feed in EXPORTS.values():
        environ = {feed.variable: str(DATA / feed.source)}
        done = load_csv_feed(lake, feed, environ, D23, lambda: NOW, NOW, say=lambda text: None)
        assert done.status == "loaded", done.error

    with duckdb.connect() as db:
        made = every_model(db, lake)

    assert made["int_usage_daily"] > 0


def every_model(db: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, int]:
    """Build every model over a lake, each by its own SQL; returns its rows."""
    db.execute("set TimeZone = 'UTC'")
    days = days_to_build(lake, load_settings(), {})
    lake.write_rows(genai_prices.prices(), genai_prices.PRICES_SCHEMA, PRICES)
    write_model_names(lake, days)
    create_raw(db, lake, load_settings(), days, D23, date(2026, 12, 1), NOW)
    create_arithmetic(db)
    for seed in DBT_PROJECT.glob("seeds/*.csv"):
        db.execute(f"create table {seed.stem} as from read_csv('{seed}')")
    paths = {path.stem: path for path in DBT_PROJECT.glob("models/**/*.sql")}
    models = {name: rendered(path) for name, path in paths.items()}
    made = {}
    for name in TopologicalSorter({name: parents for name, (_, _, parents) in models.items()}).static_order():
        if name in models:
            sql, is_view, _ = models[name]
            db.execute(f"create {'view' if is_view else 'table'} {name} as {sql}")
            ((made[name],),) = db.execute(f"select count(*) from (from {name})").fetchall()
    return made
