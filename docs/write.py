"""Writes what the pages take from the code: tables between markers, and the drawing of the data flow.

`python -m docs.write` writes them anew; tests/test_docs.py fails where they are not as the code is. Answers of queries
are another matter, for they need a warehouse: tests/answers.py.
"""

import csv
import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from html import escape
from pathlib import Path

from connectors import discover, org
from connectors._contract import ApiFeed, Feed, in_words
from pipelines import dbt
from pipelines.settings import DBT_PROJECT, ROOT, load_settings

LAYERS = {
    "staging": "makes a call count",
    "intermediate": "one row per day, caller, model, task",
    "core": "use, bills, people, prices",
    "ops": "how the pipeline is",
    "plan": "what it means and what to do",
    "alerts": "what to tell",
}
DRAWING = ROOT / "docs" / "images" / "data_flow.svg"
WIDTH, LINE, COLUMNS = 900, 17, 4  # of the drawing and of a line, in pixels; of names in a band


def manifest() -> dict:
    """What dbt knows of the project."""
    with tempfile.TemporaryDirectory() as folder:
        return json.loads(dbt.manifest_path(load_settings(PACELINE_DATA_DIR=folder)).read_text())


def made(known: Mapping) -> dict[Path, str]:
    """File -> its text with everything as the code is now. `known` is dbt's manifest."""
    parts = {
        "sources.md": {"feeds": feeds_table(), "addresses": addresses()},
        "numbers.md": {"assumptions": assumptions_table()},
        "org.md": {"org": org_table()},
        "relations.md": {schema: relations_table(known, schema) for schema in ("core", "plan", "alerts", "ops")},
    }
    pages = {}
    for page, tables in parts.items():
        file = ROOT / "docs" / page
        text = file.read_text()
        for name, table in tables.items():
            between = re.compile(rf"(<!-- made by docs/write\.py: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            text, count = between.subn(lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}", text)
            if count != 1:
                raise ValueError(f"{file} needs one pair of markers for {name}; it has {count}")
        pages[file] = text
    return pages | {DRAWING: drawing(known)}


# --- Tables -----------------------------------------------------------------------------------------------------------


def feeds_table() -> str:
    """Every feed: what configures it, and for how many days a finished day is read again."""
    lines = ["| feed | what it gives | configured by | restated days |", "|---|---|---|---|"]
    for source in discover():
        for feed in source.feeds:
            lines.append(f"| `{feed.table}` | {_cell(feed.description)} | {_variables(feed)} | {_restated(feed)} |")
    return "\n".join(lines) + "\n"


def addresses() -> str:
    """The variables that give an API another address, for proxies and tests."""
    apis = [feed.api for source in discover() for feed in source.feeds if isinstance(feed, ApiFeed)]
    lines = ["| variable | address without it |", "|---|---|"]
    known = {(api.base_url_variable, api.base_url) for api in apis}
    lines += [
        f"| `{variable}` | {f'`{address}`' if address else 'none: it has to be set'} |"
        for variable, address in sorted(known)
    ]
    return "\n".join(lines) + "\n"


def assumptions_table() -> str:
    """Every number that a person decides, with its default."""
    with (DBT_PROJECT / "seeds" / "assumption_defaults.csv").open() as file:
        rows = list(csv.DictReader(file))
    lines = ["| name | default | unit | meaning |", "|---|---|---|---|"]
    lines += [f"| `{row['name']}` | {row['value']} | {row['unit']} | {_cell(row['note'])} |" for row in rows]
    return "\n".join(lines) + "\n"


def org_table() -> str:
    """The columns of every org CSV."""
    lines = ["| file | columns |", "|---|---|"]
    lines += [
        f"| `{table}.csv` | `{','.join(column for column in org.header(table) if column != 'note')}` |"
        for table in org.SCHEMAS
    ]
    return "\n".join(lines) + "\n"


def relations_table(known: Mapping, schema: str) -> str:
    """Every published relation of a schema, with its description."""
    models = [node for node in known["nodes"].values() if node["resource_type"] == "model" and node["schema"] == schema]
    lines = ["| relation | what it says |", "|---|---|"]
    for node in sorted(models, key=lambda node: node["name"]):
        lines.append(f"| `{schema}.{node['name']}` | {_cell(node['description'])} |")
    return "\n".join(lines) + "\n"


def _variables(feed: Feed) -> str:
    return re.sub(r"([A-Z][A-Z0-9_]+)", r"`\1`", in_words(feed.needs))


def _restated(feed: Feed) -> str:
    return str(feed.restated_days) if feed.restated_days else "none"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# --- The drawing ------------------------------------------------------------------------------------------------------


def drawing(known: Mapping) -> str:
    """The data flow as SVG: a band for the sources and for each layer, with its models and what they read how often."""
    layer = {
        name: node["fqn"][-2] if node["fqn"][1] == "marts" else node["fqn"][1]
        for name, node in known["nodes"].items()
        if node["resource_type"] == "model"
    }
    read = Counter(
        (schema, layer.get(parent, "sources"))
        for name, schema in layer.items()
        for parent in known["nodes"][name]["depends_on"]["nodes"]
        if parent in layer or parent.startswith("source.")
    )
    bands = [("sources", "make data arrive", sorted(source.title for source in discover()))]
    for schema, says in LAYERS.items():
        models = sorted(known["nodes"][name]["name"] for name, its in layer.items() if its == schema)
        reads = [f"{other} {read[schema, other]}" for other in ("sources", *LAYERS) if read[schema, other]]
        bands.append((schema, f"{says}; reads {', '.join(reads)}", models))
    top, parts = 8, []
    for place, (name, says, entries) in enumerate(bands):
        lines = -(-len(entries) // COLUMNS)
        if place:
            parts.append(f'<path d="M40,{top - 20} v14" stroke="#0072b2" stroke-width="2" marker-end="url(#to)"/>')
        parts += [
            f'<rect x="8" y="{top}" width="{WIDTH - 16}" height="{46 + LINE * lines}" rx="6" fill="#f4f6f8" '
            'stroke="#d0d5da"/>',
            f'<text x="20" y="{top + 22}" font-weight="bold" font-size="16" fill="#1d1c1d">{name}</text>',
            f'<text x="130" y="{top + 22}" fill="#56585c">{escape(says)}</text>',
        ]
        parts += [
            f'<text x="{20 + (number // lines) * (WIDTH - 24) // COLUMNS}" y="{top + 44 + LINE * (number % lines)}" '
            f'fill="#1d1c1d">{escape(entry)}</text>'
            for number, entry in enumerate(entries)
        ]
        top += 46 + LINE * lines + 22
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - 14}" role="img" '
        'aria-labelledby="title" font-family="sans-serif" font-size="12.5">',
        '<title id="title">Data flow: sources, then the layers of dbt models from staging to alerts</title>',
        '<defs><marker id="to" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#0072b2"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{top - 14}" fill="#ffffff"/>',
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    for path, text in made(manifest()).items():
        path.write_text(text)
