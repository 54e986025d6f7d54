"""Files below a folder or an s3:// prefix: which there are, and their bytes.

Credentials of s3:// come from the environment as every AWS tool reads them (AWS_PROFILE, AWS_ACCESS_KEY_ID,
AWS_ENDPOINT_URL ...). Nothing is ever copied to a path made from an object's name: LiteLLM writes names longer than a
file system allows.
"""

import gzip
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from connectors._errors import LATER, SourceRefused, SourceUnavailable

LOG_ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
CSV_ENDINGS = (".csv", ".csv.gz")
FETCHED_AT_ONCE = 500


@dataclass(frozen=True)
class LogFile:
    """One file as a listing shows it. `key` is relative to the location, `path` opens it."""

    key: str
    path: str
    size: int
    version: str

    @property
    def folder(self) -> str:
        """The part of the key before the last slash; empty at the top."""
        return self.key.rpartition("/")[0]

    @property
    def stamp(self) -> str:
        """Changes when the file does."""
        return f"{self.key}|{self.size}|{self.version}"


@dataclass(frozen=True)
class Unreadable:
    """A file or folder that cannot be used, and why."""

    key: str
    reason: str


def is_remote(location: str) -> bool:
    """True for s3:// and other URLs."""
    return "://" in location


def filesystem(location: str):
    """The fsspec file system of a location. Listings are never cached: a run must see what is there now."""
    if is_remote(location):
        import s3fs

        return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    import fsspec

    return fsspec.filesystem("file")


def list_files(
    location: str, variable: str, names: str = "", endings: tuple[str, ...] = LOG_ENDINGS
) -> tuple[list[LogFile], list[Unreadable]]:
    """Every file with such an ending below the location, and what else lies there that cannot be read.

    Where `names`, a regular expression, says which keys are the source's files, nothing else is its business.

    Raises SourceRefused when the location itself is wrong or closed, SourceUnavailable when it does not answer.
    """
    if is_remote(location) and not re.match("s3a?://[^/]", location):
        raise SourceRefused(f"{variable} is '{location}': expected a folder or s3://bucket/prefix. Correct {variable}.")
    found = _list_remote(location, variable) if is_remote(location) else _list_local(location, variable)
    files, unreadable = found
    known, unknown = [], []
    for file in files:
        name = file.key.rpartition("/")[2]
        if name.startswith(".") or name.endswith((".tmp", ".part")):
            continue  # editors, file managers and half-finished copies
        if names and not re.search(names, file.key):
            continue
        (known if name.lower().endswith(endings) else unknown).append(file)
    expected = f"the name ends in none of {', '.join(endings)}"
    return known, unreadable + [Unreadable(file.key, expected) for file in unknown]


