"""LiteLLM's logs of a made-up company, by the million: seeded, faster than they are read.

`python -m benchmarks.generate FOLDER CALLS [DAYS] [full|slim]` writes FOLDER/YYYY-MM-DD/batch_NNNNN.jsonl. `full` is a
whole record of LiteLLM 1.106.2 (13 kB); `slim` has the fields that are read (1.5 kB). Tokens of a call, how much a
person does and how a week goes are drawn from real traces (benchmarks/data/README.md); one record in a hundred comes
twice, one call in fifty fails. The same seed gives the same bytes.
"""

import csv
import gzip
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import duckdb

from connectors.litellm import USAGE_PATHS, requests

DATA = Path(__file__).parent / "data"
LAST_DAY = date(2026, 11, 15)
CALLS_PER_DEVELOPER_DAY = 300
DEVELOPERS_PER_TEAM = 8
RECORDS_PER_FILE = {"full": 1_000, "slim": 10_000}

# LiteLLM's provider, model and group, by how often in 25 sessions.
MODELS = (
    *[("anthropic", "claude-sonnet-4-6")] * 8,
    *[("anthropic", "claude-opus-4-7")] * 5,
    *[("anthropic", "claude-haiku-4-5")] * 4,
    *[("openai", "gpt-5.2")] * 3,
    *[("openai", "gpt-5-mini")] * 2,
    ("hosted_vllm", "meta-llama/Llama-3.3-70B-Instruct"),
    ("deepseek", "deepseek-v4-flash"),
    ("gemini", "gemini-2.5-pro"),
)

# Which calls, from the number of a record in its day. A number that comes twice is a record that is delivered twice.
NUMBERS = """
    select greatest(i - (hash(i, $day, $seed, 'again') % 100 = 0)::int, 0) as n
    from range($first, $last) as numbers (i)"""

# A call's values, in steps: DuckDB would work out again what a step refers to itself.
CALLS = f"""
    with
    numbered as ({NUMBERS}),
    diced as (
        select hash(n, $day, $seed) as chance,
            (chance >> 8) % 1000 as fate,
            (n + 0.5) / $calls as part_of_day,
            md5(concat_ws('/', n, $day, $seed)) as call
        from numbered
    ),
    timed as (
        select chance, call,
            fate < 20 as is_failed,
            fate between 20 and 31 as is_aborted,
            fate between 32 and 43 as is_cache_hit,
            -- A working day from 8 to 19 o'clock, with a little before and after.
            $midnight + case
                when part_of_day < 0.06 then part_of_day / 0.06 * 28800
                when part_of_day < 0.94 then 28800 + (part_of_day - 0.06) / 0.88 * 39600
                else 68400 + (part_of_day - 0.94) / 0.06 * 17900
            end as started_at,
            if(fate < 20, 0, lengths.context_tokens) as prompt_tokens,
            if(fate < 20, 0, lengths.generated_tokens) as completion_tokens,
            slots.developer, slots.team, slots.key_hash
        from diced
        inner join slots on slots.slot = (chance % $slots)::bigint
        inner join lengths on lengths.place = ((chance >> 20) % $lengths)::bigint
    ),
    -- Who works an hour has a session with one model, on one of a few tasks of that week.
    sessions as (
        select *,
            hash(developer, $day, floor(started_at / 3600), $seed) as session,
            -- Agents send the same beginning again: about three quarters of the input are read from the cache.
            prompt_tokens * ((chance >> 40) % 100)::int // 150 + prompt_tokens // 3 as cached_tokens
        from timed
    ),
    modelled as (
        select *,
            concat('T-', developer, '-', $day // 7, '-', session % 3) as task,
            if(provider = 'anthropic', (prompt_tokens - cached_tokens) // 2, 0) as written_tokens
        from sessions
        inner join models on models.place = (session % {len(MODELS)})::integer
    )
    from modelled"""

