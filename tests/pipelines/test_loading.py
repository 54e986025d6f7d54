"""From a folder of logs to the days of the lake: what a load reads, what it changes, and what takes nothing away."""

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from connectors.litellm import requests
from pipelines import loading
from pipelines.lake import Lake
from pipelines.loading import LOADS_SCHEMA, Load, lake_days, load_log_feed
from tests.gateway import DATA, NOW, json_lines, record, write_lines

D17, D18, D19, D20, D21, D22, D23 = (date(2026, 11, day) for day in range(17, 24))
FEED = "raw/litellm__requests"
EMPTY = "no_records.parquet"

ROOT = DATA.parent.parent
# A load in a process of its own: lake, scratch, logs, and the end of the path at whose writing the process dies.
ONE_LOAD = """
import os, sys
from datetime import date
from pathlib import Path
from connectors.litellm import requests
from pipelines.lake import Lake
from pipelines.loading import load_log_feed
from tests.gateway import NOW

def write_rows(self, rows, schema, relative, order_by="all", whole=Lake.write_rows):
    if sys.argv[4:] and relative.endswith(sys.argv[4]):
        os._exit(9)
    return whole(self, rows, schema, relative, order_by)

Lake.write_rows = write_rows
load_log_feed(Lake(sys.argv[1], Path(sys.argv[2])), requests, sys.argv[3], date(2026, 11, 22), lambda: NOW)
"""


@pytest.fixture
def load(lake, logs) -> Callable[..., Load]:
    """Bring the lake up to date through 2026-11-22; what the load said is not shown."""

    def run(location: Path | str = logs, through: date = D22, **more) -> Load:
        return load_log_feed(lake, requests, str(location), through, lambda: NOW, say=lambda text: None, **more)

    return run


def at(day: date, hour: int = 12, **changes: object) -> dict:
    """A record of this UTC day."""
    return record(at=datetime(day.year, day.month, day.day, hour, tzinfo=NOW.tzinfo), **changes)


def ids(lake: Lake) -> dict[date, list[str]]:
    """The ids in the lake, per day; an empty list for a day that was looked at and is empty."""
    found: dict[date, list[str]] = {}
    for path in lake.files(FEED):
        if "day=" in path:
            day = date.fromisoformat(path.partition("day=")[2][:10])
            found.setdefault(day, []).extend(row["id"] for row in lake.read_rows(path))
    return {day: sorted(names) for day, names in sorted(found.items())}


def rows(lake: Lake) -> dict[str, list]:
    """Every row of every file of the feed and its quarantine."""
    paths = [*lake.files(FEED), *lake.files(loading.QUARANTINE)]
    return {path: sorted(map(repr, lake.read_rows(path))) for path in paths}


def stamps(lake: Lake) -> dict[str, str]:
    """Every file of the lake with its size and time, but for the record of loads, which grows with every load."""
    return {path: stamp for path, stamp in lake.files("raw").items() if not path.startswith(loading.LOADS)}


def quarantine(lake: Lake) -> list[tuple]:
    found = [row for path in lake.files(loading.QUARANTINE) for row in lake.read_rows(path)]
    return sorted((row["_file"], row["_line"], row["reason"]) for row in found)


def columns(lake: Lake, path: str) -> dict[str, str]:
    with lake.connect() as db:
        described = db.execute("describe from read_parquet(?, hive_partitioning = false)", [lake.path(path)])
        return {name: kind for name, kind, *_ in described.fetchall()}


# --- The first load and those after it


def test_the_first_load_brings_every_record_to_its_day(lake, logs, load):
    write_lines(logs / "team" / "2026-11-20" / "a.jsonl", at(D20, id="a1"), at(D20, id="a2"))
    write_lines(logs / "team" / "2026-11-20" / "b.jsonl", at(D20, id="b1"))
    write_lines(logs / "team" / "2026-11-22" / "c.jsonl", at(D22, id="c1"))

    done = load(run_id="run-1")

    assert ids(lake) == {D20: ["a1", "a2", "b1"], D21: [], D22: ["c1"]}
    assert (done.status, done.error) == ("loaded", None)
    assert (done.folders_read, done.files_read, done.records, done.quarantined) == (2, 3, 4, 0)
    assert done.bytes_read == sum(file.stat().st_size for file in logs.rglob("*.jsonl"))
    assert done.changed_days == [D20, D21, D22]
    assert (done.feed, done.run_id, done.through_date) == ("litellm__requests", "run-1", D22)


