"""FOCUS: the rules that core.focus_cost_and_usage has to keep, and the official validator.

`python -m tests.focus` runs the validator on the example company's bill, `python -m tests.focus FILE` on a Parquet
file; `--rules` writes the rules file anew from the rules that the validator ships. It needs Python 3.12 or later and
DuckDB 1.x, so it lives in an environment of its own, made at the first call from the package index.
"""

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from pipelines.settings import ROOT
from tests.example_bills import RUN, bills, with_bills
from tests.runs import paceline

VERSION = "1.2"
# The newest pyarrow wants another numpy than the validator.
PACKAGES = ("focus-validator==2.2.1", "pyarrow==21.0.0")
ENVIRONMENT = ROOT / "build" / "focus"
RULES = ROOT / "tests" / "data" / "focus_1_2.csv"
VIEW = "core.focus_cost_and_usage"
# What the specification makes depend on the data: here use is measured, and there are accounts and tags.
CRITERIA = ("USAGE_MEASUREMENT_SUPPORTED", "SUB_ACCOUNT_SUPPORTED", "TAGGING_SUPPORTED")
# What the validator says against its own specification.
KNOWN = {"InvoiceId-C-005-C": "asks for an invoice's id on every row, the specification only where there is an invoice"}
TYPES = {"String": "VARCHAR", "Decimal": "DECIMAL", "Date/Time": "TIMESTAMP", "JSON": "VARCHAR"}


def broken_rules(db: duckdb.DuckDBPyConnection) -> list[str]:
    """Rules that a warehouse does not keep: columns, types, NULLs, allowed values, and names of our own."""
    found = {name: kind for name, kind, *_ in db.execute(f"describe {VIEW}").fetchall()}
    with RULES.open() as lines:
        rules = {row["column"]: row for row in csv.DictReader(lines)}
    wrong = [
        f"{name} is missing" for name, rule in rules.items() if rule["must_be_present"] == "yes" and name not in found
    ]
    for name in [name for name in found if name in rules]:
        rule = rules[name]
        if not found[name].startswith(TYPES[rule["type"]]):
            wrong.append(f"{name} is {found[name]}, not {rule['type']}")
        values = [value for (value,) in db.execute(f'select distinct "{name}" from {VIEW}').fetchall()]
        if rule["may_be_null"] == "no" and None in values:
            wrong.append(f"{name} is NULL")
        if rule["allowed"]:
            wrong += [f"{name} is {one}" for one in values if one is not None and one not in rule["allowed"].split("|")]
    own = [name for name in found if name not in rules]
    wrong += [f"{name} is no column of FOCUS and does not begin with x_" for name in own if not name.startswith("x_")]
    if list(found) != [*sorted(name for name in found if name in rules), *sorted(own)]:
        wrong.append("columns of FOCUS come first, then the others, each in alphabetical order")
    return wrong


def validate(file: Path) -> bool:
    """Run the official validator on a Parquet file and print what it says; whether nothing but what is known fails."""
    if not duckdb.execute("select count(*) from read_parquet(?)", [str(file)]).fetchall()[0][0]:
        sys.exit(f"{file} has no row, and the validator takes no empty bill. Configure a bill (README, Sources).")
    packages = _environment()
    done = subprocess.run(
        [ENVIRONMENT / "bin" / "focus-validator", "--data-file", file.absolute(), "--focus-dataset", "CostAndUsage",
         "--validate-version", VERSION, "--block-download", "--applicability-criteria", ",".join(CRITERIA)],
        cwd=packages, capture_output=True, text=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    totals = [line for line in lines if line.startswith("Total:")]
    if done.returncode or not totals:
        sys.exit(f"The validator stopped, and said no verdict:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    failed = [line[2:].partition(":")[0] for line in lines if line.startswith("❌")]
    for line in [*totals, *(line for line in lines if line.startswith("❌"))]:
        print(line)
    for rule in set(failed) & KNOWN.keys():
        print(f"known: {rule} {KNOWN[rule]}")
    return set(failed) <= KNOWN.keys()


def write_rules() -> None:
    """Write the rules file from the rules that the validator ships, those that hold without condition."""
    packages = _environment()
    model = json.loads(next((packages / "focus_validator" / "rules").glob(f"model-{VERSION}*.json")).read_text())
    columns: dict[str, dict[str, str]] = {}
    for rule_id, rule in model["ModelRules"].items():
        must = rule["ValidationCriteria"]
        asked = must["Requirement"] or {}
        name, check = rule["Reference"], asked.get("CheckFunction")
        if rule["EntityType"] == "Attribute" or rule["Function"] == "Composite" or rule_id in KNOWN:
            continue
        row = columns.setdefault(
            name, {"column": name, "must_be_present": "no", "type": "", "may_be_null": "yes", "allowed": ""}
        )
        if (
            check == "ColumnPresent"
            and must["Keyword"] == "MUST"
            and set(rule["ApplicabilityCriteria"]) <= set(CRITERIA)
        ):
            row["must_be_present"] = "yes"
        elif check in ("TypeString", "TypeDecimal", "TypeDateTime"):
            row["type"] = must["MustSatisfy"].rpartition(" type ")[2].rstrip(".")
        elif check == "FormatKeyValue":
            row["type"] = "JSON"
        elif (
            check == "CheckNotValue"
            and asked["Value"] is None
            and not must["Condition"]
            and not rule["ApplicabilityCriteria"]
        ):
            row["may_be_null"] = "no" if must["Keyword"] == "MUST NOT" else row["may_be_null"]
        elif check == "OR" and {one.get("ColumnName") for one in asked["Items"]} == {name} and not must["Condition"]:
            row["allowed"] = "|".join(one["Value"] for one in asked["Items"] if one["Value"] is not None)
    with RULES.open("w", newline="") as lines:
        out = csv.DictWriter(
            lines, ["column", "must_be_present", "type", "may_be_null", "allowed"], lineterminator="\n"
        )
        out.writeheader()
        out.writerows(sorted(columns.values(), key=lambda row: row["column"]))


def _environment() -> Path:
    """The validator's packages; installed where they are not yet."""
    done = ENVIRONMENT / "installed"
    if not done.exists():
        pythons = [path for one in ("python3.14", "python3.13", "python3.12") if (path := shutil.which(one))]
        python = next(
            (one for one in pythons if subprocess.run([one, "-c", ""], capture_output=True).returncode == 0), ""
        )
        if not python:
            sys.exit("The FOCUS validator needs Python 3.12 or later, and none is on PATH. Install one and try again.")
        subprocess.run([python, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)
        done.touch()
    # Where the validator looks for its list of currencies, too, relative to where it is started.
    return next(ENVIRONMENT.glob("lib/python*/site-packages"))


def _example_bill(folder: Path) -> Path:
    """The FOCUS file of the example company with its providers' bills."""
    with bills() as providers:
        done = paceline(folder, *RUN, **with_bills(providers))
    if done.returncode:
        sys.exit(done.stderr)
    return folder / "parquet" / "core" / "focus_cost_and_usage.parquet"


def main() -> None:
    """Validate; exit status 1 where a rule is broken that is not known to be the validator's own mistake."""
    if sys.argv[1:] == ["--rules"]:
        return write_rules()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(sys.argv[1]) if sys.argv[1:] else _example_bill(Path(folder))
        sys.exit(not validate(file))


if __name__ == "__main__":
    main()
