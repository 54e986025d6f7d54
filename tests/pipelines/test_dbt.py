"""dbt in this process: when the project is parsed again."""

import json
import os

import pytest

from pipelines import dbt
from pipelines.settings import load_settings


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A file of a project, and the times that dbt is asked to parse it."""
    file = tmp_path / "project" / "models" / "one.sql"
    file.parent.mkdir(parents=True)
    file.write_text("select 1 as one")
    parsed: list = []
    monkeypatch.setattr(dbt, "DBT_PROJECT", tmp_path / "project")
    monkeypatch.setattr(dbt, "_run", lambda settings, args: parsed.append(args))
    return file, parsed, load_settings(PACELINE_DATA_DIR=tmp_path / "data")


def test_the_project_is_parsed_once_and_again_for_other_files_also_when_these_are_older(project):
    file, parsed, settings = project
    for _ in range(2):
        dbt.manifest_path(settings)
    assert len(parsed) == 1

    file.write_text("select 2 as one")
    os.utime(file, (0, 0))  # as in an image that was made before the one that runs now
    for _ in range(2):
        dbt.manifest_path(settings)

    assert len(parsed) == 2


def test_a_project_that_has_moved_is_parsed_whole_for_its_seeds_are_read_from_where_they_are_now(tmp_path, monkeypatch):
    settings = load_settings(PACELINE_DATA_DIR=tmp_path / "data")
    for place in ("before", "now"):
        project = tmp_path / place
        (project / "seeds").mkdir(parents=True)
        (project / "seeds" / "one.csv").write_text("id\n1\n")
        (project / "dbt_project.yml").write_text("name: one\nprofile: paceline\nconfig-version: 2\n")
        (project / "profiles.yml").write_text((dbt.DBT_PROJECT / "profiles.yml").read_text())
    for place in ("before", "now"):
        with monkeypatch.context() as patched:
            patched.setattr(dbt, "DBT_PROJECT", tmp_path / place)
            manifest = json.loads(dbt.manifest_path(settings).read_text())

    assert manifest["nodes"]["seed.one.one"]["root_path"] == str(tmp_path / "now")


def test_another_dbt_parses_the_project_again(project, monkeypatch):
    _, parsed, settings = project
    dbt.manifest_path(settings)
    monkeypatch.setattr(dbt, "version", lambda package: "9")

    dbt.manifest_path(settings)

    assert len(parsed) == 2