def test_a_second_load_reads_nothing_and_changes_no_file(lake, logs, load):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20), "bad")
    write_lines(logs / "2026-11-21" / "notes.txt", "unknown")
    load()
    before = stamps(lake)

    done = load()

    assert (done.status, done.folders_read, done.files_read, done.bytes_read, done.records) == ("loaded", 0, 0, 0, 0)
    assert (done.changed_days, done.quarantined) == ([], 2)
    assert stamps(lake) == before


def test_a_late_object_in_an_old_folder_changes_its_days_only_and_only_its_folder_is_read(lake, logs, load):
    for day in (D18, D19, D20, D21):
        write_lines(logs / str(day) / "a.jsonl", at(day, id=f"{day:%d}"), at(day, 23, id=f"{day:%d} late"))
    load()
    before = stamps(lake)
    write_lines(logs / "2026-11-19" / "late.jsonl", at(D18, 23, id="late 18"), at(D20, 0, id="late 20"))

    done = load()

    assert (done.folders_read, done.files_read, done.records) == (1, 2, 4)
    assert done.changed_days == [D18, D20]
    changed = {path for path, stamp in stamps(lake).items() if before.get(path) != stamp}
    assert {path.split("/")[2] for path in changed} == {"day=2026-11-18", "day=2026-11-20", "_folders.parquet"}
    assert ids(lake)[D18] == ["18", "18 late", "late 18"]
    assert ids(lake)[D20] == ["20", "20 late", "late 20"]


def test_an_object_delivered_again_in_another_folder_is_in_the_lake_twice(lake, logs, load):
    file = write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, id="a1"))
    load()
    (logs / "2026-11-21").mkdir()
    shutil.copy(file, logs / "2026-11-21")

    done = load()

    # One call counts once, but that is the work of dbt, which sees both.
    assert ids(lake)[D20] == ["a1", "a1"]
    assert len(lake_days(lake, requests.table)[D20]) == 2
    assert (done.folders_read, done.changed_days) == (1, [D20])


def test_the_folder_of_a_proxy_in_tokyo_goes_to_its_utc_day(lake, logs, load):
    shutil.copytree(DATA / "litellm" / "tokyo", logs, dirs_exist_ok=True)

    done = load(through=D23)

    assert [len(found) for found in ids(lake).values()] == [0, 0, 3]
    assert list(ids(lake)) == [D21, D22, D23]  # the folder says 2026-11-24
    assert done.records == 3


def test_records_on_both_sides_of_midnight_go_to_two_days(lake, logs, load):
    midnight = datetime(2026, 11, 21, tzinfo=NOW.tzinfo)
    write_lines(
        logs / "2026-11-20" / "a.jsonl",
        record(at=midnight - timedelta(microseconds=1), id="before"),
        record(at=midnight, id="after"),
    )

    load()

    assert ids(lake) == {D20: ["before"], D21: ["after"], D22: []}


def test_the_time_zone_of_the_machine_changes_nothing(lake, logs, load, tmp_path):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, 0, id="a"), at(D20, 23, id="b"))
    load()

    other = Lake(str(tmp_path / "other"), tmp_path / "scratch")
    env = os.environ | {"TZ": "Pacific/Auckland"}
    args = [sys.executable, "-c", ONE_LOAD, other.root, other.scratch, logs]
    subprocess.run(args, cwd=ROOT, env=env, check=True, capture_output=True)

    assert rows(other) == rows(lake)
    (loads,) = other.files(loading.LOADS)
    assert other.read_rows(loads)[0]["started_at"] == datetime(2026, 11, 24, 12)


def test_a_large_load_in_many_batches_is_the_same_lake(lake, logs, load, tmp_path, monkeypatch):
    for day in (D18, D19, D20, D21):
        write_lines(logs / str(day) / "a.jsonl", at(day, 0), at(day, 23), "bad")
    load()
    monkeypatch.setattr(loading, "BATCH_FILES", 1)
    other = Lake(str(tmp_path / "other"), tmp_path / "scratch")

    done = load_log_feed(other, requests, str(logs), D22, lambda: NOW, say=lambda text: None)

    assert rows(other) == rows(lake)
    assert (done.folders_read, done.files_read, done.records, done.quarantined) == (4, 4, 8, 4)


