"""The queries of docs/queries.md and their answers. `python -m tests.queries` writes the answers anew."""

import re
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from pipelines.publish import read_warehouse
from pipelines.settings import EXAMPLES, ROOT
from tests.providers import Providers
from tests.runs import paceline

PAGE = ROOT / "docs" / "queries.md"
RUN_WITH_BILLS = ("run", "--from", "2026-08-24")
QUESTION = re.compile(
    r"(?P<head>^### (?P<number>\d+)\. [^\n]+\n\n(?P<bills>With bills\.[^\n]*\n\n)?```sql\n(?P<sql>[^`]*)```\n\n)"
    r"(?:(?P<answer>(?:\|[^\n]*\n)+)\n)?(?P<reading>[^\n]+\n)",
    re.MULTILINE,
)


@dataclass
class Question:
    """A question of the page."""

    number: int
    with_bills: bool  # answered on the example company with its providers' bills
    sql: str
    answer: str | None  # a Markdown table, as it stands there


def questions() -> list[Question]:
    """The questions of the page, in their order."""
    return [
        Question(int(one["number"]), one["bills"] is not None, one["sql"], one["answer"])
        for one in QUESTION.finditer(PAGE.read_text())
    ]


def answer(db: duckdb.DuckDBPyConnection, sql: str) -> str:
    """What a warehouse answers, as a Markdown table."""
    cursor = db.execute(sql)
    names = [column[0] for column in cursor.description]
    rows = [[_cell(value) for value in row] for row in cursor.fetchall()]
    return "".join(f"| {' | '.join(row)} |\n" for row in [names, ["---"] * len(names), *rows])


def with_bills(providers: Providers) -> dict[str, str]:
    """The variables of the example company with its bills."""
    return providers.environ | {
        "LITELLM_LOGS": str(EXAMPLES / "gateway"),
        "PACELINE_ORG_DIR": str(EXAMPLES / "org"),
        "PACELINE_AS_OF": "2026-11-22",
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _write() -> None:
    providers = Providers()
    with tempfile.TemporaryDirectory() as folder:
        alone, billed = Path(folder) / "alone", Path(folder) / "billed"
        for data_dir, args, variables in ((alone, ("run",), {}), (billed, RUN_WITH_BILLS, with_bills(providers))):
            data_dir.mkdir()
            done = paceline(data_dir, *args, **variables)
            assert done.returncode == 0, done.stderr
        with read_warehouse(alone / "warehouse.duckdb") as db, read_warehouse(billed / "warehouse.duckdb") as other:
            write_answers(db, other)
    providers.stop()


def write_answers(db: duckdb.DuckDBPyConnection, db_with_bills: duckdb.DuckDBPyConnection) -> None:
    """Put the answers of two warehouses into the page."""

    def answered(one: re.Match) -> str:
        return f"{one['head']}{answer(db_with_bills if one['bills'] else db, one['sql'])}\n{one['reading']}"

    PAGE.write_text(QUESTION.sub(answered, PAGE.read_text()))


if __name__ == "__main__":
    _write()
