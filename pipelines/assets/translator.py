"""How the dbt project looks in Dagster: groups, owners, the names and words of checks, columns with their origins."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from pipelines import columns
from pipelines.assets.groups import GROUP_OF
from pipelines.settings import Settings

NOTHING_IS_PUBLISHED = "Until then nothing is published, and the last good numbers stay."
MOST_ORIGINS = 6  # named in words; the column lineage holds all


class Translator(DagsterDbtTranslator):
    """Names, owners and words of dbt models in Dagster; types and origins of columns as the last build knew them."""

    def __init__(self, settings: Settings, manifest: Mapping[str, Any]):
        super().__init__(
            DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True, enable_code_references=True)
        )
        self._types = columns.types_of(settings)
        self._origins = columns.origins_of(settings)
        nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
        self._keys = {_relation(node): self.get_asset_key(node) for node in nodes if node.get("relation_name")}

    def get_owners(self, dbt_resource_props: Any) -> list[str]:
        """The data team owns every model."""
        return ["team:data"]

    def get_description(self, dbt_resource_props: Any) -> str:
        """The words alone; the SQL is one click away, under Source code."""
        return dbt_resource_props["description"]

    def get_group_name(self, dbt_resource_props: Any) -> str:
        """The layer: the folder that the model stands in; seeds are read by intermediate models."""
        folders = Path(dbt_resource_props["original_file_path"]).parts
        return next((GROUP_OF[folder] for folder in folders if folder in GROUP_OF), GROUP_OF["intermediate"])

    def get_metadata(self, dbt_resource_props: Any) -> Mapping[str, Any]:
        """The columns with the types that the last build gave them, and what each is made of."""
        described, relation = dbt_resource_props.get("columns", {}), _relation(dbt_resource_props)
        types = self._types.get(relation, {})
        origins = {
            # Some sources of dbt are one asset.
            column: list(dict.fromkeys((self._keys[parent], name) for parent, name in found if parent in self._keys))
            for column, found in self._origins.get(relation, {}).items()
        }
        metadata = dict(super().get_metadata(dbt_resource_props))
        metadata["dagster/column_schema"] = dg.TableSchema(
            [
                dg.TableColumn(
                    name,
                    types.get(name, "?"),
                    description=_with_origins(described.get(name, {}).get("description", ""), origins.get(name, [])),
                )
                for name in types or described
            ]
        )
        if origins:
            metadata["dagster/column_lineage"] = dg.TableColumnLineage(
                {column: [dg.TableColumnDep(*one) for one in found] for column, found in origins.items()}
            )
        return metadata

    def get_asset_check_spec(self, asset_spec: Any, manifest: Any, unique_id: str, project: Any) -> Any:
        """A check says what to do when it fails."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec._replace(description=what_to_do(manifest["nodes"][unique_id])) if spec else None


def name_checks(manifest: Mapping[str, Any]) -> None:
    """Give dbt's tests short names for the UI, in place: `grain`, `accepted_values_status`; nothing that is twice."""
    tests = {one_id: node for one_id, node in manifest["nodes"].items() if node["resource_type"] == "test"}
    names = {one_id: _short(node) for one_id, node in tests.items()}
    count = Counter((node.get("attached_node"), names[one_id]) for one_id, node in tests.items())
    for one_id, node in tests.items():
        if count[node.get("attached_node"), names[one_id]] == 1:
            node["name"] = names[one_id]


def what_to_do(test: Mapping[str, Any]) -> str:
    """What a dbt test asks, and who does what when it fails."""
    if test.get("description"):
        return test["description"]
    generic = test.get("test_metadata") or {}
    given = generic.get("kwargs", {})
    arguments = given.get("arguments", given)
    if generic.get("name") == "grain":
        columns_of_row, filled = arguments.get("columns", []), arguments.get("not_null", [])
        asked = [f"One row per {', '.join(columns_of_row)}"] if columns_of_row else []
        asked += [f"never empty: {', '.join(filled)}"] if filled else []
        return (
            "; ".join(asked)
            + ". If it fails, look for two rows of an org CSV that hold on the same day and end one of them; where "
            f"there are none, a developer must look at the model. {NOTHING_IS_PUBLISHED}"
        )
    if generic.get("name") == "accepted_values":
        return (
            f"{test['column_name']} is one of: {', '.join(map(str, arguments['values']))}. If it fails, "
            "correct the org CSV that the word stands in, or a developer must teach the model the new word. "
            + NOTHING_IS_PUBLISHED
        )
    return ""


def _short(test: Mapping[str, Any]) -> str:
    generic = test.get("test_metadata")
    if generic:
        return "_".join(filter(None, [generic["name"], test.get("column_name")]))
    return re.sub("^assert_", "", test["name"])


def _relation(node: Mapping[str, Any]) -> str:
    """schema.table of a model, seed or source."""
    return f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}"


def _with_origins(description: str, origins: list[tuple[dg.AssetKey, str]]) -> str:
    """Dagster's open-source UI draws no column lineage, so the words say it."""
    if not origins:
        return description
    named = [f"{key.path[-1]}.{column}" for key, column in origins[:MOST_ORIGINS]]
    more = f" and {len(origins) - MOST_ORIGINS} more" if len(origins) > MOST_ORIGINS else ""
    return f"{description} ← {', '.join(named)}{more}".strip()