def test_the_order_of_arrival_does_not_matter(logs, tmp_path):
    arrivals = {
        "2026-11-19/a.jsonl": [at(D19, id="a"), at(D20, 0, id="spilled over")],
        "2026-11-20/b.jsonl": [at(D20, id="b"), "bad"],
        "2026-11-20/c.jsonl": [at(D20, id="b"), at(D19, 23, id="c")],
    }
    orders = [sorted(arrivals), sorted(arrivals, reverse=True), sorted(arrivals, key=lambda name: name[::-1])]
    lakes = []
    for number, order in enumerate(orders):
        location = tmp_path / f"logs {number}"
        location.mkdir()
        lakes.append(Lake(str(tmp_path / f"lake {number}"), tmp_path / "scratch"))
        for name in order:
            write_lines(location / name, *arrivals[name])
            load_log_feed(lakes[-1], requests, str(location), D20, lambda: NOW, say=lambda text: None)

    first = {path: found for path, found in rows(lakes[0]).items() if not path.endswith("_folders.parquet")}
    assert sum(map(len, first.values())) == 5 + 1
    for other in lakes[1:]:
        assert {path: found for path, found in rows(other).items() if path in first} == first
        assert ids(other) == ids(lakes[0])


# --- What takes away, and what does not


def test_an_object_rewritten_with_fewer_records_removes_the_days_it_no_longer_holds(lake, logs, load):
    file = write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, id="b"), at(D19, id="a"), at(D21, id="c"))
    load()
    write_lines(file, at(D20, id="b"))

    done = load()

    # The 19th was looked at and is empty now: not a day that nobody ever looked at.
    assert ids(lake) == {D19: [], D20: ["b"], D21: [], D22: []}
    assert done.changed_days == [D19, D21]


def test_an_object_emptied_of_records_removes_all_it_held(lake, logs, load):
    file = write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, id="a"))
    write_lines(logs / "2026-11-20" / "b.jsonl", at(D20, id="b"))
    load()
    file.write_bytes(b"")

    load()

    assert ids(lake)[D20] == ["b"]


def test_an_object_that_vanishes_takes_nothing_away(lake, logs, load):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, id="a"))
    write_lines(logs / "2026-11-20" / "b.jsonl", at(D20, id="b"))
    load()
    before = stamps(lake)
    (logs / "2026-11-20" / "a.jsonl").unlink()

    done = load()

    assert done.files_read == 0
    assert stamps(lake) == before


def test_an_object_that_vanished_takes_nothing_away_when_its_folder_is_read_again(lake, logs, load):
    for name in "abc":
        write_lines(logs / f"{name}.jsonl", at(D19, id=f"{name} 19"), at(D20, id=f"{name} 20"))
    load()
    (logs / "a.jsonl").unlink()
    write_lines(logs / "b.jsonl", at(D20, id="b 20"))
    write_lines(logs / "d.jsonl", at(D20, id="d 20"))

    done = load()

    # a is kept as it was, b as it is now.
    assert ids(lake)[D19] == ["a 19", "c 19"]
    assert ids(lake)[D20] == ["a 20", "b 20", "c 20", "d 20"]
    assert (done.files_read, done.records, done.changed_days) == (3, 4, [D19, D20])
    before = stamps(lake)
    load(again=(D19, D20))
    assert stamps(lake) == before


def test_a_whole_folder_that_vanishes_takes_nothing_away(lake, logs, load):
    write_lines(logs / "2026-11-19" / "a.jsonl", at(D19), "bad")
    write_lines(logs / "2026-11-20" / "b.jsonl", at(D20))
    load()
    before = stamps(lake)
    shutil.rmtree(logs / "2026-11-19")

    done = load()

    assert (done.status, done.files_read, done.quarantined) == ("loaded", 0, 1)
    assert stamps(lake) == before


def test_an_object_that_cannot_be_opened_any_more_takes_nothing_away(lake, logs, load, monkeypatch):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, id="a"))
    load()
    write_lines(logs / "2026-11-20" / "b.jsonl", at(D20, id="b"))
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("a.jsonl") and may(path, mode))

    done = load()

    assert ids(lake)[D20] == ["a", "b"]
    assert done.quarantined == 1
    assert quarantine(lake) == [("2026-11-20/a.jsonl", None, "file: Permission denied")]


