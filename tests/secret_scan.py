"""Looking for secrets in everything that was written: files as they are, and unpacked."""

import base64
import gzip
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb

from pipelines.lake import quoted


def forms(secret: str) -> set[bytes]:
    """The ways in which a secret may stand somewhere: as it is, with escapes of an address, in base64 at any offset."""
    raw = secret.encode()
    # Of the characters at both ends some bits belong to what stands beside: they are left out.
    shifted = {base64.b64encode(b"\0" * lead + raw)[(0, 2, 3)[lead] : -4] for lead in range(3)}
    return {raw, quote(secret).encode(), quote_plus(secret).encode(), *shifted} | {
        text.translate(bytes.maketrans(b"+/", b"-_")) for text in shifted
    }


def found(secrets: Iterable[str], told: Iterable[tuple[str, bytes]]) -> set[tuple[str, str]]:
    """(secret, where) of every secret in any of its forms; `told` gives (where, what is there)."""
    wanted = {form: secret for secret in secrets for form in forms(secret)}
    return {(secret, where) for where, content in told for form, secret in wanted.items() if form in content}


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(file, content) of every file below a folder, and of every row in it where it is packed."""
    memory = duckdb.connect()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        where, content = str(file.relative_to(folder)), file.read_bytes()
        yield where, where.encode()
        yield where, content
        if file.suffix == ".gz":
            yield where, gzip.decompress(content)
        elif file.suffix == ".parquet":
            yield where, _rows(memory, f"from {_read(file)}")
        elif file.suffix == ".duckdb":
            with duckdb.connect(str(file), read_only=True) as db:
                tables = db.execute("select schema_name, table_name, sql from duckdb_tables()").fetchall()
                yield from ((where, sql.encode()) for _, _, sql in tables)
                for schema, table, _ in tables:
                    yield where, _rows(db, f'from "{schema}"."{table}"')
        elif content.startswith(b"SQLite format 3"):
            yield where, b"\n".join(_sqlite_rows(file))


def _read(file: Path) -> str:
    # A path with one of these is a pattern to DuckDB.
    safe = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(file))
    return f"read_parquet({quoted(safe)}, hive_partitioning = false)"


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> bytes:
    return "\n".join(map(repr, db.execute(query).fetchall())).encode()


def _sqlite_rows(file: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in db.execute(f'select * from "{table}"'):
                yield repr(row).encode()
                for value in row:
                    if isinstance(value, bytes):
                        try:
                            yield zlib.decompress(value)
                        except zlib.error:
                            yield value
