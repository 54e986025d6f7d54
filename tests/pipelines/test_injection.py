"""Names from outside stay names: in SQL, templates, paths, spreadsheets, pages, messages and on the terminal."""

import base64
import csv
import io
import json
import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from connectors import org
from pipelines.console import visible
from pipelines.proposals import propose_org
from pipelines.settings import load_settings
from tests.hostile import DAYS, NAMES, TEAMS
from tests.pages import UNFOLD, shown
from tests.runs import rows

FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]")
SEEN = ("text", "alt_text", "title", "elements", "fields", "accessory", "placeholder", "options")
NUMBER = re.compile(r"-?[\d.]+")


def sheets(hostile) -> list[str]:
    """The text of every CSV that Slack was given."""
    files = [file for file in hostile.slack.files.values() if file["name"].endswith(".csv")]
    return [file["content"].decode() for file in files if file["content"]]


def texts(part) -> list[str]:
    """Every text of blocks that people see; Slack's client sends them as JSON."""
    if isinstance(part, dict):
        return [text for name, inner in part.items() if name in SEEN for text in texts(inner)]
    if isinstance(part, list):
        return [text for inner in part for text in texts(inner)]
    if isinstance(part, str) and part.startswith("[{"):
        return texts(json.loads(part))
    return [part] if isinstance(part, str) else []


def test_every_name_is_kept_as_it_is_and_everything_counts(hostile):
    # 15 tokens a call, a call a day.
    found = rows(hostile.data_dir, "select developer_id, sum(total_tokens) from core.developer_daily group by 1")
    assert sorted(found) == sorted((name, DAYS * 15) for name in NAMES)
    assert rows(hostile.data_dir, "select count(*) from ops.quarantine") == [(0,)]
    tasks = rows(hostile.data_dir, "select count(distinct task_id), count(distinct task_type) from core.task_usage")
    assert tasks == [(len(NAMES), len(NAMES))]
    teams = rows(hostile.data_dir, "select team_id, name from core.dim_teams where team_id != 'unattributed'")
    assert sorted(teams) == sorted(zip(TEAMS, NAMES, strict=False))


def test_nothing_is_written_beside_what_paceline_writes(hostile):
    place = hostile.data_dir.parent
    assert {path.name for path in place.iterdir()} == {"data", "org", "logs"}
    assert {path.name for path in place.parent.iterdir()} == {place.name, "service_account.json"}
    usual = re.compile(r"[A-Za-z0-9=._~+-]+")
    assert [path for path in hostile.data_dir.rglob("*") if not usual.fullmatch(path.name)] == []
    assert [path for path in hostile.data_dir.rglob("*") if path.name.startswith("pwned")] == []


def test_the_query_of_an_alert_is_one_query_and_finds_only_what_it_is_about(hostile):
    file = str(hostile.data_dir / "warehouse.duckdb")
    with duckdb.connect(file, read_only=True, config={"enable_external_access": False}) as db:
        due = db.execute("select scope, scope_id, query from alerts.alerts_due where query is not null").fetchall()
        due += db.execute("select scope, scope_id, query from alerts.plans_due where query is not null").fetchall()
        assert {name for _, name, _ in due} >= {*NAMES, *TEAMS}
        for scope, scope_id, query in due:
            assert len(duckdb.extract_statements(query)) == 1, query
            cursor = db.execute(query)
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                told = dict(zip(names, row, strict=True))
                if scope in ("developer", "team") and "scope" in told and told["scope"] == scope:
                    assert told["scope_id"] == scope_id, query


def test_messages_mention_nobody_and_link_nowhere(hostile):
    assert len(hostile.slack.messages) > 10
    said = [text for message in hostile.slack.messages for text in texts([message["text"], message.get("blocks")])]
    assert len(said) > 100
    assert [text for text in said if re.search(r"<(!|@U0LEAD|https?:|#)", text)] == []


def test_no_cell_of_a_sheet_is_a_formula_whatever_separates_its_cells(hostile):
    assert sheets(hostile)
    cells = [
        cell
        for sheet in sheets(hostile)
        for mark in ",;\t"
        for row in csv.reader(io.StringIO(sheet), delimiter=mark)
        for cell in row
    ]
    assert [cell for cell in cells if FORMULA.match(cell) and not NUMBER.fullmatch(cell.split(",")[0])] == []
    assert "'=cmd|'/C calc'!A0" in cells


