"""Each call counts once, whoever saw it and whatever comes first: the example company, seen by all its agents."""

import random
import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest

from connectors import litellm
from pipelines.lake import Lake
from pipelines.settings import EXAMPLES
from tests import generated_agents
from tests.agents import FEEDS, load
from tests.events import EventHalf
from tests.gateway import DATA
from tests.generated_agents import SOURCES, Call
from tests.runs import paceline, rows

FIRST, LAST = date(2026, 11, 18), date(2026, 11, 20)
ALL = {**FEEDS, "litellm": litellm.requests}
COUNTED = "select sum(requests)::int, sum(input_tokens)::int, sum(output_tokens)::int from int_usage_daily"


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    """Three days of the company."""
    return generated_agents.company(FIRST, LAST)


@pytest.fixture
def seen(calls, tmp_path):
    """Files of all sources, and a way to bring some of them through to the daily tables."""
    generated_agents.write(calls, tmp_path / "files")

    def bring(sources: Iterable[str]) -> EventHalf:
        sources = list(sources)
        events = EventHalf(Lake(str(tmp_path / "-".join(sources)), tmp_path / "scratch"))
        for source in sources:
            done = load(events.lake, ALL[source], tmp_path / "files" / source)
            assert (done.status, done.quarantined) == ("loaded", 0), done
        events.run()
        return events

    return bring


def counted(calls: Iterable[Call], sources: Iterable[str]) -> tuple[int, int, int]:
    """Calls, input and output tokens when these sources are there."""
    told = [tokens for call in calls if (tokens := call.told(sources))]
    return len(told), sum(given for given, _ in told), sum(out for _, out in told)


def test_the_company_has_calls_of_every_kind(calls):
    kinds = {tuple(sorted(call.seen_by)) for call in calls}

    assert kinds >= {
        ("litellm",),
        ("claude_code", "litellm", "otel"),
        ("codex", "litellm", "otel"),
        ("claude_code", "otel"),
        ("codex", "otel"),
        ("claude_code", "litellm"),
        ("litellm", "otel"),
    }
    assert any(call.is_broken for call in calls)
    assert any(call.started_at.date() != call.ended_at.date() for call in calls)


def test_every_call_is_counted_once_with_the_tokens_that_it_had(seen, calls):
    events = seen(SOURCES)

    assert events.rows(COUNTED) == [(len(calls), *(sum(call.told(SOURCES)[n] for call in calls) for n in (0, 1)))]
    assert all(call.told(SOURCES) == (call.input_tokens, call.output_tokens) for call in calls)
    past_the_gateway = [call for call in calls if "litellm" not in call.seen_by]
    assert events.rows("select sum(requests)::int from int_usage_daily where route = 'direct'") == [
        (len(past_the_gateway),)
    ]
    linked = [call for call in calls if len(call.seen_by) > 1]
    assert events.rows("select sum(requests)::int from int_usage_daily where observers like '%, %'") == [(len(linked),)]
    assert events.rows("select count(*) from int_suspected_daily") == [(0,)]


@pytest.mark.parametrize("gone", SOURCES)
def test_without_one_source_the_others_still_count_what_they_saw(seen, calls, gone):
    left = [source for source in SOURCES if source != gone]

    assert seen(left).rows(COUNTED) == [counted(calls, left)]


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_alone_counts_what_it_saw(seen, calls, source):
    assert seen([source]).rows(COUNTED) == [counted(calls, [source])]


def test_who_made_a_call_says_the_gateway_and_past_it_the_agent(seen, calls):
    events = seen(SOURCES)
    callers = events.rows("""
        select coalesce(user_id, device), route, sum(requests)::int from int_usage_daily group by all order by all""")

    expected: dict[tuple, int] = {}
    for call in calls:
        key = (call.developer_id, "gateway" if "litellm" in call.seen_by else "direct")
        expected[key] = expected.get(key, 0) + 1
    assert callers == [(*key, number) for key, number in sorted(expected.items())]


