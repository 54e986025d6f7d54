"""LiteLLM's spend API: the same calls as its log files, whatever the pages and however they come."""

from datetime import UTC, date, datetime

import pytest

from connectors import _api
from connectors.litellm import requests
from pipelines import loading_api
from pipelines.lake import Lake
from pipelines.loading import load_log_feed
from pipelines.loading_http import load_log_feed_over_http
from tests.gateway import DATA
from tests.providers import KEY, Providers, changed, cut_off, gateway_calls, reset, status

D22, D23 = date(2026, 11, 22), date(2026, 11, 23)
NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
DAYS = 12
# Times have fewer digits; why a call failed is said in more cases.
DIFFERING = ("sent_session_id", "user_email", "started_at", "ended_at", "error_code")
SAME = tuple(name for name in requests.fields if name not in DIFFERING)


@pytest.fixture
def gateway(monkeypatch):
    """LiteLLM, answering at once; nobody waits long for it."""
    monkeypatch.setattr(_api, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(_api, "TIMEOUT_SECONDS", (0.5, 0.2))
    monkeypatch.setattr(loading_api, "FIRST_LOAD_DAYS", DAYS)
    stand_in = Providers()
    yield stand_in
    stand_in.stop()


def load(lake: Lake, gateway: Providers, through: date = D23, **more):
    return load_log_feed_over_http(
        lake, requests, gateway.gateway_environ, through, lambda: NOW, say=lambda text: None, **more
    )


def records(lake: Lake) -> list[dict]:
    """Every record of the lake."""
    files = lake.files("raw/litellm__requests/")
    return sorted((row for file in files if "/day=" in file for row in lake.read_rows(file)), key=lambda row: row["id"])


def test_the_api_brings_what_the_log_files_bring(lake, gateway, tmp_path):
    gateway.calls = gateway_calls()
    from_files = Lake(str(tmp_path / "files"), tmp_path / "scratch")
    load_log_feed(from_files, requests, str(DATA / "litellm"), D23, lambda: NOW, say=lambda text: None)

    done = load(lake, gateway)

    assert (done.status, done.records, done.quarantined) == ("loaded", 25, 0)
    logged = {row["id"]: row for row in records(from_files)}
    for row in logged.values():
        row["model"] = row["model"].replace("no-such-model", "unknown-model")
    pairs = [(row, logged[row["id"]]) for row in records(lake) if row["id"] in logged]
    assert len(pairs) == 24  # the other is a cache hit, which the database has under an id of its own
    for name in SAME:
        assert [(a["id"], a[name]) for a, _ in pairs] == [(b["id"], b[name]) for _, b in pairs], name
    assert max(abs((a["started_at"] - b["started_at"]).total_seconds()) for a, b in pairs) < 0.1


def test_pages_and_the_limit_of_what_they_reach_take_nothing_away(lake, gateway, tmp_path):
    undisturbed = Lake(str(tmp_path / "undisturbed"), tmp_path / "scratch")
    load(undisturbed, gateway)
    gateway.page_size, gateway.most_calls = 3, 7

    done = load(lake, gateway)

    assert done.requests_made > DAYS * 25 / 7
    assert records(lake) == records(undisturbed)
    assert len(records(lake)) == DAYS * 25


def test_every_call_belongs_to_one_day_also_at_midnight_and_in_its_last_second(lake, gateway):
    gateway.calls = gateway_calls()[:3]
    times = ("2026-11-21T23:59:59.500+00:00", "2026-11-22T00:00:00.000+00:00", "2026-11-22T23:59:59.999+00:00")
    for call, at in zip(gateway.calls, times, strict=True):
        call["startTime"] = call["endTime"] = at

    done = load(lake, gateway)

    assert done.records == 3
    assert sorted(row["started_at"].day for row in records(lake)) == [21, 22, 22]


def test_a_second_load_asks_for_what_may_change_and_changes_nothing(lake, gateway):
    load(lake, gateway)
    before = records(lake)

    again = load(lake, gateway)

    assert (again.requests_made, again.changed_days) == (2, [])
    assert records(lake) == before


def test_days_without_calls_are_not_asked_for_again(lake, gateway):
    gateway.calls = []
    load(lake, gateway)

    assert load(lake, gateway).requests_made == 2


def test_a_call_that_nobody_can_read_is_quarantined_and_the_others_count(lake, gateway):
    gateway.calls = gateway_calls()
    gateway.calls[3]["prompt_tokens"] = -5

    done = load(lake, gateway)

    assert (done.status, done.records, done.quarantined) == ("loaded", 24, 1)
    (bad,) = lake.read_rows(next(iter(lake.files("raw/paceline__quarantine/litellm__requests"))))
    assert bad["_file"] == "spend_logs/2026-11-23/rows.jsonl"
    assert "prompt_tokens" in bad["reason"]


@pytest.mark.parametrize("call", [0, 1, 2])
@pytest.mark.parametrize("fault", [status(429), status(503), reset, cut_off], ids=["429", "503", "reset", "cut off"])
def test_a_passing_fault_changes_nothing(lake, gateway, fault, call):
    gateway.faults = {call: fault}

    done = load(lake, gateway)

    assert (done.status, done.records) == ("loaded", DAYS * 25)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (status(401), "LITELLM_MASTER_KEY must be the proxy's master key"),
        (status(200, b"<html>log in</html>"), "answered a web page"),
        (status(302, b"", Location="https://elsewhere.test"), "Check LITELLM_BASE_URL"),
        (changed(lambda page: page | {"data": None}), "without a list 'data'"),
        (changed(lambda page: page | {"total_pages": None}), "'total_pages'"),
        (changed(lambda page: page | {"data": [], "total_pages": 3}), "is empty, rows went away"),
    ],
)
def test_a_fault_that_stays_is_told_and_takes_no_day_away(lake, gateway, answer, words):
    load(lake, gateway, through=D22)
    before = records(lake)
    gateway.faults = dict.fromkeys(range(len(gateway.asked), 99), answer)

    done = load(lake, gateway)

    assert done.status == "failed"
    assert words in done.error
    assert KEY not in done.error
    assert records(lake) == before


def test_a_key_that_no_header_can_carry_is_refused_unseen(lake, gateway):
    done = load_log_feed_over_http(
        lake, requests, gateway.gateway_environ | {"LITELLM_MASTER_KEY": "sk-“quoted”"}, D23, lambda: NOW,
        say=lambda text: None,
    )  # fmt: skip

    assert (done.status, gateway.asked) == ("failed", [])
    assert "LITELLM_MASTER_KEY holds a character" in done.error
    assert "quoted" not in done.error
