"""The lake: raw truth as Parquet files, `raw/<source>__<feed>/day=YYYY-MM-DD/*.parquet`, in a folder or on S3.

Every file is replaced whole: written beside its place, synced, renamed (one PUT on S3). A file whose content did not
change is left alone, so that its stamp says when the data changed. Who reads a feed's logs: `pipelines/loading.py`.
"""

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

import duckdb

from connectors._errors import SourceRefused
from connectors._files import filesystem, is_remote

MEMORY_LIMIT = "2GB"  # what does not fit goes through files of the scratch folder


class LakeDamaged(SourceRefused):
    """A file of the lake cannot be read. The message says which, and what to do."""

    def __init__(self, paths: Iterable[str]):
        super().__init__(
            f"damaged in the lake: {', '.join(paths)}. Retrying does not help: remove it and run again; what it held "
            "is read from its source again, or restored from a backup where the source no longer has it."
        )


class Lake:
    """Files below one root. Paths given and returned are relative to the root, with forward slashes."""

    def __init__(self, root: str, scratch: Path):
        self.root = root.rstrip("/")
        self.scratch = scratch
        self.is_remote = is_remote(root)
        self.fs = filesystem(root)
        self._opening = threading.Lock()  # feeds are loaded side by side

    def path(self, relative: str) -> str:
        """What DuckDB opens."""
        return f"{self.root}/{relative}"

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB in memory that reads this lake, in UTC; temporary tables are the connection's own."""
        with self._opening:
            shared = self._duckdb
        with shared.cursor() as db:
            db.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
            yield db

    @cached_property
    def _duckdb(self) -> duckdb.DuckDBPyConnection:
        db = duckdb.connect(config={"temp_directory": str(self.scratch), "memory_limit": MEMORY_LIMIT})
        if self.is_remote:
            db.register_filesystem(self.fs)
        return db

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A scratch folder that is gone afterwards."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            yield Path(folder)

    def files(self, below: str) -> dict[str, str]:
        """Path -> stamp (size and time, or etag) of every Parquet file below a folder."""
        if self.is_remote:
            bucket_root = self.root.partition("://")[2]
            found = self.fs.find(f"{bucket_root}/{below}", detail=True)
            stamps = {path.removeprefix(f"{bucket_root}/"): f"{i['size']}|{i.get('ETag')}" for path, i in found.items()}
        else:
            stamps = {}
            for folder, _, names in os.walk(os.path.join(self.root, below)):
                for name in names:
                    status = os.stat(os.path.join(folder, name))
                    stamps[os.path.relpath(os.path.join(folder, name), self.root)] = (
                        f"{status.st_size}|{status.st_mtime_ns}"
                    )
        return {path: stamps[path] for path in sorted(stamps) if path.endswith(".parquet")}

    def folders(self, below: str) -> list[str]:
        """Names of the folders directly below one; none when it does not exist."""
        try:
            entries = self.fs.ls(self.path(below), detail=True)
        except FileNotFoundError:
            return []
        return sorted(e["name"].rstrip("/").rpartition("/")[2] for e in entries if e["type"] == "directory")

    def near(self, paths: Collection[str], folder: Path) -> dict[str, str]:
        """What to open for those of the paths that exist: on S3 copies of them in the folder, which holds nothing else.

        A query asks for every file several times, and dbt makes hundreds of queries. What would take more than half of
        the free disk is not copied: what is missing then is opened where it is.
        """
        if not self.is_remote:
            shutil.rmtree(folder, ignore_errors=True)  # from when the lake was on S3
            return {path: self.path(path) for path in paths if self.fs.exists(self.path(path))}
        stamps = {path: stamp for path, stamp in self.files("raw").items() if path in paths}
        copies = {path: folder / f"{path}.{_digest(stamp)}.parquet" for path, stamp in stamps.items()}
        _keep_only(folder, copies.values())
        size = {path: int(stamp.partition("|")[0]) for path, stamp in stamps.items()}
        missing = [path for path, copy in copies.items() if not copy.exists() or copy.stat().st_size != size[path]]
        opened = {path: str(copy) for path, copy in copies.items()}
        if sum(size[path] for path in missing) > shutil.disk_usage(folder).free / 2:
            return opened | {path: self.path(path) for path in missing}
        with all_beside([copies[path] for path in missing]) as drafts:
            # Few at a time and none in parts, for both are held in memory.
            self.fs.get([self.path(path) for path in missing], list(map(str, drafts)), batch_size=8, max_concurrency=1)
        return opened

    def put(self, db: duckdb.DuckDBPyConnection, local: Path, relative: str) -> bool:
        """Put a local Parquet file in its place; False when the same rows are there already."""
        target = self.path(relative)
        if self.fs.exists(target) and _same_rows(db, str(local), target):
            return False
        if self.is_remote:
            self.fs.put_file(str(local), target)
        else:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            with beside(Path(target)) as draft:
                shutil.copyfile(local, draft)
        return True

    def remove(self, relative: str) -> None:
        """Remove one file."""
        self.fs.rm_file(self.path(relative))

    def write_rows(
        self,
        rows: Iterable[Mapping[str, object]],
        schema: Mapping[str, str],
        relative: str,
        order_by: str = "all",
        unlike: str | None = None,
        but_for: str = "known_at",
    ) -> bool:
        """Write small rows as one typed Parquet file; False when nothing changed.

        Nothing is written either when the file `unlike` holds the same rows, but for one column: when they were known.
        """
        with self.workspace() as folder, self.connect() as db:
            text = folder / "rows.jsonl"
            # Half a surrogate pair, which others' JSON may hold, is no text: a question mark stands for it.
            with text.open("w", encoding="utf-8", errors="replace") as out:
                out.writelines(json.dumps(dict(row), default=str, ensure_ascii=False) + "\n" for row in rows)
            local = folder / "rows.parquet"
            columns = ", ".join(f"'{name}': '{kind}'" for name, kind in schema.items())
            db.execute(f"""
                copy (
                    select * from read_json({quoted(text)}, columns = {{{columns}}}, format = 'newline_delimited')
                    order by {order_by}
                ) to {quoted(local)} (format parquet, compression zstd)""")
            if unlike and _same_rows(db, str(local), self.path(unlike), f"* exclude ({but_for})"):
                return False
            return self.put(db, local, relative)

    def read_rows(self, relative: str) -> list[dict]:
        """The rows of one small file; none when it does not exist. Raises LakeDamaged."""
        path = self.path(relative)
        while self.fs.exists(path):
            before = self.fs.info(path)
            try:
                with self.connect() as db:
                    cursor = db.execute("select * from read_parquet(?, hive_partitioning = false)", [path])
                    names = [column[0] for column in cursor.description]
                    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            except duckdb.IOException:  # not the file's fault
                raise
            except duckdb.Error as error:
                # DuckDB opens a file twice, and another thread may have replaced it in between.
                if self.fs.info(path) == before:
                    raise LakeDamaged([relative]) from error
        return []

    def damaged(self, files: Iterable[str]) -> list[str]:
        """Those of the files that cannot be read to their end."""
        with self.connect() as db:
            return [file for file in files if not _is_whole(db, self.path(file))]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def quoted(text: object) -> str:
    """An SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def _same_rows(db: duckdb.DuckDBPyConnection, one: str, other: str, columns: str = "*") -> bool:
    # Not bytes: DuckDB encodes the same rows differently when other rows were in the same pass.
    files = {"one": one, "other": other}
    rows = f"select {columns} from read_parquet({{}}, hive_partitioning = false)"
    try:
        (one_has, other_has) = db.execute(
            "select (select count(*) from read_parquet($one)), (select count(*) from read_parquet($other))", files
        ).fetchall()[0]
        # As many rows, and none without its like: then the other has none either.
        return (
            one_has == other_has
            and not db.execute(
                f"select 1 from ({rows.format('$one')} except all {rows.format('$other')}) limit 1", files
            ).fetchall()
        )
    except duckdb.Error:
        return False  # other columns, or damaged: to be replaced


def _is_whole(db: duckdb.DuckDBPyConnection, path: str) -> bool:
    try:
        db.execute("select bit_xor(hash(columns(*))) from read_parquet(?, hive_partitioning = false)", [path])
    except duckdb.IOException:  # not the file's fault
        raise
    except duckdb.Error:
        return False
    return True


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A name for a new file beside its place, which it takes when it is whole: readers see the old one or the new one,
    never a part, even after a crash. Nothing is left of one that could not be written.
    """
    with all_beside([target]) as (draft,):
        yield draft


@contextmanager
def all_beside(targets: Iterable[Path]) -> Iterator[list[Path]]:
    """The same for several files, which take their places one after the other when all are whole."""
    drafts = {target.with_name(f".{target.name}.tmp"): target for target in targets}
    leftovers = [draft.with_name(f"{draft.name}{end}") for draft in drafts for end in ("", ".wal")]
    for path in leftovers:
        path.unlink(missing_ok=True)
    try:
        yield list(drafts)
        for draft in drafts:
            _sync(draft)
        for draft, target in drafts.items():
            os.replace(draft, target)
        for folder in {target.parent for target in drafts.values()}:
            _sync(folder)
    finally:
        for path in leftovers:
            path.unlink(missing_ok=True)


def _keep_only(folder: Path, wanted: Iterable[Path]) -> None:
    """Make a folder hold no other files than these, nor folders that are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    keep = set(wanted)
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        if path.is_dir():
            with suppress(OSError):  # it is not empty
                path.rmdir()
        elif path not in keep:
            path.unlink()


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
