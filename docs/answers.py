"""The answers that stand below the queries of a page: a ```sql block, an empty line, a table.

They are those of the example company; where "With bills." stands above a query, of the example company with its
providers' bills. `make answers` (tests/answers.py) writes them anew; tests fail where they are others. A block without
a table is only run.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.settings import ROOT

QUERIES = ROOT / "docs" / "queries.md"
PAGES = (QUERIES, *(ROOT / "docs" / name for name in ("numbers.md", "faq.md", "getting-started.md", "relations.md")))
ANSWERED = re.compile(
    r"(?P<bills>With bills\.[^\n]*\n\n)?```sql\n(?P<sql>.*?)```\n(?:\n(?P<table>(?:\|[^\n]*\n)+))?", re.DOTALL
)


def answered(text: str) -> Iterator[re.Match[str]]:
    """Each block of a page with its `sql`, its `table` and its `bills` (None where it has none)."""
    return ANSWERED.finditer(text)


def with_answers(text: str, db: duckdb.DuckDBPyConnection, with_bills: bool) -> str:
    """The page with the answers of this warehouse to the queries with bills, or to all others.

    Raises duckdb.Error for a query that cannot be asked.
    """

    def answer(found: re.Match[str]) -> str:
        if bool(found["bills"]) != with_bills:
            return found[0]
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
    if isinstance(value, int | Decimal):
        return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
