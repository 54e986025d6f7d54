"""Choices: what people decide (the org CSVs) and what models cost. Small, read whole by every run."""

import hashlib
import os
from pathlib import Path

import dagster as dg

from connectors import genai_prices, org
from connectors._errors import SourceRefused
from pipelines.assets.groups import GROUP_OF
from pipelines.lake import Lake
from pipelines.raw import PRICES, org_path
from pipelines.resources import Deployment
from pipelines.settings import Settings

READ_FILES = "raw/org__files/current.parquet"


@dg.asset(
    key=["raw", "org"],
    group_name=GROUP_OF["raw"],
    kinds={"csv", "pandera"},
    owners=["team:data"],
    description=(
        "Teams, developers, identities, caps, agreed prices and assumptions from the org CSVs (PACELINE_ORG_DIR).\n\n"
        "A mistake stops the plan with file, line and what was expected; what is published stays as it was. Where a "
        "CSV is missing, people and teams are derived from what the gateway recorded."
    ),
)
def org_csvs(deployment: Deployment) -> dg.MaterializeResult:
    """Validate the CSVs and put them into the lake, if they changed."""
    try:
        rows = load_org(deployment.run.lake, deployment.run.settings)
    except SourceRefused as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return dg.MaterializeResult(metadata={"folder": str(deployment.run.settings.org_dir), **rows})


def kept_records() -> dg.AssetSpec:
    """What Paceline itself has written into the lake, which models read and no asset makes."""
    return dg.AssetSpec(
        ["raw", "paceline"],
        group_name=GROUP_OF["raw"],
        kinds={"parquet"},
        owners=["team:data"],
        description=(
            "Paceline's own records: what was loaded when, refused lines, issued plans, deliveries and decisions, rows "
            "kept of calls that were removed, and which days this run builds."
        ),
    )


def load_org(lake: Lake, settings: Settings) -> dict[str, int]:
    """Table -> rows read; empty when no CSV changed since it was last read, and the lake has it still.

    Raises SourceRefused for a mistake.
    """
    folder = settings.org_dir
    if not folder.is_dir() and settings.org_dir_given is None:
        folder = None
    digests = _digests(folder)
    are_there = all(lake.fs.exists(lake.path(org_path(table))) for table in org.SCHEMAS)
    if are_there and digests == [(row["file"], row["digest"]) for row in lake.read_rows(READ_FILES)]:
        return {}
    tables = org.read_org(folder)
    for table, frame in tables.items():
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        lake.write_rows(rows, org.SCHEMAS[table], org_path(table))
    files = [{"file": file, "digest": digest} for file, digest in digests]
    lake.write_rows(files, {"file": "VARCHAR", "digest": "VARCHAR"}, READ_FILES)
    return {table: len(frame) for table, frame in tables.items()}


def _digests(folder: Path | None) -> list[tuple[str, str]]:
    """Of every CSV, and of the rules that they were checked with."""
    rules = ("rules", hashlib.sha256(Path(org.__file__).read_bytes()).hexdigest())
    if folder is None or not folder.is_dir():
        return [("(no folder)", str(folder)), rules]
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(".csv"))
    digests = []
    for name in names:
        try:
            digests.append((name, hashlib.sha256((folder / name).read_bytes()).hexdigest()))
        except OSError as error:
            digests.append((name, str(error)))
    return sorted([*digests, rules])


@dg.asset(
    key=["raw", "genai_prices__prices"],
    group_name=GROUP_OF["raw"],
    kinds={"python"},
    owners=["team:data"],
    description=(
        "List prices per model, service tier, date, hour and input size, from the installed genai-prices package.\n\n"
        "Each version of the package adds a file and removes none, so that a rebuild gives the same past. To correct "
        "or negotiate a price, add a row to price_overrides.csv."
    ),
)
def list_prices(deployment: Deployment) -> dg.MaterializeResult:
    """Export the package's prices once per version."""
    lake = deployment.run.lake
    if not lake.fs.exists(lake.path(PRICES)):
        lake.write_rows(genai_prices.prices(), genai_prices.PRICES_SCHEMA, PRICES)
    return dg.MaterializeResult(metadata={"version": genai_prices.version()})
