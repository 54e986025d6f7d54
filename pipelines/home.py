"""Dagster's home: a folder in the data directory with a copy of this project's dagster.yaml."""

import os
import shutil
import sys
from pathlib import Path

from pipelines.settings import ROOT, load_settings


def ensure_home(data_dir: Path) -> Path:
    """Create Dagster's home, bring its dagster.yaml up to date, and make it this process's."""
    home = data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


if __name__ == "__main__":
    # python -m pipelines.home COMMAND ...: run a Dagster command with this home.
    ensure_home(load_settings().data_dir)
    os.chdir(ROOT)
    os.execvp(sys.argv[1], sys.argv[1:])
