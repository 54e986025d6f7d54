"""Dagster's home: a folder in the data directory with this project's dagster.yaml, filled in.

Runs, events and schedules are in SQLite files there, or in PostgreSQL (PACELINE_DAGSTER_URL) for several machines.
"""

import json
import os
import sys
from pathlib import Path
from string import Template

from filelock import FileLock

from pipelines import columns
from pipelines.command import run_command
from pipelines.settings import ROOT, Settings, load_settings

POSTGRES = """\
storage:
  postgres:
    postgres_url: {env: PACELINE_DAGSTER_URL}
"""


def keep_private() -> None:
    """What this process and its children write from here on is for their user alone; see docs/security.md."""
    os.umask(0o077)


def ensure_home(data_dir: Path) -> Path:
    """Create Dagster's home, bring its dagster.yaml up to date, and make it this process's."""
    home = data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    # One at a time: Dagster's databases break when two processes create them at once.
    with FileLock(home / "home.lock"):
        (home / "dagster.yaml").write_text(_instance(home))
        if not (home / "created").exists():
            _create_databases()
            (home / "created").touch()
    return home


def _instance(home: Path) -> str:
    # A path as text of its own, for whatever stands in it.
    config = Template((ROOT / "dagster.yaml").read_text()).substitute(HOME=json.dumps(str(home)))
    if os.environ.get("PACELINE_DAGSTER_URL"):
        # The address has a password in it: it stays in the environment of Dagster's processes.
        config = config.partition("event_log_storage:")[0] + POSTGRES
    return config


def _create_databases() -> None:
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        instance.get_runs_count()
        instance.get_asset_keys(limit=1)


def trace_columns(settings: Settings) -> None:
    """Bring up to date what the UI says about columns. What goes wrong is said, and stops nothing."""
    try:
        columns.trace(settings)
    except Exception as error:
        print(f"paceline: origins of columns are not shown: {type(error).__name__}: {error}", file=sys.stderr)


def become(command: list[str]) -> None:
    """Become a Dagster command with this home."""
    keep_private()
    settings = load_settings()
    ensure_home(settings.data_dir)
    trace_columns(settings)
    os.chdir(ROOT)
    os.execvp(command[0], command)


if __name__ == "__main__":
    # python -m pipelines.home COMMAND ...
    run_command(lambda: become(sys.argv[1:]))
