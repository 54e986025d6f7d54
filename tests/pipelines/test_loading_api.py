"""Reports of providers: from HTTP on loopback to versions of days in the lake, whatever happens on the way.

The contract that every report keeps is tested on every one of them: a new source is found and held to it by itself.
"""

import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from connectors import _api, discover
from connectors._contract import ApiFeed
from pipelines import loading_api
from pipelines.lake import Lake
from pipelines.loading_api import days_to_ask, load_api_feed
from tests.other_bills import set_cloud_credentials, stand_ins
from tests.providers import KEY, Providers, bill, changed, cut_off, hang, reset, status

D22 = date(2026, 11, 22)
DAYS = 12
FEEDS = {feed.table: feed for source in discover() for feed in source.feeds if isinstance(feed, ApiFeed)}
PAGES_OF = {"anthropic__usage": 12, "openai__completions": 4}  # rows and days of a page: three pages of a pull
every_feed = pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)


@pytest.fixture
def providers(monkeypatch, tmp_path):
    """The providers, answering at once; nobody waits long for them."""
    monkeypatch.setattr(_api, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(_api, "TIMEOUT_SECONDS", (0.5, 0.2))
    monkeypatch.setattr(_api, "MINUTE_SECONDS", 0)
    monkeypatch.setattr(loading_api, "FIRST_LOAD_DAYS", DAYS)
    stand_in = Providers()
    set_cloud_credentials(monkeypatch, tmp_path, stand_in.address)
    yield stand_in
    stand_in.stop()


def load(lake: Lake, providers: Providers, feed: ApiFeed, known_on: int = 23, **more):
    """One load at 5 o'clock of a day of November."""
    known_at = datetime(2026, 11, known_on, 5, tzinfo=UTC)
    environ = providers.environ | providers.gateway_environ | providers.other_environ
    more = {"through": D22, "environ": environ, "say": lambda text: None} | more
    return load_api_feed(lake, feed, now=lambda: known_at, known_at=known_at, **more)


def in_lake(lake: Lake, feed: ApiFeed) -> dict[str, list[dict]]:
    """Every version's rows, without when they were known."""
    return {
        path: [{name: row[name] for name in feed.columns} for row in lake.read_rows(path)]
        for path in lake.files(f"raw/{feed.table}")
    }


def newest(lake: Lake, feed: ApiFeed) -> dict[str, list[dict]]:
    """Day -> rows of its last version."""
    return {path.split("/")[2].removeprefix("day="): rows for path, rows in in_lake(lake, feed).items()}


@every_feed
def test_a_report_without_its_key_is_not_configured(feed):
    assert feed.needs
    source = next(source for source in discover() if feed in source.feeds)
    assert feed not in source.configured_feeds({})
    assert feed in source.configured_feeds(dict.fromkeys(feed.needs[0], "x"))


@every_feed
def test_a_second_load_asks_for_what_may_be_restated_and_changes_nothing(lake, providers, feed):
    first = load(lake, providers, feed)
    before = in_lake(lake, feed)

    again = load(lake, providers, feed, known_on=24)

    assert (first.status, again.status) == ("loaded", "loaded"), first.error
    assert in_lake(lake, feed) == before
    assert again.changed_days == []
    # Every day that was asked for has a file, also the ones without use.
    assert len(before) == (1 if feed.window is None else DAYS)


@every_feed
def test_three_pages_bring_what_one_page_brings(lake, providers, tmp_path, feed):
    load(lake, providers, feed)
    providers.page_size = 5 if feed.window else 1000
    other = Lake(str(tmp_path / "other"), tmp_path / "scratch")

    paged = load(other, providers, feed)

    assert paged.status == "loaded", paged.error
    assert in_lake(other, feed) == in_lake(lake, feed)


@every_feed
def test_no_more_is_asked_than_the_page_limits_force(lake, providers, feed, monkeypatch):
    days = 90
    monkeypatch.setattr(loading_api, "FIRST_LOAD_DAYS", days)

    done = load(lake, providers, feed)

    days = min(days, feed.window.kept_days or days) if feed.window else 0
    windows = 1 if feed.window is None else -(-days // feed.window.days)
    lists = 1 + 2 if feed.parent else windows  # two projects, and their list
    lists *= stand_ins()[feed.source].requests.get(feed.table, 1) if feed.source in stand_ins() else 1
    assert done.requests_made == len(providers.asked) == lists


FAULTS = {
    "429": status(429),
    "429 with Retry-After": status(429, Retry_After="0"),
    "500": status(500),
    "503 with Retry-After": status(503, Retry_After="0"),
    "529": status(529),
    "reset": reset,
    "cut off": cut_off,
    "hang": hang,
}
HARD = {
    "HTML": (status(200, b"<html>log in</html>"), "answered a web page instead of JSON"),
    "half JSON": (status(200, b'{"data": [{'), "answered no whole JSON"),
    "a list": (status(200, b"[]"), "JSON that is no object"),
    "no data": (status(200, b'{"object": "page"}'), "without a list 'data'"),
    "key expired": (status(401, b'{"error": "expired: ' + KEY.encode() + b'"}'), "_ADMIN_KEY must be an Admin key"),
    "bad request": (status(400, b'{"error": "range too long"}'), "range too long"),
    "repeated cursor": (
        changed(lambda page: page | {"has_more": True, "next_page": "MDAwMA=="}),
        "gives no new 'next_page'",
    ),
    "more without cursor": (changed(lambda page: page | {"has_more": True, "next_page": None}), "gives no new"),
}


@pytest.mark.parametrize("call", [0, 1, 2])
@pytest.mark.parametrize("table", PAGES_OF)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_passing_fault_at_any_call_changes_nothing(lake, providers, tmp_path, table, fault, call):
    feed = FEEDS[table]
    undisturbed = Lake(str(tmp_path / "undisturbed"), tmp_path / "scratch")
    providers.page_size = PAGES_OF[table]
    load(undisturbed, providers, feed)
    providers.faults = {len(providers.asked) + call: FAULTS[fault]}

    done = load(lake, providers, feed)

    assert done.status == "loaded", done.error
    assert in_lake(lake, feed) == in_lake(undisturbed, feed)
    assert done.requests_made >= 3


@pytest.mark.parametrize("call", [0, 1, 2])
@pytest.mark.parametrize("table", PAGES_OF)
@pytest.mark.parametrize("fault", HARD)
def test_a_fault_that_stays_is_told_and_leaves_the_lake_as_it_was(lake, providers, table, fault, call):
    feed = FEEDS[table]
    load(lake, providers, feed, through=date(2026, 11, 12))
    before = in_lake(lake, feed)
    answer, words = HARD[fault]
    providers.faults = defaultdict(lambda: None, {len(providers.asked) + n: answer for n in range(call, 99)})
    providers.page_size = PAGES_OF[table]

    done = load(lake, providers, feed)

    assert done.status == "failed"
    assert words in done.error
    assert KEY not in done.error
    assert in_lake(lake, feed) == before
    assert lake.read_rows("raw/paceline__loads/day=2026-11-23/loads.parquet")[-1]["error"] == done.error


def test_a_provider_that_stays_busy_is_tried_again_later(lake, providers):
    providers.faults = dict.fromkeys(range(99), status(529))

    done = load(lake, providers, FEEDS["anthropic__usage"])

    assert (done.status, done.retry_helps) == ("failed", True)
    assert "529" in done.error


def test_who_refuses_connections_is_given_up_at_once_in_few_words(lake, providers, monkeypatch):
    monkeypatch.setattr(_api, "BACKOFF_SECONDS", 1)
    providers.stop()
    began = time.monotonic()

    done = load(lake, providers, FEEDS["anthropic__usage"])

    assert (done.status, done.retry_helps) == ("failed", True)
    assert done.error.startswith("GET http://127.0.0.1:")
    assert "Connection refused" in done.error and "Max retries" not in done.error
    assert time.monotonic() - began < 5


def test_an_empty_page_with_more_to_come_is_not_the_end(lake, providers):
    feed = FEEDS["anthropic__usage"]
    providers.faults = {0: changed(lambda page: page | {"data": [], "has_more": True, "next_page": "MDAwMA=="})}

    done = load(lake, providers, feed)

    rows = [row for row in bill() if row["provider"] == "anthropic" and row["day"] >= "2026-11-11"]
    assert done.records == len(rows)


def test_unknown_fields_are_passed_over_and_optional_ones_may_be_missing(lake, providers):
    feed = FEEDS["openai__completions"]

    def change(page):
        for bucket in page["data"]:
            bucket["start_time_iso"] = "new"
            for row in bucket["results"]:
                row["moon_phase"] = {"new": True}
                del row["input_cached_tokens"], row["user_id"]

    providers.faults = {0: changed(change)}

    done = load(lake, providers, feed)

    assert done.status == "loaded"
    assert {row["cache_read_tokens"] for rows in newest(lake, feed).values() for row in rows} == {None}


@pytest.mark.parametrize("wrong", [None, -1, 1.5, True, "many", 2**63, {"a": 1}])
def test_a_count_that_is_none_means_that_the_api_has_changed(lake, providers, wrong):
    feed = FEEDS["openai__completions"]
    providers.rows = [row for row in bill() if row["provider"] == "openai"][:1]
    providers.rows[0]["day"] = "2026-11-20"

    def change(page):
        for bucket in page["data"]:
            for row in bucket["results"]:
                row["input_tokens"] = wrong

    providers.faults = {n: changed(change) for n in range(3)}

    done = load(lake, providers, feed)

    assert done.status == "failed"
    assert "'input_tokens'" in done.error
    assert "a developer must look at openai__completions" in done.error
    assert in_lake(lake, feed) == {}


def test_counts_beyond_2_to_the_53_and_fractions_of_a_cent_stay_exact(lake, providers):
    row = next(row for row in bill() if row["provider"] == "anthropic") | {"day": "2026-11-20"}
    providers.rows = [row | {"output_tokens": 2**53 + 1}]

    def fraction(page):
        page["data"][0]["cost"]["amount"] = "0.00123456789"

    providers.faults = {1: changed(fraction)}

    load(lake, providers, FEEDS["anthropic__usage"])
    load(lake, providers, FEEDS["anthropic__cost"])

    assert newest(lake, FEEDS["anthropic__usage"])["2026-11-20"][0]["output_tokens"] == 2**53 + 1
    assert str(newest(lake, FEEDS["anthropic__cost"])["2026-11-20"][0]["billed_usd"]) == "0.000012345679"


def test_billed_totals_equal_what_the_provider_counted_for_every_key_model_and_day(lake, providers):
    usage, cost = FEEDS["anthropic__usage"], FEEDS["anthropic__cost"]
    load(lake, providers, usage, again=(date(2026, 8, 24), D22))
    load(lake, providers, cost, again=(date(2026, 8, 24), D22))

    tokens = [
        (day, row["account_id"], row["provider_api_key_id"], row["model"], row["uncached_input_tokens"],
         row["cache_read_tokens"], row["cache_write_5m_tokens"], row["cache_write_1h_tokens"], row["output_tokens"])
        for day, rows in newest(lake, usage).items() for row in rows
    ]  # fmt: skip
    dollars = sum(row["list_usd"] for rows in newest(lake, cost).values() for row in rows)

    truth = [row for row in bill() if row["provider"] == "anthropic"]
    assert sorted(tokens) == sorted(
        (row["day"], row["account_id"], row["api_key_id"], row["model"], row["uncached_input_tokens"],
         row["cache_read_tokens"], row["cache_write_5m_tokens"], row["cache_write_1h_tokens"], row["output_tokens"])
        for row in truth
    )  # fmt: skip
    assert dollars == sum(row["list_usd"] for row in truth)


def test_a_restated_day_becomes_a_new_version_and_the_old_one_stays(lake, providers):
    feed = FEEDS["anthropic__usage"]
    load(lake, providers, feed)
    before = in_lake(lake, feed)
    restated, nothing = "2026-11-20", "2026-11-19"
    for row in providers.rows:
        if row["day"] == restated:
            row["output_tokens"] += 7
    providers.rows = [row for row in providers.rows if row["day"] != nothing]

    done = load(lake, providers, feed, known_on=25)

    assert done.changed_days == [date(2026, 11, 19), date(2026, 11, 20)]
    after = in_lake(lake, feed)
    assert {path: after[path] for path in before} == before
    new = sorted(path.split("/")[-2:] for path in after.keys() - before.keys())
    assert new == [[f"day={day}", "known_20261125T050000Z.parquet"] for day in (nothing, restated)]
    assert newest(lake, feed)[nothing] == []


def test_the_legacy_report_fills_the_days_that_the_new_one_cannot_know(lake, providers):
    providers.offers_analytics = False
    new, legacy = load(lake, providers, FEEDS["anthropic__usage"]), FEEDS["anthropic__usage_legacy"]

    filled = load(lake, providers, legacy)

    assert new.status == "not_offered"
    assert (filled.status, len(filled.changed_days)) == ("loaded", DAYS)

    providers.offers_analytics = True
    load(lake, providers, FEEDS["anthropic__usage"])
    assert load(lake, providers, legacy).requests_made == 0


def test_days_that_were_missed_are_asked_for_by_themselves(lake, providers):
    feed = FEEDS["openai__completions"]
    load(lake, providers, feed, through=date(2026, 11, 15))

    done = load(lake, providers, feed)

    assert done.changed_days == [date(2026, 11, day) for day in range(16, 23)]


def test_days_before_an_api_knows_anything_are_not_asked_for():
    feed = FEEDS["anthropic__usage"]

    asked = days_to_ask(feed, set(), date(2026, 1, 10), again=(date(2025, 6, 1), date(2026, 1, 10)))

    assert asked == {date(2026, 1, 1) + timedelta(days=n) for n in range(10)}


def test_days_that_an_api_has_forgotten_are_not_taken_for_days_without_use(lake, providers, monkeypatch):
    monkeypatch.setattr(loading_api, "FIRST_LOAD_DAYS", 90)
    feed = FEEDS["openrouter__activity"]

    load(lake, providers, feed, known_on=25)

    # On the 25th it knows the days from October 26th on.
    assert min(newest(lake, feed)) == "2026-10-26"


def test_a_page_token_is_sent_as_it_came(lake, providers):
    providers.page_size = 5

    done = load(lake, providers, FEEDS["openai__completions"])

    assert done.status == "loaded"
    assert any(asked.endswith("==") for asked in providers.asked)
    assert not any("%3D" in asked for asked in providers.asked)
