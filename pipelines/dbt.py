"""dbt in this process: parsing, building, and what it said.

dbt-core is not thread safe and slow to start, so it runs inside the step that asks for it instead of as a command.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipelines.settings import DBT_PROJECT, Settings


class BuildFailed(Exception):
    """dbt ended with errors. Nothing is published; the message lists what failed."""


def manifest_path(settings: Settings) -> Path:
    """The parsed project; parsed anew when its files are not those that were parsed, by one process at a time."""
    folder = target_path(settings)
    folder.mkdir(parents=True, exist_ok=True)
    parsed = folder / "parsed"  # says of which files the manifest is, once it is whole
    with FileLock(folder / "parse.lock"):
        files = _files()
        if not parsed.exists() or parsed.read_text() != files:
            # The whole of it: what dbt takes over from before has the place in it where the project lay then.
            _run(settings, ["parse", "--no-partial-parse"])
            parsed.write_text(files)
    return folder / "manifest.json"


def target_path(settings: Settings) -> Path:
    """Where dbt keeps the parsed project, its results and its log."""
    return settings.data_dir / "dbt"


def good_build(settings: Settings) -> Path:
    """A file that exists as long as the build file holds a whole build without errors."""
    return settings.build_file.with_suffix(".good")


def build(settings: Settings, selection: Sequence[str], on_event: Callable[[Any], None] | None = None) -> None:
    """Build the selected models, or all of them, with their tests. Raises BuildFailed."""
    mark = good_build(settings)
    is_good = mark.exists() or not selection
    mark.unlink(missing_ok=True)
    invoke(settings, ["build", "--exclude-resource-type", "unit_test", "--no-write-json", *selection], on_event)
    if is_good:
        mark.touch()


def invoke(settings: Settings, args: Sequence[str], on_event: Callable[[Any], None] | None = None) -> Any:
    """Run one dbt command; returns its result. Raises BuildFailed when anything in it failed."""
    from dbt.contracts.graph.manifest import Manifest

    # Handed over, for dbt would look at every file of the project again.
    parsed = manifest_path(settings).with_name("partial_parse.msgpack").read_bytes()
    return _run(settings, args, on_event, Manifest.from_msgpack(parsed))


def build_on_spark(settings: Settings, target: Path, selection: Sequence[str]) -> None:
    """Build the selected models in this process's Spark session, without their tests. Raises BuildFailed."""
    target.mkdir(parents=True, exist_ok=True)
    kinds = [argument for kind in ("test", "unit_test") for argument in ("--exclude-resource-type", kind)]
    _invoke(["build", "--no-write-json", *kinds, *selection, *_common("spark", target)], settings)


def _run(
    settings: Settings, args: Sequence[str], on_event: Callable[[Any], None] | None = None, manifest: Any = None
) -> Any:
    target = "s3" if "://" in settings.lake else "local"
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    return _invoke([*args, *_common(target, target_path(settings))], settings, on_event, manifest)


def _common(target: str, folder: Path) -> list[str]:
    return [
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target", target,
        "--target-path", str(folder), "--log-path", str(folder),
        "--log-level", "none", "--log-level-file", "warn", "--no-version-check",
    ]  # fmt: skip


def _invoke(
    args: Sequence[str], settings: Settings, on_event: Callable[[Any], None] | None = None, manifest: Any = None
) -> Any:
    from dbt.cli.main import dbtRunner

    with _environment(PACELINE_BUILD_FILE=str(settings.build_file), DO_NOT_TRACK="1"):
        result = dbtRunner(manifest, [on_event] if on_event else []).invoke([*args])
    if result.exception:
        raise BuildFailed(f"dbt {args[0]} stopped: {result.exception}") from result.exception
    if not result.success:
        raise BuildFailed(f"dbt {args[0]} failed:\n{_failures(result)}")
    return result


def _failures(result: Any) -> str:
    failed = [one for one in getattr(result.result, "results", []) if one.status in ("error", "fail", "runtime error")]
    return "\n".join(f"  {one.node.name}: {' '.join((one.message or one.status).split())}" for one in failed)


def _files() -> str:
    """Another text for other files, also for older ones (an image's are older than what the image before it parsed)."""
    kinds = ("*.sql", "*.yml", "*.csv", "*.md")
    files = sorted(file for kind in kinds for file in DBT_PROJECT.rglob(kind))
    stamps = [f"{file} {(found := file.stat()).st_size} {found.st_mtime_ns}" for file in files]
    stamps += [version(package) for package in ("dbt-core", "dbt-duckdb")]
    return hashlib.sha256("\n".join(stamps).encode()).hexdigest()


@contextmanager
def _environment(**variables: str):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
