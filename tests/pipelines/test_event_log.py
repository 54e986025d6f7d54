"""Dagster's event log with connections that last: the same events in the same files as Dagster's own."""

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from pipelines.event_log import OPEN_FILES, EventLog


@dg.op
def work():
    """Does nothing."""


@dg.job
def counted():
    """A job of one step."""
    work()


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\n"
        "event_log_storage:\n"
        "  module: pipelines.event_log\n"
        "  class: EventLog\n"
        f"  config: {{base_dir: {tmp_path}}}\n"
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        yield instance


def run(instance) -> str:
    return counted.execute_in_process(instance=instance).run_id


def test_dagsters_own_log_reads_what_was_written_while_it_is_still_open(instance, tmp_path):
    runs = [run(instance) for _ in range(OPEN_FILES + 2)]  # more than stay open

    own = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))

    for run_id in runs:
        ours = [entry.to_json() for entry in instance.event_log_storage.get_logs_for_run(run_id)]
        assert ours == [entry.to_json() for entry in own.get_logs_for_run(run_id)]
        assert "Finished execution of run" in ours[-1]
    assert sorted(own.get_all_run_ids()) == sorted(runs)


def test_after_a_wipe_nothing_is_left_and_the_next_run_is_kept(instance):
    before = run(instance)

    instance.event_log_storage.wipe()

    assert instance.event_log_storage.get_logs_for_run(before) == []
    after = run(instance)
    assert len(instance.event_log_storage.get_logs_for_run(after)) > 0
