"""The version of the lake's shape. A lake carries its version; an older one is brought up to date, a newer one refused.

Columns that are added are no new version, for files are read by name. The warehouse needs none: a build by other models
is thrown away and made anew from the lake. The ledger has its own (`alerts/_ledger_tables.py`).
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pipelines.lake import Lake, beside

STAMP = "lake_version.json"


class LakeTooNew(Exception):
    """A later Paceline wrote this lake."""


def _without_schema_files(lake: Lake) -> None:
    """Version 1 had a file without rows in every feed's folder, to say its columns."""
    for path in lake.files("raw"):
        if path.endswith("/_schema.parquet"):
            lake.remove(path)


# Version -> what makes it the next one. Each may be run again, for it may be killed.
# 2: also, days whose calls were removed have daily rows (`pipelines/retention.py`).
MIGRATIONS: Mapping[int, Callable[[Lake], None]] = {1: _without_schema_files}
LAKE_VERSION = max(MIGRATIONS) + 1


def lake_version(lake: Lake) -> int | None:
    """The version of a lake's shape; None of one without anything in it."""
    if lake.fs.exists(lake.path(STAMP)):
        return json.loads(lake.fs.cat_file(lake.path(STAMP)))["version"]
    return 1 if lake.folders("raw") else None


def bring_up_to_date(lake: Lake, say: Callable[[str], None]) -> None:
    """Migrate an older lake, and stamp it. Raises LakeTooNew."""
    found = lake_version(lake)
    if found == LAKE_VERSION:
        return
    if found is not None and found > LAKE_VERSION:
        raise LakeTooNew(
            f"the lake {lake.root} has version {found}, this Paceline knows {LAKE_VERSION}. Nothing was read or "
            "changed. Install the Paceline that wrote it, or a later one."
        )
    for version in range(found or LAKE_VERSION, LAKE_VERSION):
        say(f"the lake is of version {version}: bringing it to {version + 1}")
        MIGRATIONS[version](lake)
    _stamp(lake)


def _stamp(lake: Lake) -> None:
    content = json.dumps({"version": LAKE_VERSION})
    if lake.is_remote:
        lake.fs.pipe_file(lake.path(STAMP), content.encode())
        return
    target = Path(lake.path(STAMP))
    target.parent.mkdir(parents=True, exist_ok=True)
    with beside(target) as draft:
        draft.write_text(content)