def test_an_object_damaged_from_its_first_byte_takes_nothing_away(lake, logs, load):
    (logs / "a.jsonl.gz").write_bytes(gzip.compress(json_lines([at(D20, id="a")])))
    load()
    (logs / "a.jsonl.gz").write_bytes(b"no gzip at all")

    done = load()

    assert ids(lake)[D20] == ["a"]
    assert (done.quarantined, done.changed_days) == (1, [])


def test_a_day_without_records_is_an_empty_file_until_records_come_late(lake, logs, load):
    write_lines(logs / "2026-11-18" / "a.jsonl", at(D18, id="a"))
    load()
    assert ids(lake) == {D18: ["a"], D19: [], D20: [], D21: [], D22: []}
    write_lines(logs / "2026-11-20" / "late.jsonl", at(D20, id="late"))

    done = load()

    assert ids(lake) == {D18: ["a"], D19: [], D20: ["late"], D21: [], D22: []}
    assert done.changed_days == [D20]
    assert [path for path in lake.files(f"{FEED}/day=2026-11-20") if path.endswith(EMPTY)] == []


def test_the_empty_file_goes_even_when_an_earlier_day_is_loaded(lake, logs, load):
    load(through=D22)
    write_lines(logs / "2026-11-22" / "late.jsonl", at(D22, id="late"))

    load(through=D19)

    assert ids(lake) == {D17: [], D18: [], D19: [], D20: [], D21: [], D22: ["late"]}
    assert [path for path in lake.files(f"{FEED}/day=2026-11-22") if path.endswith(EMPTY)] == []


def test_a_location_without_records_gives_the_restated_days_as_empty(lake, load):
    done = load()

    assert ids(lake) == {D20: [], D21: [], D22: []}
    assert (done.status, done.changed_days) == ("loaded", [D20, D21, D22])


# --- Quarantine


def test_bad_lines_are_in_quarantine_with_their_place_and_counted(lake, logs, load):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20), "bad", at(D20, prompt_tokens=-1, id="negative"))
    write_lines(logs / "2026-11-21" / "b.jsonl", at(D21, id=None))
    write_lines(logs / "readme.txt", "no log")
    write_lines(logs / ".hidden", "nothing")

    done = load()

    assert done.quarantined == 4
    found = [row for path in lake.files(loading.QUARANTINE) for row in lake.read_rows(path)]
    assert {row["feed"] for row in found} == {"litellm__requests"}
    assert sorted((row["_file"], row["_line"], row["record_id"]) for row in found) == [
        ("2026-11-20/a.jsonl", 2, None),
        ("2026-11-20/a.jsonl", 3, "negative"),
        ("2026-11-21/b.jsonl", 1, None),
        ("readme.txt", None, None),
    ]
    assert [row["reason"] for row in found if row["record_id"]] == [
        "prompt_tokens is '-1', expected a whole number, 0 to 1,000,000,000,000"
    ]


def test_of_the_lines_in_quarantine_those_are_told_apart_that_are_new(lake, logs):
    said = []

    def load():
        done = load_log_feed(lake, requests, str(logs), D22, lambda: NOW, say=said.append)
        return done.quarantined, done.newly_quarantined

    bad = logs / "2026-11-20" / "a.jsonl"
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.write_text('{"id": "cut\n42\n')
    counts = [load(), load()]
    bad.write_text('{"id": "cut\n42\n43\n')
    counts.append(load())

    assert counts == [(2, 2), (2, 0), (3, 1)]
    told = [text for text in said if "quarantine" in text]
    assert told[1] == "litellm__requests: 2 lines in quarantine, 0 new; see ops.quarantine"


def test_a_mended_file_leaves_the_quarantine(lake, logs, load):
    file = write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, id="a"), "bad")
    other = write_lines(logs / "2026-11-21" / "b.txt", "no log")
    load()
    write_lines(file, at(D20, id="a"), at(D20, id="mended"))
    other.unlink()

    done = load()

    assert (done.quarantined, quarantine(lake)) == (0, [])
    assert lake.files(loading.QUARANTINE) == {}
    assert ids(lake)[D20] == ["a", "mended"]


