"""Imports point one way, models never read a later layer, and nothing knows more than it should."""

import ast
import json
from pathlib import Path

import pytest

from pipelines import dbt
from pipelines.settings import ROOT, load_settings

OURS = {"alerts", "connectors", "pipelines"}
MAY_IMPORT = {"alerts": {"alerts"}, "connectors": {"connectors"}, "pipelines": OURS}
# What only one room may know.
BANNED = {"alerts": {"dagster", "duckdb", "dbt"}, "connectors": {"dagster", "dbt", "slack_sdk"}}
LAYERS = ["staging", "intermediate", "core", "ops", "plan", "alerts"]


def imports(path: Path) -> set[str]:
    """Top-level names of everything a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("room", sorted(OURS))
def test_imports_point_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        found = imports(path)
        assert found & OURS <= MAY_IMPORT[room], path
        assert not found & BANNED.get(room, set()), path


def test_models_never_read_a_later_layer(tmp_path):
    settings = load_settings(PACELINE_DATA_DIR=tmp_path)
    manifest = json.loads(dbt.manifest_path(settings).read_text())
    layer = {
        name: LAYERS.index(node["fqn"][-2] if node["fqn"][1] == "marts" else node["fqn"][1])
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }

    climbing = [
        (name, parent)
        for name in layer
        for parent in manifest["nodes"][name]["depends_on"]["nodes"]
        if parent in layer and layer[parent] > layer[name]
    ]

    assert climbing == []
