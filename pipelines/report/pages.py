"""The page: what the exhibits answer, in one HTML file that loads nothing and runs no script but its own.

Names come from outside: they are escaped as text and as JSON, and no script runs whose hash the page does not name.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from alerts import _format as f
from pipelines.lake import beside
from pipelines.publish import read_warehouse, rows_of
from pipelines.report.exhibits import Answer, Exhibit, all_exhibits, answer, kind_of
from pipelines.settings import Settings

HERE = Path(__file__).parent
SCRIPTS = ("vendor/vega.min.js", "vendor/vega-lite.min.js", "vendor/vega-embed.min.js", "page.js")
TEMPLATES = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)

AS_OF = "select max(as_of_date) as as_of_date from plan.cap_utilization"
TEAMS = """
    select team_id, name from core.dim_teams
    where team_id in (from (select team_id from plan.cap_utilization union select team_id from core.team_monthly))
    order by lower(name), team_id"""


def write_report(settings: Settings) -> Path:
    """Write the page of the published warehouse in place of the last one; its path."""
    with read_warehouse(settings.warehouse_file) as db:
        written = html(db, datetime.fromtimestamp(settings.warehouse_file.stat().st_mtime, UTC), settings.timezone)
    with beside(settings.report_file) as draft:
        draft.write_text(written, encoding="utf-8")
    return settings.report_file


def html(db: duckdb.DuckDBPyConnection, published_at: datetime, timezone: str) -> str:
    """The page as text."""
    (known,) = rows_of(db, AS_OF)
    teams = rows_of(db, TEAMS)
    asked = [(exhibit, answer(db, exhibit)) for exhibit in all_exhibits()]
    scripts = [_script(HERE / name) for name in SCRIPTS]
    return TEMPLATES.get_template("page.html").render(
        as_of=known["as_of_date"],
        published_at=published_at,
        timezone=timezone,
        teams=[(number, f.plain(team["name"] or team["team_id"])) for number, team in enumerate(teams)],
        sections=[(title, list(parts)) for title, parts in groupby(asked, lambda one: one[0].section)],
        style=Markup((HERE / "page.css").read_text()),
        scripts=[Markup(script) for script in scripts],
        policy=_policy(scripts),
        data=htmlsafe_json_dumps(_data([team["team_id"] for team in teams], asked), json.dumps, separators=(",", ":")),
        day=f.day,
        month=f.month_name,
        anchor=lambda title: "part-" + re.sub(r"[^a-z0-9]+", "-", title.lower()),
    )  # fmt: skip


def _data(teams: list[str], asked: list[tuple[Exhibit, Answer]]) -> dict[str, Any]:
    """What page.js works with; an entry for each exhibit."""
    return {
        "teams": teams,
        "exhibits": {
            exhibit.name: {
                "filter": exhibit.filter,
                "open": exhibit.open,
                "missing": exhibit.missing,
                "columns": _labelled(exhibit.columns),
                "tiles": _labelled(exhibit.tiles),
                "fields": found.fields,
                **_shortened(found),
                "findings": [[team, words, found.tiles[team]] for team, words in found.findings.items()],
                "chart": exhibit.chart,
                "chartRows": exhibit.chart_rows,
                "chartWhere": exhibit.chart_where,
            }
            for exhibit, found in asked
        },
    }


def _shortened(found: Answer) -> dict[str, Any]:
    """The rows, with numbers in place of the texts of columns in which the same ones stand again and again."""
    texts: dict[str, list[str]] = {}
    rows = [list(row) for row in found.rows]
    for at, name in enumerate(found.fields):
        values = {row[at] for row in rows} - {None}
        if all(isinstance(value, str) for value in values) and 2 * len(values) < len(rows):
            texts[name] = sorted(values)
            number = {value: place for place, value in enumerate(texts[name])}
            for row in rows:
                row[at] = number.get(row[at])
    return {"rows": rows, "texts": texts}


def _labelled(columns: Mapping[str, str]) -> list[list[str]]:
    return [[name, label, kind_of(name)] for name, label in columns.items()]


def _script(path: Path) -> str:
    # A map would be asked for by a browser's developer tools.
    return re.sub(r"\n//# sourceMappingURL=.*", "", path.read_text(encoding="utf-8"))


def _policy(scripts: list[str]) -> str:
    """The page's Content-Security-Policy: our scripts by their hashes, styles, and nothing from anywhere."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
