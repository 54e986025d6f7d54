"""Sources that are slow, and those beside them."""

import threading

import dagster as dg
import pytest

from connectors._errors import LATER, SourceUnavailable
from pipelines.assets import feeds
from pipelines.loading import Load
from pipelines.resources import Deployment
from pipelines.settings import load_settings, utc_now

PATIENCE_SECONDS = 30


@pytest.fixture
def materialize(tmp_path, monkeypatch):
    """Run the feeds of some sources with another way to load them; returns the result."""
    environ = {"PACELINE_DATA_DIR": str(tmp_path), "PACELINE_AS_OF": "2026-11-22", "OPENROUTER_MANAGEMENT_KEY": "k"}
    for name, text in (environ | {"LITELLM_LOGS": str(tmp_path), "ANTHROPIC_ADMIN_KEY": "k"}).items():
        monkeypatch.setenv(name, text)
    settings = load_settings()

    def run(load, selection=None):
        monkeypatch.setattr(feeds, "_load", lambda feed, run, again: load(feed))
        partitions = dg.DailyPartitionsDefinition("2026-11-01")
        assets = feeds.feed_assets(settings, partitions)
        return dg.materialize(
            assets,
            instance=dg.DagsterInstance.ephemeral(),
            resources={"deployment": Deployment()},
            partition_key="2026-11-22",
            selection=selection,
        )

    return run


def loaded(feed) -> Load:
    return Load(feed.table, "run", utc_now(), load_settings().as_of)


def test_a_slow_source_keeps_no_other_waiting(materialize):
    others = threading.Event()
    seen = []

    def load(feed):
        if feed.table == "anthropic__claude_code":  # the first step
            assert others.wait(PATIENCE_SECONDS)
        if feed.table == "openrouter__activity":  # the last one
            others.set()
        seen.append(feed.table)
        return loaded(feed)

    assert materialize(load).success
    assert len(seen) == len(set(seen)) == 10


def test_a_report_waits_for_the_one_that_it_stands_in_for(materialize):
    order = []

    def load(feed):
        order.append(feed.table)
        return loaded(feed)

    materialize(load)

    assert order.index("anthropic__usage") < order.index("anthropic__usage_legacy")


def refused(feed) -> Load:
    load = loaded(feed)
    load.failed(SourceUnavailable(f"GET /x failed (Connection refused). {LATER}"))
    return load


ONE = [dg.AssetKey(["raw", "openrouter__activity"])]


def test_a_source_that_does_not_answer_is_asked_again_and_it_is_said_when(materialize, monkeypatch, capfd):
    monkeypatch.setattr(feeds, "PAUSES_SECONDS", (0.1, 0.2))
    tries = []

    def load(feed):
        tries.append(feed.table)
        return loaded(feed) if len(tries) == 3 else refused(feed)

    assert materialize(load, selection=ONE).success

    said = capfd.readouterr().err
    assert "openrouter__activity: GET /x failed (Connection refused); asked again in 0.1 s, 2 of 3\n" in said
    assert "openrouter__activity: GET /x failed (Connection refused); asked again in 0.2 s, 3 of 3\n" in said
    assert LATER not in said and len(tries) == 3


def test_who_stays_away_is_left_to_the_next_run_and_holds_up_this_one_for_a_minute_at_most(
    materialize, monkeypatch, capfd
):
    monkeypatch.setattr(feeds, "PAUSES_SECONDS", (0.1, 0.2))
    tries = []

    def load(feed):
        tries.append(feed.table)
        return refused(feed)

    assert materialize(load, selection=ONE).success
    assert len(tries) == 3 and capfd.readouterr().err.count(LATER) >= 1

    monkeypatch.setattr(feeds, "PATIENCE_SECONDS", 0.05)  # the first try took so long
    materialize(load, selection=ONE)
    assert len(tries) == 4 and sum(feeds.PAUSES_SECONDS) < 60


def test_only_what_was_selected_is_loaded(materialize):
    seen = []

    def load(feed):
        seen.append(feed.table)
        return loaded(feed)

    materialize(load, selection=[dg.AssetKey(["raw", "litellm__requests"])])

    assert seen == ["litellm__requests"]
