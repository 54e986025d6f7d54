"""Whether a word stands in anything that was written, looked for in other ways than the code that took it away."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import duckdb

PROJECT_S_OWN = ("dbt",)  # the parsed project: its unit tests name people of the example company


def everything_written(folders: Iterable[Path], words: Iterable[str]) -> list[str]:
    """`file: word` of every file with a word in its name or content; of Parquet, DuckDB and SQLite, in a cell."""
    wanted = [word.lower() for word in words]
    found = []
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            if file.relative_to(folder).parts[0] in PROJECT_S_OWN:
                continue
            texts = [str(file.relative_to(folder)), *_texts(file)]
            found += [f"{file}: {word}" for word in wanted if any(word in text.lower() for text in texts)]
    return found


def _texts(file: Path) -> list[str]:
    content = file.read_bytes()
    texts = [content.decode("utf-8", "replace")]
    if content.startswith(b"PAR1"):
        cells = duckdb.sql(f"from read_parquet('{file}', hive_partitioning = false)").fetchall()
        texts.append(repr(cells))
    elif content.startswith(b"SQLite format 3"):
        with sqlite3.connect(file) as db:
            texts += db.iterdump()
    elif file.suffix == ".duckdb":
        with duckdb.connect(str(file), read_only=True) as db:
            tables = db.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
            texts += [repr(db.execute(f'from "{schema}"."{table}"').fetchall()) for schema, table in tables]
    return texts