def test_a_truncated_gzip_file_is_tried_again_by_every_load_until_it_is_whole(lake, logs, load):
    whole = gzip.compress(json_lines([at(D20, id="a"), at(D20, id="b")]))
    (logs / "a.jsonl.gz").write_bytes(whole[:-4])

    assert [load().files_read, load().files_read] == [1, 1]
    assert ids(lake)[D20] == ["a", "b"]
    reason = "file: not read to its end (EOFError: Compressed file ended before the end-of-stream marker was reached)"
    assert quarantine(lake) == [("a.jsonl.gz", None, reason)]
    before = stamps(lake)
    (logs / "a.jsonl.gz").write_bytes(whole)

    assert [load().files_read, load().files_read] == [1, 0]
    assert quarantine(lake) == []
    assert {path for path in stamps(lake) if "day=" in path} == {path for path in before if "day=" in path}


def test_what_cannot_be_read_is_in_quarantine_and_stops_nothing(lake, logs, load):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, id="a"))
    (logs / "2026-11-20" / "dangling.jsonl").symlink_to(logs / "nowhere")
    (logs / "2026-11-20" / "folder.jsonl").mkdir()
    Path(os.fsdecode(os.fsencode(logs) + b"/caf\xe9.jsonl")).write_bytes(b"{}")

    done = load()

    assert (done.status, done.quarantined, done.records) == ("loaded", 2, 1)
    assert quarantine(lake) == [
        ("2026-11-20/dangling.jsonl", None, "file: No such file or directory"),
        ("caf\\xe9.jsonl", None, "file: the name is not UTF-8"),
    ]


def test_nothing_of_prompts_and_completions_is_ever_in_the_lake(lake, logs, load):
    secret = {"messages": [{"content": "the secret"}], "response": {"choices": "the secret"}, "error_str": "the secret"}
    good = at(D20, **secret)
    write_lines(logs / "a.jsonl", good)
    write_lines(logs / "b.jsonl", good, good | {"id": ""}, json_lines([good])[:-30], b"x" + json_lines([good]).strip())

    done = load()

    assert (done.records, done.quarantined) == (2, 3)
    everything = [lake.read_rows(path) for path in lake.files("raw")]
    assert "the secret" not in repr(everything)


# --- A source that fails, a load that is killed


def test_a_missing_location_fails_the_load_by_the_name_of_its_variable_and_changes_nothing(lake, logs, load):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20), "bad")
    load()
    before = stamps(lake)

    done = load_log_feed(lake, requests, str(logs / "gone"), D22, lambda: NOW)

    assert (done.status, done.retry_helps, done.quarantined) == ("failed", False, 1)
    assert done.error.startswith(f"LITELLM_LOGS is '{logs}/gone': there is no such folder.")
    assert stamps(lake) == before


def test_every_load_is_recorded_also_a_failed_one(lake, logs, load):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20), "bad")

    loads = [load(run_id="first"), load(run_id="second"), load(location="no/such/folder", run_id="third")]

    path = "raw/paceline__loads/day=2026-11-24/loads.parquet"
    assert list(lake.files("raw/paceline__loads")) == [path]
    assert columns(lake, path) == LOADS_SCHEMA
    found = lake.read_rows(path)
    assert [(row["run_id"], row["status"]) for row in found] == [
        ("first", "loaded"),
        ("second", "loaded"),
        ("third", "failed"),
    ]
    assert [row["files_read"] for row in found] == [1, 0, 0]
    assert found[0]["changed_days"] == [D20, D21, D22]
    assert found[0]["started_at"] == datetime(2026, 11, 24, 12)
    assert found[2]["error"] == loads[2].error
    assert {row["quarantined"] for row in found} == {1}


def test_a_load_killed_before_it_wrote_the_listing_is_repaired_by_the_next(lake, logs, load, tmp_path):
    write_lines(logs / "2026-11-19" / "a.jsonl", at(D19, id="a"), at(D20, id="spilled over"))
    load()
    write_lines(logs / "2026-11-19" / "a.jsonl", at(D19, id="a"))
    write_lines(logs / "2026-11-20" / "b.jsonl", at(D20, id="b"), "bad")
    args = [sys.executable, "-c", ONE_LOAD, lake.root, lake.scratch, logs, "_folders.parquet"]
    killed = subprocess.run(args, cwd=ROOT, capture_output=True)
    assert killed.returncode == 9
    assert ids(lake)[D20] == ["b"]  # the days are written, the listing is not

    done = load()

    assert (done.folders_read, done.files_read, done.quarantined) == (2, 2, 1)
    undisturbed = Lake(str(tmp_path / "undisturbed"), tmp_path / "scratch")
    load_log_feed(undisturbed, requests, str(logs), D22, lambda: NOW, say=lambda text: None)
    assert rows(lake) == rows(undisturbed)
    assert load().files_read == 0