def _list_local(location: str, variable: str) -> tuple[list[LogFile], list[Unreadable]]:
    root = os.path.abspath(os.path.expanduser(location))  # a .env file has no shell to do it
    if not os.path.isdir(root):
        raise SourceRefused(f"{variable} is '{location}': there is no such folder. Retrying does not help: correct it.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise SourceRefused(f"{variable} is '{location}': this user may not read it. Grant read access.")
    files, unreadable = [], []

    def refuse(error: OSError) -> None:
        unreadable.append(Unreadable(_printable(os.path.relpath(error.filename, root)), f"folder: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=refuse):
        for name in folders:
            path = os.path.join(folder, name)
            # A link like `latest` leads to what is read at its own place anyway.
            if os.path.islink(path) and not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
                unreadable.append(Unreadable(_printable(os.path.relpath(path, root)), "folder: links are not followed"))
        for name in names:
            path = os.path.join(folder, name)
            key = os.path.relpath(path, root)
            if path != _printable(path):
                unreadable.append(Unreadable(_printable(key), "file: the name is not UTF-8"))
                continue
            try:
                status = os.stat(path)
            except OSError as error:
                unreadable.append(Unreadable(key, f"file: {error.strerror}"))
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            if not os.access(path, os.R_OK):
                unreadable.append(Unreadable(key, "file: Permission denied"))
                continue
            files.append(LogFile(key, path, status.st_size, str(status.st_mtime_ns)))
    return files, unreadable


def _printable(path: str) -> str:
    """The path itself, or with escapes in place of what is not UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _list_remote(location: str, variable: str) -> tuple[list[LogFile], list[Unreadable]]:
    import botocore.exceptions

    scheme, _, root = location.rstrip("/").partition("://")
    asked = f"Listing {variable} = {location}"
    try:
        listing = filesystem(location).find(root, detail=True)
    except (PermissionError, botocore.exceptions.NoCredentialsError) as error:
        raise SourceRefused(
            f"{asked} was refused ({error}). Retrying does not help: check the AWS credentials of this process "
            "and its s3:ListBucket and s3:GetObject rights."
        ) from error
    except FileNotFoundError as error:
        raise SourceRefused(f"{asked}: there is no such bucket. Retrying does not help: correct {variable}.") from error
    except (OSError, botocore.exceptions.BotoCoreError) as error:
        raise SourceUnavailable(f"{asked} failed ({error}). {LATER}") from error
    files = [
        LogFile(
            key=path.removeprefix(f"{root}/"),
            path=f"{scheme}://{path}",
            size=info["size"],
            version=f"{info.get('LastModified')}|{info.get('ETag')}",
        )
        for path, info in listing.items()
        if info["type"] == "file" and not path.endswith("/")
    ]
    return files, []


def contents(files: Sequence[LogFile], small_bytes: int) -> Iterator[tuple[LogFile, bytes | Exception | None]]:
    """Each file with its bytes when it is small and remote: these are fetched many at a time, one request each.

    An error that a fetch met stands in place of the bytes; None means that the file is to be opened.
    """
    remote = [file for file in files if is_remote(file.path) and file.size <= small_bytes]
    fetched = {file.key for file in remote}
    yield from ((file, None) for file in files if file.key not in fetched)
    for start in range(0, len(remote), FETCHED_AT_ONCE):
        chunk = remote[start : start + FETCHED_AT_ONCE]
        paths = [file.path for file in chunk]
        # Not `cat`: it takes *, ? and [ in a name for a pattern.
        answers = filesystem(paths[0]).cat_ranges(paths, starts=None, ends=None, on_error="return")
        yield from zip(chunk, answers, strict=True)


def read_lines(
    file: LogFile, longest: int, content: bytes | Exception | None = None
) -> Iterator[tuple[int, bytes | None]]:
    """`lines` of a file, or of what `contents` gave for it.

    Raises SourceUnavailable when the place where it lies stops answering. What is wrong with this file alone raises
    OSError (BadGzipFile included), EOFError or zlib.error.
    """
    if not is_remote(file.path):
        with _open(file, content) as stream:
            yield from lines(stream, longest)
        return
    import botocore.exceptions

    try:
        with _open(file, content) as stream:
            yield from lines(stream, longest)
    except (gzip.BadGzipFile, FileNotFoundError, PermissionError):
        raise
    except (OSError, botocore.exceptions.BotoCoreError) as error:
        raise SourceUnavailable(f"Reading {file.path} failed ({error}). {LATER}") from error


def _open(file: LogFile, content: bytes | Exception | None) -> BinaryIO:
    """The file's bytes, unpacked when its name ends in .gz."""
    if isinstance(content, Exception):
        raise content
    stream = filesystem(file.path).open(file.path, "rb") if content is None else io.BytesIO(content)
    # The readline of fsspec's own files knows no limit; a buffer around gzip would lose the lines before a damage.
    return gzip.GzipFile(fileobj=stream) if file.key.lower().endswith(".gz") else io.BufferedReader(stream)


def lines(stream: BinaryIO, longest: int) -> Iterator[tuple[int, bytes | None]]:
    """(line number from 1, line without its end) of a stream; None for a line longer than `longest` bytes."""
    number = 0
    while chunk := stream.readline(longest + 1):
        number += 1
        if len(chunk) > longest and not chunk.endswith(b"\n"):
            while chunk and not chunk.endswith(b"\n"):
                chunk = stream.readline(longest + 1)
            yield number, None
        else:
            yield number, chunk.rstrip(b"\r\n")