@pytest.mark.parametrize("seed", range(4))
def test_the_order_in_which_files_and_days_come_does_not_matter(calls, tmp_path, seed, is_long):
    if seed > 1 and not is_long:
        pytest.skip("two more orders: with --long, as make torture does")
    files = generated_agents.write(calls, tmp_path / "whole")
    at_once = EventHalf(Lake(str(tmp_path / "at_once"), tmp_path / "scratch"))
    for source in SOURCES:
        load(at_once.lake, ALL[source], tmp_path / "whole" / source)
    at_once.run()

    chance = random.Random(seed)
    one_by_one = EventHalf(Lake(str(tmp_path / "one_by_one"), tmp_path / "scratch"))
    coming = [(source, path, lines) for source in SOURCES for path, lines in files[source].items()]
    # Some of the files that grow come twice: first their beginning.
    begun = [
        (s, path, lines[: len(lines) // 2]) for s, path, lines in coming if s != "litellm" and chance.random() < 0.3
    ]
    chance.shuffle(coming)
    coming = begun + coming
    cuts = sorted(chance.sample(range(1, len(coming)), 4))
    for start, end in zip([0, *cuts], [*cuts, len(coming)], strict=True):
        for source, path, lines in coming[start:end]:
            generated_agents.put(tmp_path / "came" / source / path, lines)
        for source in {source for source, _, _ in coming[:end]}:
            load(one_by_one.lake, ALL[source], tmp_path / "came" / source)
        one_by_one.run()

    assert one_by_one.content() == at_once.content()


def test_three_agents_behind_a_real_gateway_made_three_calls(lake):
    events = EventHalf(lake)
    for source in ALL:
        done = load(lake, ALL[source], DATA / "agents_behind_litellm" / source, now=datetime(2026, 11, 26, tzinfo=UTC))
        assert (done.status, done.quarantined) == ("loaded", 0), done
    events.run()

    assert events.rows("select count(*) from int_calls_observed") == [(9,)]
    # Claude Code shares the answer's id with the gateway, Codex the session, Gemini CLI the machine only.
    assert events.rows("""
        select observers, route, user_id, agent_user, device, task_id, task_source, task_type, is_session_sent,
            input_tokens, cache_read_tokens, output_tokens, reasoning_tokens
        from int_usage_unioned order by started_at""") == [
        ("claude_code__calls, litellm__requests, otel__calls", "gateway", "dev-07", "dev-07", "dev-07", "PLT-42",
         "spend_metadata", "bugfix", True, 9_400, 9_000, 40, 0),
        ("codex__calls, litellm__requests, otel__calls", "gateway", "dev-07", "dev-07", "dev-07", "PLT-42",
         "spend_metadata", "bugfix", True, 4_500, 4_000, 90, 30),
        ("gemini_cli__calls, litellm__requests, otel__calls", "gateway", "dev-07", "dev-07", "dev-07", "PLT-42",
         "tag", None, True, 5_600, 5_000, 150, 50),
    ]  # fmt: skip
    methods = "select split_part(source, '__', 1), link_method from int_call_links order by call_id desc, source"
    assert events.rows(methods) == [
        ("codex", "session_and_tokens"), ("litellm", "session_and_tokens"), ("otel", "session_and_tokens"),
        ("claude_code", "response_id"), ("litellm", "response_id"), ("otel", "request_id"),
        ("gemini_cli", "session_and_tokens"), ("litellm", "session_and_tokens"), ("otel", "session_and_tokens"),
    ]  # fmt: skip


def test_late_records_of_one_source_build_their_days_and_the_neighbours_anew(seen, tmp_path):
    events = seen(SOURCES)
    ((before, *_),) = events.rows(COUNTED)
    late = tmp_path / "files" / "claude_code" / "dev-01" / "projects" / "-home-dev-work" / "late.jsonl"

    assert events.run() == []
    generated_agents.put(late, [generated_agents.answer(timestamp="2026-11-20T12:00:00.000Z")])
    load(events.lake, ALL["claude_code"], tmp_path / "files" / "claude_code")

    assert events.run() == [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21)]
    # The 18th is read again for the sake of the 19th, not counted again.
    assert events.rows(COUNTED)[0][0] == before + 1


def test_who_has_the_gateway_only_builds_no_neighbours(seen, tmp_path):
    events = seen(["litellm"])
    folder = tmp_path / "files" / "litellm" / "2026-11-20"
    (first, *_) = sorted(folder.iterdir())
    (folder / "again.jsonl").write_text(first.read_text().replace('"id":"', '"id":"again-').splitlines()[0] + "\n")
    load(events.lake, ALL["litellm"], tmp_path / "files" / "litellm")

    assert events.run() == [date(2026, 11, 20)]


def test_one_run_over_all_sources_counts_each_call_once_and_says_who_saw_it(calls, tmp_path):
    generated_agents.write(calls, tmp_path / "files")
    org = shutil.copytree(EXAMPLES / "org", tmp_path / "org")
    with (org / "identities.csv").open("a") as identities:
        # Transcripts lie in a folder of each developer.
        for developer in sorted({call.developer_id for call in calls}):
            identities.write(f"device,{developer},{developer},2026-01-01,\n")

    places = {"litellm": "LITELLM_LOGS", "otel": "OTEL_LOGS", "claude_code": "CLAUDE_CODE_LOGS", "codex": "CODEX_LOGS"}
    done = paceline(
        tmp_path,
        "run",
        "--no-alerts",
        PACELINE_AS_OF="2026-11-22",
        PACELINE_ORG_DIR=str(org),
        **{variable: str(tmp_path / "files" / source) for source, variable in places.items()},
    )
    assert done.returncode == 0, done.stderr

    total = "select sum(requests)::int, sum(input_tokens)::int, sum(output_tokens)::int from core.fct_usage_daily"
    assert rows(tmp_path, total) == [counted(calls, SOURCES)]
    seen_by = [(call.developer_id, source) for call in calls for source in call.seen_by]
    number = Counter(seen_by)
    of_all = Counter(call.developer_id for call in calls)
    of_bypass = Counter(call.developer_id for call in calls if "litellm" not in call.seen_by)
    assert rows(
        tmp_path,
        """
        select developer_id, sum(requests)::int, sum(gateway_requests)::int, sum(telemetry_requests)::int,
            sum(transcript_requests)::int, sum(direct_requests)::int
        from core.coverage_daily group by developer_id order by developer_id""",
    ) == [
        (
            developer,
            of_all[developer],
            number[developer, "litellm"],
            number[developer, "otel"],
            number[developer, "claude_code"] + number[developer, "codex"],
            of_bypass[developer],
        )
        for developer in sorted(of_all)
    ]
    assert rows(tmp_path, "select count(*) from core.suspected_duplicates") == [(0,)]
    fresh = "select feed from ops.source_freshness where last_record_at is not null order by feed"
    assert rows(tmp_path, fresh) == [
        ("claude_code__calls",),
        ("codex__calls",),
        ("litellm__requests",),
        ("otel__calls",),
    ]