def test_no_reader_ever_sees_a_half_written_file(lake, logs, load, monkeypatch):
    write_lines(logs / "a.jsonl", at(D20, id="a"))
    load()
    write_lines(logs / "a.jsonl", at(D20, id="b"))

    def cut(one, other):
        Path(other).write_bytes(Path(one).read_bytes()[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.lake.shutil.copyfile", cut)
    with pytest.raises(KeyboardInterrupt):
        load()
    monkeypatch.undo()

    assert ids(lake)[D20] == ["a"]
    load()
    assert ids(lake)[D20] == ["b"]


# --- Reading days again


def test_days_read_again_are_their_folders_one_day_around_and_nothing_changes(lake, logs, load):
    for day in (D17, D18, D19, D20, D21):
        write_lines(logs / "team-2026-01-01" / str(day) / "07" / "a.jsonl", at(day), "bad")
    load()
    before = stamps(lake)

    done = load(again=(D19, D19))

    assert (done.folders_read, done.files_read, done.changed_days) == (3, 3, [])
    assert done.quarantined == 5
    assert stamps(lake) == before


def test_a_folder_without_a_date_may_hold_any_day_so_it_is_always_read_again(lake, logs, load):
    write_lines(logs / "team" / "a.jsonl", at(D17))
    write_lines(logs / "2026-11-17" / "a.jsonl", at(D17))
    load()

    assert load(again=(D21, D22)).folders_read == 1


# --- The files of the lake


def test_every_file_of_a_day_has_exactly_the_columns_of_the_feed(lake, logs, load):
    write_lines(logs / "2026-11-20" / "a.jsonl", at(D20, extra="ignored"))
    load()

    paths = [path for path in lake.files(FEED) if "day=" in path]

    assert sorted(path.endswith(EMPTY) for path in paths) == [False, True, True]
    for path in paths:
        assert columns(lake, path) == requests.schema


def test_where_a_record_came_from_is_in_the_lake(lake, logs, load):
    write_lines(logs / "good" / "a.jsonl", at(D20, id="a", pad="x" * 200_000))
    write_lines(logs / "mixed" / "b.jsonl", "bad", at(D20, id="b"))
    write_lines(logs / "c.jsonl", at(D20, id="c"))
    load()

    found = [row for path in lake.files(f"{FEED}/day=2026-11-20") for row in lake.read_rows(path)]

    # A large file without any bad line is read whole, so its lines are not numbered.
    assert sorted((row["id"], row["_file"], row["_line"]) for row in found) == [
        ("a", "good/a.jsonl", None),
        ("b", "mixed/b.jsonl", 2),
        ("c", "c.jsonl", 1),
    ]


def test_folders_that_read_alike_have_files_of_their_own(lake, logs, load):
    for folder in ("a-b", "a b", "a/b", "ä/b", "日本", "x" * 100, "y" + "x" * 99):
        write_lines(logs / folder / "a.jsonl", at(D20, id=folder))

    load()

    assert len(lake.files(f"{FEED}/day=2026-11-20")) == 7
    assert len(ids(lake)[D20]) == 7
    assert load().files_read == 0


@pytest.mark.parametrize("name", ["it's", "[a] *?", "new\nline", "日本 u\u0308"])
def test_the_data_folder_and_folders_of_logs_may_have_any_name(logs, tmp_path, name):
    lake = Lake(str(tmp_path / name / "lake"), tmp_path / name / "scratch")
    write_lines(logs / name / "a.jsonl", at(D20, id="a"), "bad")
    write_lines(logs / name / f"{name}.jsonl", at(D20, id="b"))

    for files_read in (2, 0):
        done = load_log_feed(lake, requests, str(logs), D22, lambda: NOW, say=lambda text: None)
        assert (done.files_read, done.quarantined) == (files_read, 1)

    assert ids(lake) == {D20: ["a", "b"], D21: [], D22: []}