def test_proposed_org_files_hold_no_formula_and_give_back_the_names(hostile, tmp_path):
    with duckdb.connect(str(hostile.data_dir / "warehouse.duckdb"), read_only=True) as db:
        written, _ = propose_org(db, tmp_path)
    for path in written:
        with path.open(newline="") as file:
            assert [cell for row in csv.reader(file) for cell in row if FORMULA.match(cell)] == [], path

    tables = org.read_org(tmp_path)

    # Text of several lines is one cell, whose ends of lines a CSV keeps.
    assert set(tables["developers"]["developer_id"]) == {name.strip() for name in NAMES}
    assert set(tables["teams"]["team_id"]) >= set(TEAMS)


def test_names_of_files_are_plain_and_short(hostile):
    names = [file["name"] for file in hostile.slack.files.values()]
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9._-]{1,120}", name)] == []
    longest = max((path.name for path in (hostile.data_dir / "preview").iterdir()), key=len)
    assert len(longest.encode()) <= 230  # beside it a draft with a longer name is written first


def test_the_preview_has_no_tags_but_its_own(hostile):
    class Tags(HTMLParser):
        found: set = set()

        def handle_starttag(self, tag, attrs):
            self.found |= {tag, *(name for name, _ in attrs if name.startswith("on"))}

    Tags().feed((hostile.data_dir / "preview" / "index.html").read_text())
    assert {"article", "pre"} <= Tags.found
    assert Tags.found.isdisjoint({"script", "onerror", "iframe", "object", "link"})


def test_the_report_has_no_tags_but_its_own_and_keeps_the_names_as_they_are(hostile):
    class Tags(HTMLParser):
        found: list = []
        handlers: set = set()

        def handle_starttag(self, tag, attrs):
            self.found.append(tag)
            self.handlers |= {name for name, value in attrs if name.startswith("on") or "javascript:" in (value or "")}

    page = (hostile.data_dir / "report.html").read_text()
    Tags().feed(page)
    assert Tags.found.count("script") == 5  # rows, three libraries, page.js
    assert {"img", "iframe", "object", "link", "form", "base"}.isdisjoint(Tags.found)
    assert Tags.handlers == set()
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])
    assert set(data["teams"]) == set(TEAMS)
    assert {name for name, *_ in data["exhibits"]["22_developers"]["findings"]} == {None, *TEAMS}


def test_in_the_report_names_are_text_and_do_nothing(hostile, browser):
    with shown(browser, Path(hostile.data_dir / "report.html")) as seen:
        seen.page.evaluate(UNFOLD)
        assert seen.asked == [(hostile.data_dir / "report.html").as_uri()]
        assert seen.complaints == []
        people = seen.page.locator("[data-exhibit='22_developers'] tbody td:first-child").all_text_contents()
        assert len(people) == 10
        assert {name for name in people if name not in NAMES} == set()
        for number, team in enumerate(seen.page.evaluate("PAGE.teams")):
            seen.page.select_option("#team", str(number))
            their = seen.page.locator("[data-exhibit='22_developers'] tbody td:nth-child(2)").all_text_contents()
            assert set(their) == {team}
        assert seen.complaints == []
        assert seen.is_within_its_width


def test_names_do_not_steer_the_terminal_and_forge_no_lines(hostile):
    assert "\\x1b[31mred" in hostile.printed
    assert visible(hostile.printed) == hostile.printed
    # A text of several lines has as many in a query, too; queries are set in.
    assert not re.search(r"^ {0,3}FORGED", hostile.printed, re.MULTILINE)


def test_what_dagster_keeps_is_text_and_its_markdown_our_own_pictures(hostile):
    kinds, pictures = set(), []
    for file in (hostile.data_dir / "dagster" / "history" / "runs").glob("*.db"):
        with sqlite3.connect(file) as db:
            for (event,) in db.execute("select event from event_logs"):
                kinds |= set(re.findall(r'"__class__": "(\w+)Metadata(?:EntryData|Value)"', event))
                pictures += re.findall(r'"md_str": "([^"]*)"', event)
    assert kinds <= {"Text", "Int", "Float", "Bool", "PythonArtifact", "Timestamp", "Table", "Markdown"}
    assert "Text" in kinds
    assert pictures
    for markdown in pictures:
        picture = re.fullmatch(r"!\[[\w %,.'-]+\]\(data:image/svg\+xml;base64,([\w+/=]+)\)", markdown)
        elements = ElementTree.fromstring(base64.b64decode(picture[1])).iter()
        assert {one.tag.partition("}")[2] for one in elements} <= {"svg", "rect", "text", "line", "path"}


@pytest.mark.parametrize("sign", list("*?[\\#%"))
def test_a_folder_whose_name_means_something_else_to_a_library_is_refused(tmp_path, sign):
    for variable in ("PACELINE_DATA_DIR", "PACELINE_LAKE"):
        with pytest.raises(ValueError, match="rename the folder"):
            load_settings(**{variable: str(tmp_path / f"a{sign}b")})
