"""The answers that stand below the queries of a page: a ```sql block, an empty line, a table.

`python -m docs.answers` asks the warehouse in PACELINE_DATA_DIR and writes them anew (as they stand: the example
company's); tests/test_docs.py fails where they are others. A block without a table is only run.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from pipelines.publish import read_warehouse
from pipelines.settings import ROOT, load_settings

PAGES = tuple(ROOT / "docs" / name for name in ("numbers.md", "faq.md", "getting-started.md", "relations.md"))
ANSWERED = re.compile(r"```sql\n(?P<sql>.*?)```\n(?:\n(?P<table>(?:\|[^\n]*\n)+))?", re.DOTALL)


def answered(text: str) -> Iterator[re.Match[str]]:
    """Each block of a page with its `sql` and its `table` (None where it has none)."""
    return ANSWERED.finditer(text)


def with_answers(db: duckdb.DuckDBPyConnection, text: str) -> str:
    """The page with the answers of this warehouse. Raises duckdb.Error for a query that cannot be asked."""

    def answer(found: re.Match[str]) -> str:
        names, rows = ask(db, found["sql"])
        return found[0].replace(found["table"], table(names, rows)) if found["table"] else found[0]

    return ANSWERED.sub(answer, text)


def ask(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple]]:
    """The columns and rows of a query."""
    cursor = db.execute(sql)
    return [column[0] for column in cursor.description or []], cursor.fetchall()


def table(names: list[str], rows: list[tuple]) -> str:
    """A Markdown table; counts with commas, nothing for NULL."""
    lines = [names, ["---"] * len(names), *([_written(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}" if isinstance(value, float) else str(value)


def write(page: Path) -> None:
    """Write a page's answers anew."""
    with read_warehouse(load_settings().warehouse_file) as db:
        page.write_text(with_answers(db, page.read_text()))


if __name__ == "__main__":
    for one in PAGES:
        write(one)
