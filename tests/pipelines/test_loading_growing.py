"""Files that grow: each is read by itself, and lies in the lake with the others of its first folder."""

import gzip
from datetime import date

import pytest

from connectors.claude_code import calls
from pipelines.loading import QUARANTINE
from tests.agents import answer, load, said
from tests.gateway import write_lines

FEED = f"raw/{calls.table}"


@pytest.fixture
def bring(lake, logs):
    """Load the folder of logs."""
    return lambda **more: load(lake, calls, logs, **more)


def of(day: int, message_id: str, **changes: object) -> dict:
    """A call of this day of November 2026."""
    return answer(timestamp=f"2026-11-{day}T12:00:00.000Z", message__id=message_id, **changes)


def held(lake) -> dict[str, list[str]]:
    """File of the lake -> the calls in it, without days that are empty."""
    found = {}
    for path in lake.files(FEED):
        if "/from_" in path:
            day, _, name = path.removeprefix(f"{FEED}/day=").partition("/from_")
            found[f"{day} {name.rpartition('-')[0]}"] = sorted(row["message_id"] for row in lake.read_rows(path))
    return found


def refused(lake) -> list[tuple]:
    rows = [row for path in lake.files(f"{QUARANTINE}/{calls.table}") for row in lake.read_rows(path)]
    return sorted((row["_file"], row["_line"]) for row in rows)


def test_only_the_file_that_grew_is_read_again(lake, logs, bring):
    for name in ("a", "b"):
        write_lines(logs / "dev-1" / "projects" / "p" / f"{name}.jsonl", said(of(20, f"{name}1")))
    bring()
    grown = write_lines(logs / "dev-1" / "projects" / "p" / "a.jsonl", said(of(20, "a1")), said(of(22, "a2")))

    done = bring()

    assert (done.files_read, done.bytes_read, done.records) == (1, grown.stat().st_size, 2)
    assert done.changed_days == [date(2026, 11, 22)]
    assert held(lake) == {"2026-11-20 dev-1": ["a1", "b1"], "2026-11-22 dev-1": ["a2"]}
    assert bring().files_read == 0


def test_files_below_one_first_folder_share_the_days_of_the_lake(lake, logs, bring):
    write_lines(logs / "dev-1" / "projects" / "p" / "a.jsonl", said(of(20, "a")))
    write_lines(logs / "dev-1" / "projects" / "q" / "s" / "b.jsonl", said(of(20, "b")))
    write_lines(logs / "dev-2" / "projects" / "p" / "c.jsonl", said(of(20, "c")))
    write_lines(logs / "top.jsonl", said(of(20, "d")))

    bring()

    assert held(lake) == {"2026-11-20 dev-1": ["a", "b"], "2026-11-20 dev-2": ["c"], "2026-11-20 top": ["d"]}


def test_what_a_file_no_longer_says_is_gone_from_the_days_that_had_it(lake, logs, bring):
    path = logs / "dev-1" / "a.jsonl"
    write_lines(path, said(of(18, "a1")), said(of(20, "a2")))
    write_lines(logs / "dev-1" / "b.jsonl", said(of(20, "b")))
    bring()
    write_lines(path, said(of(21, "a3")))

    done = bring()

    assert held(lake) == {"2026-11-20 dev-1": ["b"], "2026-11-21 dev-1": ["a3"]}
    assert done.changed_days == [date(2026, 11, day) for day in (18, 20, 21)]


def test_a_file_that_vanishes_takes_nothing_away_and_may_come_back(lake, logs, bring):
    path = write_lines(logs / "dev-1" / "a.jsonl", said(of(20, "a")))
    content = path.read_bytes()
    bring()
    path.unlink()
    write_lines(logs / "dev-1" / "b.jsonl", said(of(20, "b")))
    bring()
    assert held(lake) == {"2026-11-20 dev-1": ["a", "b"]}

    path.write_bytes(content)
    bring()

    assert held(lake) == {"2026-11-20 dev-1": ["a", "b"]}


def test_what_was_refused_of_one_file_stays_while_another_is_mended(lake, logs, bring):
    write_lines(logs / "dev-1" / "a.jsonl", "bad", said(of(20, "a")))
    write_lines(logs / "dev-1" / "b.jsonl", said(of(20, "b")), "bad")
    assert bring().quarantined == 2
    write_lines(logs / "dev-1" / "b.jsonl", said(of(20, "b")), said(of(20, "c")))

    done = bring()

    assert (done.files_read, done.quarantined, refused(lake)) == (1, 1, [("dev-1/a.jsonl", 1)])
    assert held(lake) == {"2026-11-20 dev-1": ["a", "b", "c"]}


def test_batches_that_share_a_day_of_the_lake_keep_what_the_earlier_ones_wrote(lake, logs, bring, monkeypatch):
    monkeypatch.setattr("pipelines.loading.BATCH_FILES", 1)
    for name in ("a", "b", "c"):
        write_lines(logs / "dev-1" / f"{name}.jsonl", said(of(20, name)))

    done = bring()

    assert (done.files_read, held(lake)) == (3, {"2026-11-20 dev-1": ["a", "b", "c"]})
    assert bring().files_read == 0


def test_days_read_again_are_the_files_that_have_records_of_them(lake, logs, bring):
    # What is in a name is when the session began.
    write_lines(logs / "dev-1" / "2026-11-01.jsonl", said(of(20, "a")))
    write_lines(logs / "dev-1" / "2026-11-02.jsonl", said(of(10, "b")))
    bring()

    done = bring(again=(date(2026, 11, 20), date(2026, 11, 20)))

    assert (done.files_read, done.changed_days) == (1, [])


def test_a_file_that_cannot_be_read_to_its_end_keeps_what_it_had_and_is_tried_again(lake, logs, bring):

    whole = gzip.compress((said(of(20, "a")) + "\n" + said(of(20, "b")) + "\n").encode())
    path = logs / "dev-1" / "a.jsonl.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(whole)
    bring()
    path.write_bytes(whole[:-12])

    assert bring().quarantined == 1
    assert held(lake) == {"2026-11-20 dev-1": ["a", "b"]}
    path.write_bytes(whole)
    done = bring()

    assert (done.files_read, done.quarantined, held(lake)) == (1, 0, {"2026-11-20 dev-1": ["a", "b"]})