# What stands in place of "@name" in the record: JSON, strings with their quotes.
VALUES = {
    "id": """concat('"msg_', call[:24], '"')""",
    "call_id": """concat('"', call, '"')""",
    "session_id": """concat('"', format('{:016x}', session), '"')""",
    "call_type": """if(provider = 'anthropic', '"anthropic_messages"', '"acompletion"')""",
    "cache_hit": "if(is_cache_hit, 'true', 'null')",
    "status": """if(is_failed, '"failure"', '"success"')""",
    "provider": """concat('"', provider, '"')""",
    "started": "started_at::decimal(18, 6)",
    "ended": "(started_at + 0.3 + completion_tokens / 60)::decimal(18, 6)",
    "model": """concat('"', provider, '/', model, '"')""",
    "model_group": """concat('"', model, '"')""",
    "key_hash": """concat('"', key_hash, '"')""",
    "key_alias": """concat('"key-', developer, '"')""",
    "team_id": """concat('"team-', team, '"')""",
    "user_id": """concat('"dev-', developer, '"')""",
    "user_email": """concat('"dev-', developer, '@example.com"')""",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "total_tokens": "prompt_tokens + completion_tokens",
    "cached_tokens": "cached_tokens",
    "written_tokens": "written_tokens",
    "cost": "if(is_failed or is_cache_hit, 0, (prompt_tokens * 3 + completion_tokens * 15) / 1e6)::decimal(18, 9)",
    "task_tag": """concat('"task:', task, '"')""",
    "tags": """if(session % 8 = 0, '["User-Agent: claude-cli"]', concat('["task:', task, '", "task_type:',
        ['bugfix', 'feature', 'refactor', 'tests', 'docs', 'review'][1 + (hash(task) % 6)::int],
        '", "User-Agent: claude-cli"]'))""",
    "error_code": """if(is_failed, '"503"', if(is_aborted, '"499"', '""'))""",
}


@dataclass(frozen=True)
class Written:
    """What was written: records, the different calls among them, files, bytes, and how long it took."""

    records: int
    calls: int
    files: int
    bytes: int
    seconds: float


