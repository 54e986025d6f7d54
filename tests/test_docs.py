"""The pages say what the code does: what they take from it is up to date; what they show exists, runs, answers so."""

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import alerts
from connectors import discover
from docs import answers, write
from docs.site_links import OUTSIDE
from pipelines import cli
from pipelines.dbt import manifest_path
from pipelines.jobs import jobs
from pipelines.publish import read_warehouse
from pipelines.settings import ROOT, Settings, load_settings
from tests.runs import parsed_project, rows

PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / path for path in OUTSIDE)])
CHEAP = ("query", "estimate", "sources")  # and read the warehouse only


def text_of(pages: list[Path]) -> str:
    return "\n".join(page.read_text() for page in pages)


def lines_shown() -> list[tuple[str, str]]:
    """(page, command) of every line in a shell block and every inline `paceline ...` and `make ...`."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            # A query may go over several lines.
            block = re.sub(r'"[^"]*"', lambda quoted: quoted[0].replace("\n", " "), block)
            found += [(page.name, line.strip()) for line in block.splitlines()]
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        found += [(page.name, code) for code in re.findall(r"`((?:paceline|make|python -m) [^`]+)`", outside)]
    return found


def commands_shown(of: str) -> list[tuple[str, list[str]]]:
    """(page, words after the command's name) of every command of this name that a page shows."""
    found = []
    for page, line in lines_shown():
        if is_this := re.match(rf"(?:\w+=\S+ )*(?:\.venv/bin/)?{of}\s(.*)", line, re.DOTALL):
            words = shlex.split(is_this[1], comments=True)
            found.append((page, words[: words.index(">")] if ">" in words else words))
    return found


# --- From the code ----------------------------------------------------------------------------------------------------


def test_what_the_pages_take_from_the_code_is_as_the_code_is():
    known = json.loads(manifest_path(load_settings(PACELINE_DATA_DIR=parsed_project().name)).read_text())

    stale = [path.name for path, text in write.made(known).items() if path.read_text() != text]

    assert stale == [], "run: python -m docs.write"


@pytest.mark.parametrize("page", [page for page in answers.PAGES if "```sql" in page.read_text()], ids=lambda p: p.stem)
def test_every_query_of_a_page_answers_as_it_stands_there(page, example):
    with read_warehouse(example / "warehouse.duckdb") as db:
        text = answers.with_answers(page.read_text(), db, with_bills=False)

    assert page.read_text() == text, "run: make answers"


def test_a_formula_worked_by_hand_gives_the_number_of_the_mart():
    text = (ROOT / "docs" / "numbers.md").read_text()
    pairs = 0
    for found in answers.answered(text):
        cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in (found["table"] or "").splitlines()]
        names, lines = (cells[0], cells[2:]) if cells else ([], [])
        for by_hand in [name for name in names if name.endswith("by_hand")]:
            place = names.index(by_hand)
            stem = by_hand.removesuffix("_by_hand")
            for line in lines:
                others = [value for name, value in zip(names, line, strict=True) if name != by_hand]
                assert line[place] in others, (stem, line)
                pairs += 1

    assert pairs >= 20


def test_everything_that_has_a_name_is_on_a_page(example):
    pages = text_of(PAGES)
    relations = [
        f"{schema}.{name}"
        for schema, name in rows(
            example,
            """
            select schema_name, table_name from duckdb_tables() where schema_name in ('core', 'plan', 'alerts', 'ops')
            union all
            select schema_name, view_name from duckdb_views() where schema_name in ('core', 'plan', 'alerts', 'ops')""",
        )
    ]
    sources = [source.title for source in discover() if source.name != "generic_jsonl"]
    names = {
        "relation": relations,
        "feed": [feed.table for source in discover() for feed in source.feeds],
        "source": [title.split()[0] for title in sources],
        "variable": variables(),
        "command": [f"paceline {name}" for name in cli.commands.commands],
        "job": [job.name for job in jobs()],
        "target": [f"make {name}" for name in targets() - {"help", "clean", "lock"}],
    }

    missing = {
        kind: [name for name in of if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.]*\w)", pages)]
        for kind, of in names.items()
    }

    assert {kind: of for kind, of in missing.items() if of} == {}
    assert len(relations) > 70


def test_every_kind_of_alert_has_its_row_on_the_page_of_alerts():
    kinds = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE)

    assert sorted(kinds) == sorted(alerts.discover())


def variables() -> list[str]:
    """Every variable that the code or .env.example knows."""
    of_feeds = {name for source in discover() for feed in source.feeds for names in feed.needs for name in names}
    of_apis = {
        name
        for source in discover()
        for feed in source.feeds
        if (api := getattr(feed, "api", None))
        for name in (api.base_url_variable, api.key_variable)
        if name
    }
    of_settings = {field.validation_alias or field.alias for field in Settings.model_fields.values()} - {None}
    of_example = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert len(of_settings) > 8
    return sorted(of_feeds | of_apis | {str(name) for name in of_settings} | of_example)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


# --- Links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(target)

    assert lost == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges and the site make them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip()) for title in titles}


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    done = subprocess.run(
        [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT, capture_output=True, text=True, env={"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert (done.returncode, done.stderr.strip()) == (0, "")
    built = sorted((tmp_path / "site").glob("*.html"))
    assert len(built) >= len(PAGES)
    elsewhere = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=["']?https?:""")
    assert [page.name for page in built if elsewhere.search(page.read_text())] == []


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_every_paceline_command_that_is_shown_exists_with_these_options():
    shown = commands_shown("paceline")
    wrong = []
    for page, words in shown:
        try:
            parse(words)
        except click.ClickException as error:
            wrong.append((page, " ".join(words), error.format_message()))

    assert wrong == []
    assert len(shown) > 60


def parse(words: list[str]) -> None:
    """Raises click.ClickException for a command that does not exist so. Brackets say what may be left out."""
    name, *args = [word.strip("[]|") for word in words if word != "|"]
    command = cli.commands.get_command(click.Context(cli.commands), name)
    if command is None:
        raise click.UsageError(f"no command {name}")
    context = click.Context(command, info_name=name)
    _, left, _ = command.make_parser(context).parse_args(list(args))
    if left:
        raise click.UsageError(f"too many words: {left}")


def test_every_make_target_and_module_that_is_shown_exists():
    wrong = [(page, words) for page, words in commands_shown("make") if words and words[0] not in targets()]
    for page, words in [*commands_shown("python"), *commands_shown("python3")]:
        if words[0] == "-m" and importlib.util.find_spec(words[1]) is None:
            wrong.append((page, words))

    assert wrong == []
    assert len(commands_shown("make")) > 10


def is_whole(words: list[str]) -> bool:
    """Whether a shown command can be run: neither a usage with brackets nor a mention without its query or numbers."""
    if any("[" in word for word in words):
        return False
    needed = {"query": r"\bfrom\b", "estimate": r"\d", "sources": ""}[words[0]]
    return re.search(needed, " ".join(words)) is not None


def test_every_cheap_command_that_is_shown_runs_on_the_example_company(example, monkeypatch):
    monkeypatch.setenv("PACELINE_DATA_DIR", str(example))
    shown = {tuple(words) for _, words in commands_shown("paceline") if words[0] in CHEAP and is_whole(words)}
    failed = []
    for words in sorted(shown):
        done = CliRunner().invoke(cli.commands, list(words))
        if done.exit_code:
            failed.append((" ".join(words), done.output))

    assert failed == []
    assert len(shown) >= 8
