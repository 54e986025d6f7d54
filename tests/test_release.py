"""What a release needs: a changelog that names what moves, one version, fixtures of earlier ones, a licence."""

import json
import re
import tomllib

from pipelines.dbt import manifest_path
from pipelines.settings import ROOT, load_settings
from tests.gateway import DATA
from tests.runs import parsed_project

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SECTIONS = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]


def parts(section: str) -> dict[str, str]:
    """Title -> text of a section's parts."""
    _, *found = re.split(r"^### ", section, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in found}


def test_the_changelog_begins_with_what_is_not_released_and_each_release_has_a_version_and_a_day():
    first, *released = [section.partition("\n")[0] for section in SECTIONS]

    assert first == "Unreleased"
    assert [title for title in released if not re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}", title)] == []
    assert released == [] or released[0].partition(" ")[0] == PROJECT["version"]


def test_every_part_of_the_changelog_has_entries():
    for section in SECTIONS:
        for title, text in parts(section).items():
            assert title in ("Added", "Changed", "Fixed", "Removed", "Numbers that move"), title
            assert re.findall(r"^- \S", text, re.MULTILINE), title


def test_the_relations_whose_numbers_move_exist():
    known = json.loads(manifest_path(load_settings(PACELINE_DATA_DIR=parsed_project().name)).read_text())
    relations = {f"{node['schema']}.{node['name']}" for node in known["nodes"].values() if "schema" in node}
    moved = re.findall(r"`((?:core|plan|alerts|ops)\.\w+)", parts(SECTIONS[0])["Numbers that move"])

    assert len(moved) > 5
    assert set(moved) <= relations


def test_every_archive_of_an_earlier_version_is_described():
    archives = {file.name for file in (DATA / "releases").glob("*.tar.xz")}

    assert set(re.findall(r"^- `([\w.-]+)`", (DATA / "releases" / "README.md").read_text(), re.MULTILINE)) == archives
    assert archives


def test_the_licence_is_the_one_that_the_package_names():
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