def write_logs(
    folder: Path,
    records: int,
    days: Sequence[date],
    developers: int | None = None,
    shape: str = "slim",
    seed: int = 8,
) -> Written:
    """Write so many records over these days, a folder for each; by default of as many as make 300 calls a day."""
    start = time.perf_counter()
    developers = developers or max(5, records // (len(days) * CALLS_PER_DEVELOPER_DAY))
    write = partial(_write_days, folder, developers, shape, seed)
    parts = list(zip(days, spread(records, days), strict=True))
    workers = min(os.cpu_count() or 1, 1 + records // 50_000)
    if workers == 1:
        done = [write(parts)]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            done = list(pool.map(write, (parts[number::workers] for number in range(workers))))
    calls, files, size = (sum(column) for column in zip(*done, strict=True))
    return Written(records, calls, files, size, time.perf_counter() - start)


def write_org(folder: Path, developers: int) -> None:
    """Write the org CSVs of these people: who they are, and teams of eight."""
    folder.mkdir(parents=True)
    people = (f"dev-{n},dev-{n}@example.com,team-{n // DEVELOPERS_PER_TEAM},2026-01-01" for n in range(developers))
    (folder / "developers.csv").write_text("\n".join(["developer_id,email,team_id,valid_from", *people, ""]))
    teams = (f"team-{n},Team {n}" for n in range(-(-developers // DEVELOPERS_PER_TEAM)))
    (folder / "teams.csv").write_text("\n".join(["team_id,name", *teams, ""]))


def _write_days(
    folder: Path, developers: int, shape: str, seed: int, parts: Sequence[tuple[date, int]]
) -> tuple[int, int, int]:
    """Write some of the days; returns how many different calls, files and bytes."""
    calls = files = size = 0
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute("set enable_progress_bar = false")
        drawn_from = _prepare(db, developers)
        lines = f"select {_concatenated(record(shape))} from ({CALLS})"
        for day, records in parts:
            target = folder / str(day)
            target.mkdir(parents=True, exist_ok=True)
            of_day = {"day": day.toordinal(), "seed": seed}
            for number, first in enumerate(range(0, records, RECORDS_PER_FILE[shape])):
                last = min(first + RECORDS_PER_FILE[shape], records)
                midnight = (day - date(1970, 1, 1)).days * 86_400
                given = {"first": first, "last": last, "calls": records, "midnight": midnight}
                rows = db.execute(lines, of_day | drawn_from | given).fetchall()
                # DuckDB's own writers of JSON and CSV look at every character and are slower than this.
                size += (target / f"batch_{number:05}.jsonl").write_bytes("".join([line for (line,) in rows]).encode())
                files += 1
            different = f"select count(distinct n) from ({NUMBERS})"
            calls += db.execute(different, of_day | {"first": 0, "last": records}).fetchall()[0][0]
    return calls, files, size


def spread(calls: int, days: Sequence[date]) -> list[int]:
    """How many of the calls fall on each day, by the weekdays of real teams; together all of them."""
    weekdays = Counter()
    for row in _rows("team_daily_tasks.csv.gz"):
        weekdays[date.fromisoformat(row["date"]).isoweekday()] += int(row["tasks"])
    total, before, shares = sum(weekdays[day.isoweekday()] for day in days), 0, []
    for day in days:
        shares.append((before + weekdays[day.isoweekday()]) * calls // total - before * calls // total)
        before += weekdays[day.isoweekday()]
    return shares


def record(shape: str) -> str:
    """One record as JSON, with "@name" in place of what differs from call to call."""
    whole = json.loads((DATA / "litellm_record.json").read_text())
    if shape == "full":
        return json.dumps(whole)
    declared = json.dumps([requests.json_columns, list(USAGE_PATHS.values()), "error_code"])
    return json.dumps(_pruned(whole, set(re.findall(r"[\w-]+", declared))), separators=(",", ":"))


def _pruned(value: object, names: Collection[str]) -> object:
    if not isinstance(value, dict):
        return value
    return {name: _pruned(one, names) for name, one in value.items() if name in names}


def _prepare(db: duckdb.DuckDBPyConnection, developers: int) -> dict[str, int]:
    """The tables that calls are drawn from; returns how many rows they have."""
    done = Counter()
    for row in _rows("team_daily_tasks.csv.gz"):
        done[row["dev_id"]] += int(row["tasks"])
    weights = [done[name] for name in sorted(done)]
    of_developers = [weights[number % len(weights)] for number in range(developers)]
    slots = max(20_000, 8 * developers)
    # Each developer has as many slots as they do things, and at least one.
    shares = [max(1, weight * slots // sum(of_developers)) for weight in of_developers]
    db.execute(
        f"""
        create table slots as
        select row_number() over () - 1 as slot, developer, developer // {DEVELOPERS_PER_TEAM} as team,
            md5(developer::varchar) || md5('key' || developer) as key_hash
        from (select unnest(range(len($shares))) as developer, unnest($shares) as share), range(share)""",
        {"shares": shares},
    )
    lengths = "create table lengths as select row_number() over () - 1 as place, * from read_csv(?)"
    db.execute(lengths, [str(DATA / "llm_calls.csv.gz")])
    db.execute("create table models (place integer, provider varchar, model varchar)")
    db.executemany("insert into models values (?, ?, ?)", [(place, *model) for place, model in enumerate(MODELS)])
    return {name: db.execute(f"select count(*) from {name}").fetchall()[0][0] for name in ("slots", "lengths")}


def _concatenated(template: str) -> str:
    """SQL that puts a record together."""
    pieces = re.split(r'"@(\w+)"', template)
    literals = ["'" + piece.replace("'", "''") + "'" for piece in pieces[::2]]
    values = [VALUES[name] for name in pieces[1::2]]
    mixed = [part for pair in zip(literals, values, strict=False) for part in pair]
    return f"concat({', '.join([*mixed, literals[-1], 'chr(10)'])})"


def _rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(DATA / name, "rt") as lines:
        yield from csv.DictReader(lines)


def month(days: int = 30, last: date = LAST_DAY) -> list[date]:
    """So many days up to the last."""
    return [last - timedelta(days=ago) for ago in reversed(range(days))]


def main() -> None:
    """Write, and say how fast."""
    folder, calls, *rest = sys.argv[1:]
    days, shape = (*rest, 30, "slim")[:2] if len(rest) != 1 else (rest[0], "slim")
    done = write_logs(Path(folder), int(calls), month(int(days)), shape=shape)
    print(
        f"{done.records:,} records, {done.files:,} files, {done.bytes / 1e6:,.0f} MB in {done.seconds:.1f} s:"
        f" {done.bytes / done.seconds / 1e6:,.0f} MB/s, {done.bytes / done.records:,.0f} bytes each"
    )


if __name__ == "__main__":
    main()
