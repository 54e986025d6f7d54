"""dbt models without dbt: their own SQL over tables of the same name, for what is measured or back-tested."""

from pathlib import Path

import yaml
from jinja2 import Environment

from pipelines.settings import DBT_PROJECT

# What models call; how dbt makes tables of them stands below, in macros/materializations.
MACROS = "".join(path.read_text() for path in sorted(DBT_PROJECT.glob("macros/*.sql")))
VARS = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())["vars"]


def path_of(name: str) -> Path:
    """The file of a model."""
    (path,) = DBT_PROJECT.glob(f"models/**/{name}.sql")
    return path


def rendered(path: Path) -> tuple[str, bool, set[str]]:
    """A model's SQL, whether it is a view, and which models it reads."""
    parents, settings = set(), {}
    sql = Environment().from_string(MACROS + path.read_text()).render(
        ref=lambda name: parents.add(name) or name, source="{}.{}".format, is_incremental=lambda: False,
        config=lambda **given: settings.update(given) or "", this=path.stem, var=VARS.__getitem__,
    )  # fmt: skip
    default = "view" if "staging" in path.parts else "table"  # as dbt_project.yml says
    return sql, settings.get("materialized", default) == "view", parents
