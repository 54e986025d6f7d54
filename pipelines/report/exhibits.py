"""An exhibit: a finding, its rows, how they are drawn, and the SQL they come from. Files of `exhibits/`, in order.

`<name>.sql` holds two queries. The first is the finding: a row for each team, and one for everybody (team_id null); its
columns are what the words of the YAML are made of. The second gives the rows of chart and table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml
from jinja2 import Environment, StrictUndefined, Template

from alerts import _format as f
from pipelines.publish import rows_of

FOLDER = Path(__file__).parent / "exhibits"
MOST_ROWS = 10_000  # of one exhibit; keeps the page below 6 MB whatever the company's size

# What the end of a column's name says about its values. The first that fits counts.
KINDS = {
    "_usd_per_mtok": "usd", "_usd": "usd", "_tokens": "tokens", "_ratio": "ratio", "probability_over": "ratio",
    "_p10": "ratio", "_p50": "ratio", "_p90": "ratio", "month": "month", "_date": "date", "_on": "date", "_at": "time",
    "status": "status",
}  # fmt: skip
UNTOLD = "A number is missing, so this cannot be told in a sentence"
NONE = "\N{EN DASH}"


def count(value: Any) -> str:
    """A whole number, or a dash where it is missing."""
    number = f.number(value)
    return NONE if number is None else f"{number:,}"


def decimal(value: Any, form: str = "%g") -> str:
    """A number in a printf format, or a dash where it is missing."""
    number = f.number(value)
    return NONE if number is None else form % number


def name(value: Any) -> str:
    """A name on one line, or a dash where it is missing."""
    return NONE if value is None else f.plain(value)


WORDS = Environment(undefined=StrictUndefined, trim_blocks=True)
WORDS.filters |= {
    "tokens": f.tokens, "amount": f.amount, "usd": f.usd, "percent": f.percent, "day": f.day, "month": f.month_name,
    "name": name, "count": count, "decimal": decimal,
}  # fmt: skip


@dataclass(frozen=True)
class Exhibit:
    """What the two files of an exhibit say.

    `finding` is the heading, a template over the finding's columns; without a row, `missing` and `remedy` say what is
    not there and how to get it. `filter` is what choosing a team does to the rows: `narrow` leaves those of the team,
    `swap` shows the team's in place of the organisation's (team_id null), `none` leaves them. `columns` and `tiles` are
    {column: label}, tiles of the finding. The table is folded unless `open`. `chart` is Vega-Lite over the first
    `chart_rows` rows that equal `chart_where`.
    """

    name: str
    sql: str
    section: str
    finding: str
    missing: str
    remedy: str
    columns: Mapping[str, str]
    note: str = ""
    filter: Literal["narrow", "swap", "none"] = "none"
    tiles: Mapping[str, str] = field(default_factory=dict)
    open: bool = False
    chart: Mapping[str, Any] | None = None
    chart_rows: int | None = None
    chart_where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the warehouse answers to an exhibit: {team_id or None: finding}, in words and as values of tiles; rows."""

    findings: Mapping[str | None, str]
    tiles: Mapping[str | None, list[Any]]
    fields: list[str]
    rows: list[list[Any]]
    has_more: bool


def kind_of(name: str) -> str:
    """How the values of a column are written, by the end of its name."""
    return next((kind for end, kind in KINDS.items() if name.endswith(end)), "plain")


def all_exhibits(folder: Path = FOLDER) -> list[Exhibit]:
    """Every exhibit, in the order of the page."""
    return [
        Exhibit(name=path.stem, sql=path.read_text(), **yaml.safe_load(path.with_suffix(".yml").read_text()))
        for path in sorted(folder.glob("*.sql"))
    ]


def answer(db: duckdb.DuckDBPyConnection, exhibit: Exhibit) -> Answer:
    """Ask the warehouse."""
    finding, query = duckdb.extract_statements(exhibit.sql)
    words = WORDS.from_string(exhibit.finding)
    by_team = sorted(rows_of(db, finding.query), key=lambda row: (row["team_id"] is not None, row["team_id"]))
    found = {row["team_id"]: row for row in by_team}
    cursor = db.execute(query.query)
    rows = cursor.fetchmany(MOST_ROWS + 1)
    return Answer(
        findings={team: _told(words, row) for team, row in found.items()},
        tiles={team: [as_json(row[name]) for name in exhibit.tiles] for team, row in found.items()},
        fields=[column[0] for column in cursor.description],
        rows=[[as_json(value) for value in row] for row in rows[:MOST_ROWS]],
        has_more=len(rows) > MOST_ROWS,
    )


def _told(words: Template, row: Mapping[str, Any]) -> str:
    try:
        return in_words(words.render(row))
    except Exception:  # one value that nobody thought of costs its own sentence, not the page
        return UNTOLD


def in_words(text: str) -> str:
    """One line, in which no number is parted from its unit."""
    return re.sub(r"(?<=\d) (?=[kMB%](?!\w))", "\u00a0", " ".join(text.split()))


def as_json(value: Any) -> Any:
    """The value as JSON has it; fractions to four digits, cut and not rounded: what is not 1 never reads as 1."""
    if isinstance(value, float | Decimal):
        exact = f.number(value)
        if exact is None:
            return None
        return int(exact) if exact == int(exact) else float(exact.quantize(Decimal("1e-4"), ROUND_DOWN))
    return value if value is None or isinstance(value, bool | int | str) else str(value)
