"""`paceline backup` and `paceline restore`: everything that cannot be made anew, in one file.

The lake where it is a folder, the ledger where it is SQLite, Dagster's record of runs, the outbox, the org CSVs. The
warehouse is not in it, for the next run makes it from the lake; nor is `.env`, for it holds keys.
"""

import json
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url

from connectors._files import is_remote
from pipelines.lake import Lake, beside
from pipelines.settings import Settings
from pipelines.versions import LAKE_VERSION, LakeTooNew, lake_version

ABOUT = "backup.json"
LAKE, ORG, DATA = "lake", "org", "data"  # the folders of a backup
KEPT_FILES = ("ledger.sqlite", "told_through", "no_alerts", "examples_only")
KEPT_FOLDERS = ("dagster", "outbox")
MADE_ANEW = ("home.lock", "dagster.yaml")


class CannotRestore(Exception):
    """Nothing was restored; the message says why."""


def backup(settings: Settings, lake: Lake, target: Path, now: datetime) -> dict[str, object]:
    """Write the backup to `target`, whole or not at all; returns what stands in it. Hold the writer's lock meanwhile.

    SQLite databases may be in use: SQLite's own backup copies them as of one moment.
    """
    about: dict[str, object] = {
        "made_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "lake_version": lake_version(lake) or LAKE_VERSION,
        "lake": settings.lake if lake.is_remote else None,
        "ledger": _ledger_elsewhere(settings),
    }
    with lake.workspace() as scratch, beside(target) as draft:
        draft.touch(mode=0o600)
        with tarfile.open(draft, mode="w") as tar:
            files = 0
            for name, path in _contents(settings, lake):
                tar.add(_still(path, scratch), arcname=name, recursive=False)
                files += 1
            about["files"] = files
            _add_about(tar, about, scratch)
    return about


def _contents(settings: Settings, lake: Lake) -> Iterator[tuple[str, Path]]:
    """(name in the backup, file) of everything."""
    if not lake.is_remote:
        yield from _below(LAKE, Path(settings.lake))
    if not settings.uses_examples:
        yield from ((name, file) for name, file in _below(ORG, settings.org_dir) if file.suffix.lower() == ".csv")
    for name in KEPT_FILES:
        if (settings.data_dir / name).exists():
            yield f"{DATA}/{name}", settings.data_dir / name
    for folder in KEPT_FOLDERS:
        for name, file in _below(f"{DATA}/{folder}", settings.data_dir / folder):
            if file.name not in MADE_ANEW and not file.name.endswith(("-wal", "-shm", "-journal")):
                yield name, file


def _below(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.endswith(".tmp"):
            yield f"{name}/{file.relative_to(folder).as_posix()}", file


def _still(path: Path, scratch: Path) -> Path:
    """The file itself, or of a database a copy as of now."""
    with path.open("rb") as opened:
        if not opened.read(16).startswith(b"SQLite format 3"):
            return path
    copy = scratch / "copy.sqlite"
    copy.unlink(missing_ok=True)
    source, target = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    return copy


def _add_about(tar: tarfile.TarFile, about: dict[str, object], scratch: Path) -> None:
    """Last: a backup without it was cut off."""
    file = scratch / ABOUT
    file.write_text(json.dumps(about))
    tar.add(file, arcname=ABOUT)


def _ledger_elsewhere(settings: Settings) -> str | None:
    """Where the ledger is when it is not in the data directory: somebody else backs it up."""
    url = make_url(settings.ledger_url)
    in_data = url.get_backend_name() == "sqlite" and url.database == str(settings.data_dir / "ledger.sqlite")
    return None if in_data else url.render_as_string(hide_password=True)


def restore(settings: Settings, source: Path) -> dict[str, object]:
    """Put a backup into an empty data directory; returns what stands in it, and `org_kept` where CSVs were left alone.

    A lake or ledger elsewhere is not in a backup and stays what it is. Org CSVs go to PACELINE_ORG_DIR if it has none.
    Raises CannotRestore, LakeTooNew.
    """
    about = _about(source)
    if int(about["lake_version"]) > LAKE_VERSION:
        raise LakeTooNew(
            f"{source} holds a lake of version {about['lake_version']}, this Paceline knows {LAKE_VERSION}. Nothing "
            "was restored. Install the Paceline that made it, or a later one."
        )
    lake = settings.lake
    if is_remote(lake) != bool(about["lake"]):
        was = about["lake"] or "a folder"
        raise CannotRestore(
            f"the lake of {source} is {was}, PACELINE_LAKE is {lake}: set it as it was. Nothing was done."
        )
    for folder in (settings.data_dir, *(() if is_remote(lake) else (Path(lake),))):
        if folder.exists() and any(folder.iterdir()):
            raise CannotRestore(f"{folder} is not empty. Restore into an empty data directory; nothing was done.")
    org = settings.org_dir_given or settings.org_dir
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = settings.data_dir / ".restoring.tmp"
    with tarfile.open(source) as tar:
        tar.extractall(draft, filter="data")
    about["org_kept"] = (draft / ORG).exists() and org.is_dir() and any(org.glob("*.csv"))
    places = {LAKE: Path(lake), DATA: settings.data_dir} | ({} if about["org_kept"] else {ORG: org})
    for name, place in places.items():
        if (draft / name).exists():
            _move_into(draft / name, place)
    shutil.rmtree(draft)
    return about


def _move_into(folder: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        shutil.move(entry, place / entry.name)


def _about(source: Path) -> dict:
    try:
        with tarfile.open(source) as tar:
            about = tar.extractfile(ABOUT)
            if about is None:
                raise KeyError(ABOUT)
            return json.loads(about.read())
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise CannotRestore(f"{source} is no whole backup of Paceline ({error}). Nothing was done.") from error
