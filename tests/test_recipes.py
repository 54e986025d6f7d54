"""CONTRIBUTING's recipes, followed to the letter in a copy of the tree: the project's own checks pass afterwards."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pipelines.settings import ROOT
from tests.runs import NEUTRAL

BIN = Path(sys.executable).parent


class Step(NamedTuple):
    """A block of the page: what to write to a file, or as a diff what to add to it."""

    file: str
    language: str
    text: str


def steps() -> list[Step]:
    """Every block that names its file in the paragraph before it."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    found = []
    for before, language, text in re.findall(r"([^\n]+(?:\n[^\n]+)*):\n\n```(\w+)\n(.*?)```", page, re.DOTALL):
        if names := re.findall(r"`([\w.]*[./][\w./-]*)`", before):
            found.append(Step(names[-1], language, text))
    return found


def added(text: str, diff: str) -> str:
    """The text with the lines of a diff whose other lines stand in it once. Raises ValueError where they do not."""
    lines, there = diff.splitlines(), text.splitlines()
    known = [line[1:] for line in lines if not line.startswith("+")]
    places = [at for at in range(len(there)) if there[at : at + len(known)] == known]
    if len(places) != 1:
        raise ValueError("\n".join(["these lines have to stand there once:", *known]))
    there[places[0] : places[0] + len(known)] = [line[1:] for line in lines]
    return "".join(f"{line}\n" for line in there)


def follow(tree: Path) -> list[str]:
    """Carry out every step; the files that were written or changed."""
    for step in steps():
        file = tree / step.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(added(file.read_text(), step.text) if step.language == "diff" else step.text)
    return sorted({step.file for step in steps()})


def in_tree(tree: Path, *words: str, **variables: str) -> None:
    """Run a command in the copy. Fails with what it said."""
    env = {name: os.environ[name] for name in NEUTRAL if name in os.environ} | {"PYTHONPATH": str(tree)} | variables
    done = subprocess.run([BIN / words[0], *words[1:]], cwd=tree, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-5000:]}\n{done.stderr[-3000:]}"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the tree in which the recipes were followed."""
    tree = tmp_path_factory.mktemp("recipes")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    follow(tree)
    in_tree(tree, "python", "-m", "docs.write")
    in_tree(
        tree, "python", "-m", "pytest", "-n", "0", "-k", "idle_team", "tests/alerts/test_golden.py", RENEW_GOLDEN="1"
    )
    return tree


def test_the_recipes_are_a_source_a_mart_and_an_alert():
    files = [step.file for step in steps()]

    assert len(files) >= 18
    for file in ("connectors/example.py", "dbt_project/models/marts/core/team_days.sql", "alerts/idle_team.py"):
        assert file in files
        assert not (ROOT / file).exists()


def test_what_the_recipes_write_is_in_the_project_s_style(tree):
    files = sorted({step.file for step in steps()})
    python = [file for file in files if file.endswith(".py")]

    in_tree(tree, "ruff", "check", *python)
    in_tree(tree, "ruff", "format", "--check", *python)
    in_tree(tree, "sqlfluff", "lint", "--disable-progress-bar", *[file for file in files if file.endswith(".sql")])


def test_the_new_source_and_the_new_alert_keep_the_contracts(tree):
    in_tree(
        tree, "python", "-m", "pytest", "-n", "0", "-k", "example or idle_team or one_way or later_layer or rights",
        "tests/connectors/test_example.py", "tests/pipelines/test_loading_api.py", "tests/alerts/test_golden.py",
        "tests/test_architecture.py", "tests/test_security.py",
    )  # fmt: skip


def test_all_of_it_runs_counts_and_is_documented(tree, is_long):
    if not is_long:
        pytest.skip("two minutes: make recipes")
    in_tree(
        tree, "python", "-m", "pytest", "-n", "0",
        "tests/pipelines/test_daily_run.py", "tests/dbt_project", "tests/test_docs.py",
    )  # fmt: skip


def test_a_diff_finds_its_place_or_says_which_lines_are_missing():
    assert added("a\nb\nc\n", " b\n+new\n") == "a\nb\nnew\nc\n"
    assert added("a\nb\nc\n", "+new\n a\n") == "new\na\nb\nc\n"
    with pytest.raises(ValueError, match="stand there once:\nx"):
        added("a\nb\n", " x\n+new\n")
    with pytest.raises(ValueError, match="once"):
        added("a\na\n", " a\n+new\n")
