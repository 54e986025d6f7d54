"""A company's choices about people, teams, caps and prices: CSV files in one folder, checked before use.

`read_org` returns every table of `SCHEMAS`, or raises `OrgMistakes` with every mistake of every file: file, line
(as an editor shows it), column, value and what was expected. pandera checks the cells, plain functions check what
needs several rows or files. pandas and pandera are imported on first use, as they take seconds.
"""

import csv
import io
import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from connectors._errors import SourceRefused

if TYPE_CHECKING:
    from pandas import DataFrame
    from pandera.pandas import DataFrameSchema

# The apostrophe by which a CSV of ours keeps a spreadsheet from taking a name for a formula (alerts/_format.py).
GUARD = re.compile(r"(^|;\s*)'(?=[=+\-@\uff0b\uff0d\uff1d\uff20])")
SHOWN = 20  # mistakes spelled out in the message; `OrgMistakes.mistakes` has them all


class Mistake(NamedTuple):
    """One thing to mend. Without a column, `value` says in words what was found."""

    file: str
    line: int | None
    column: str | None
    value: str | None
    expected: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file} line {self.line}"
        value = self.value if self.column is None or not self.value else repr(self.value)
        value = "empty" if not value else value if len(value) <= 80 else f"{value[:77]}..."
        return f"{place}: {f'{self.column} is ' if self.column else ''}{value}, expected {self.expected}"


class OrgMistakes(SourceRefused):
    """The org files have mistakes that a person must mend; `mistakes` lists them all."""

    def __init__(self, mistakes: list[Mistake]):
        super().__init__(mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        count = len(self.mistakes)
        lines = [f"The org files have {count} mistake{'s' * (count > 1)}:", *map(str, self.mistakes[:SHOWN])]
        lines += [f"and {count - SHOWN} more"] * (count > SHOWN)
        return "\n- ".join(lines) + f"\nNothing is published until {'they are' if count > 1 else 'it is'} mended."


# ---- what a cell may hold ----


class Rule(NamedTuple):
    """What the cells of a column hold, once stripped. An empty cell breaks the rule only if it is `needed`."""

    duckdb: str
    expected: str
    fits: Callable[[str], bool]
    needed: bool = False


def _is_day(value: str | None) -> TypeGuard[str]:
    if not value or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_month(value: str) -> bool:
    return _is_day(f"{value}-01") or (_is_day(value) and value.endswith("-01"))


def _is_whole(value: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,18}", value))  # 18 digits always fit a BIGINT


def _is_decimal(value: str) -> bool:
    return bool(re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", value))  # casts to DECIMAL(18,6) without rounding


def _one_of(*names: str) -> Rule:
    return Rule("VARCHAR", f"one of {', '.join(names)}", lambda value: value in names)


def _needed(rule: Rule) -> Rule:
    return rule._replace(needed=True)


_DIGITS = "digits only, no thousands separator, exponent or point"
_POINT = "up to 6 digits after the point, no thousands separator, exponent or sign of currency"
TEXT = Rule("VARCHAR", "a value", lambda value: True)
NAME = Rule("VARCHAR", "a snake_case name", lambda value: bool(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", value)))
DAY = Rule("DATE", "a real date like 2026-11-30", _is_day)
MONTH = Rule("DATE", "a month like 2026-11", _is_month)
DECIMAL = Rule("DECIMAL(18,6)", f"a number like 0.25 ({_POINT})", _is_decimal)
USD = Rule("DECIMAL(18,6)", f"USD like 12.50, 0 or more ({_POINT})", lambda v: _is_decimal(v) and v[0] != "-")
POSITIVE = Rule("DECIMAL(18,6)", f"a number above 0 ({_POINT})", lambda v: _is_decimal(v) and float(v) > 0)
SHARE = Rule("DECIMAL(18,6)", "a share from 0 to 1 like 0.25", lambda v: _is_decimal(v) and 0 <= float(v) <= 1)
DAYS = Rule("DECIMAL(18,6)", "a number of days from 1 to 31", lambda v: _is_decimal(v) and 1 <= float(v) <= 31)
CAP_USD = Rule("DECIMAL(18,6)", f"USD like 12.50, above 0 ({_POINT})", lambda v: _is_decimal(v) and float(v) > 0)
TOKENS = Rule("BIGINT", f"a whole number like 1292000 ({_DIGITS})", _is_whole)
CAP_TOKENS = Rule("BIGINT", f"a whole number above 0 like 1292000 ({_DIGITS})", lambda v: _is_whole(v) and int(v) > 0)
COUNT = Rule("BIGINT", f"a whole number above 0 like 80 ({_DIGITS})", CAP_TOKENS.fits)
FLAG = Rule("BOOLEAN", "true or false", lambda value: value.lower() in ("true", "false"))
KIND = _one_of("email", "user_id", "key_alias", "key_hash", "provider_api_key_id", "github", "cursor", "device")
VALID = {"valid_from": _needed(DAY), "valid_to": DAY}  # both inclusive; an empty valid_to is open
PRICES = {f"{what}_usd_per_mtok": USD for what in ("input", "cache_read", "cache_write", "cache_write_1h", "output")}

# ---- the tables ----

_TABLES: dict[str, dict[str, Rule]] = {
    "teams": {"team_id": _needed(TEXT), "name": TEXT, "slack_channel": TEXT, "lead_slack_id": TEXT,
              "monthly_pool_tokens": TOKENS, "monthly_pool_usd": USD, "shares_developers": FLAG},
    "developers": {"developer_id": _needed(TEXT), "email": TEXT, "name": TEXT, "team_id": TEXT, **VALID,
                   "role": _one_of("human", "service"), "slack_id": TEXT},
    "identities": {"kind": _needed(KIND), "value": _needed(TEXT), "developer_id": _needed(TEXT), **VALID},
    "caps": {"scope": _needed(_one_of("developer", "team", "org")), "scope_id": TEXT, "month": _needed(MONTH),
             "cap_tokens": CAP_TOKENS, "cap_usd": CAP_USD},
    "price_overrides": {"provider": _needed(TEXT), "model": _needed(TEXT), **VALID, **PRICES},
    "model_aliases": {"raw_model": _needed(TEXT), "provider": TEXT, "model": TEXT},
    "holidays": {"holiday_date": _needed(DAY), "name": TEXT},
    "scenarios": {"scenario": _needed(NAME), "scope": _needed(_one_of("team", "org")), "scope_id": TEXT,
                  "month": _needed(MONTH), "developers": _needed(POSITIVE), "tasks_per_day": _needed(POSITIVE),
                  "tokens_per_task": _needed(POSITIVE), "working_days": DAYS},
    "routing_rules": {"task_type": _needed(TEXT), "to_provider": _needed(TEXT), "to_model": _needed(TEXT),
                      "share_ratio": _needed(SHARE), "quality_risk": _needed(TEXT)},
    "gpu_catalog": {"gpu": _needed(TEXT), "memory_gb": _needed(POSITIVE), "usd_per_hour_low": _needed(POSITIVE),
                    "usd_per_hour_high": POSITIVE, "source": _needed(TEXT)},
    "model_shapes": {"model": _needed(TEXT), "parameters_b": _needed(POSITIVE), "active_parameters_b": POSITIVE,
                     "weight_bits": _needed(POSITIVE), "layers": _needed(COUNT), "kv_heads": _needed(COUNT),
                     "head_dim": _needed(COUNT), "kv_bits": _needed(POSITIVE), "source": _needed(TEXT)},
    "gpu_throughput": {"gpu": _needed(TEXT), "model": _needed(TEXT), "input_tokens": _needed(COUNT),
                       "output_tokens": _needed(COUNT), "concurrency": COUNT, "gpus": _needed(COUNT),
                       "output_tokens_per_second": _needed(POSITIVE), "first_token_ms": POSITIVE,
                       "inter_token_ms": POSITIVE, "source": _needed(TEXT)},
    "assumptions": {"name": _needed(NAME), "value": _needed(DECIMAL), "unit": TEXT, "valid_from": _needed(DAY)},
}  # fmt: skip
_TABLES = {table: {**columns, "note": TEXT} for table, columns in _TABLES.items()}
_KEYS = {  # no two rows with the same key; in tables with valid_from and valid_to: not on the same day
    "teams": [["team_id"]], "developers": [["developer_id"], ["email"]], "identities": [["kind", "value"]],
    "caps": [["scope", "scope_id", "month"]], "price_overrides": [["provider", "model"]],
    "model_aliases": [["raw_model"]], "assumptions": [["name", "valid_from"]], "holidays": [["holiday_date"]],
    "scenarios": [["scenario", "scope", "scope_id", "month"]], "routing_rules": [["task_type"]],
    "gpu_catalog": [["gpu"]], "model_shapes": [["model"]],
    "gpu_throughput": [["gpu", "model", "concurrency", "input_tokens", "output_tokens"]],
}  # fmt: skip

SCHEMAS = {table: {column: rule.duckdb for column, rule in columns.items()} for table, columns in _TABLES.items()}
"""Table name -> column -> DuckDB type, in the order of the columns of the result."""


def header(table: str) -> list[str]:
    """The header of a new CSV file of this table: every column that it may have."""
    return list(SCHEMAS[table])


@cache
def _pandera(table: str) -> "DataFrameSchema":
    from pandera.pandas import Check, Column, DataFrameSchema

    def column(rule: Rule) -> Column:
        check = Check(rule.fits, element_wise=True, error=rule.expected)
        return Column(checks=check, nullable=not rule.needed, required=rule.needed)

    return DataFrameSchema({name: column(rule) for name, rule in _TABLES[table].items()}, strict=True)


# ---- reading ----

Row = dict[str, str | None]
Found = tuple[int | None, str | None, str | None, str]  # a Mistake but for its file


class _Sheet(NamedTuple):
    """One file as read: its header (no columns if it was unusable), its rows by line, and what was unreadable."""

    table: str
    file: str
    top: int
    columns: list[str]
    rows: dict[int, Row]
    unreadable: list[Found]


def read_org(folder: Path | str | None) -> "dict[str, DataFrame]":
    """Every table of `SCHEMAS`; a missing file (or no folder at all) gives zero rows.

    Cells are stripped strings that cast cleanly to the types of `SCHEMAS`, or None. Raises `OrgMistakes`.
    """
    from pandas import DataFrame

    sheets: dict[str, _Sheet] = {}
    mistakes: list[Mistake] = []
    for table, path in _files(folder, mistakes):
        sheet = _parse(table, path)
        found = list(sheet.unreadable)
        if sheet.columns:
            found += _wrong_cells(sheet)
            sheets[table] = sheet = sheet._replace(rows={at: _tidied(table, row) for at, row in sheet.rows.items()})
            found += [*_wrong_rows(sheet), *_repeats(sheet)]
        mistakes += [Mistake(sheet.file, *each) for each in found]
    mistakes += _unknown_ids(sheets)
    if mistakes:
        raise OrgMistakes(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line or 0)))
    rows = {table: list(sheets[table].rows.values()) if table in sheets else [] for table in SCHEMAS}
    return {table: DataFrame(rows[table], columns=header(table), dtype=object) for table in SCHEMAS}


def _files(folder: Path | str | None, mistakes: list[Mistake]) -> Iterator[tuple[str, Path]]:
    if not folder:
        return
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        mistakes.append(
            Mistake(
                str(folder),
                None,
                None,
                f"cannot be listed ({error.strerror})",
                "a folder of CSVs (an empty one will do: then people come from the logs)",
            )
        )
        return
    for name in names:
        table = name.lower().removesuffix(".csv")
        if table in SCHEMAS and name == f"{table}.csv":
            yield table, Path(folder, name)
        elif table in SCHEMAS and name.lower() == f"{table}.csv":  # or its rows would be missing without a word
            mistakes.append(Mistake(_shown(Path(folder, name)), None, None, "named in another case", f"{table}.csv"))


def _shown(path: Path) -> str:
    return "/".join(Path(os.path.abspath(path)).parts[-2:])


def _parse(table: str, path: Path) -> _Sheet:
    sheet = _Sheet(table, _shown(path), 1, [], {}, [])
    found = sheet.unreadable
    try:
        raw = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raw, found[:] = None, [(None, None, f"cannot be read ({error.strerror})", "a file that Paceline may read")]
    if raw is None or b"\0" in raw:
        what = "not a file" if raw is None else "binary (or UTF-16)"
        return sheet if found else sheet._replace(unreadable=[(None, None, what, "a CSV file in UTF-8")])
    for line, content in enumerate(raw.splitlines(), start=1):
        try:
            content.decode()
        except UnicodeDecodeError as error:
            before = content[: error.start].decode()[-20:]
            found.append((line, None, f"byte 0x{content[error.start]:02x} after {before!r}", "text in UTF-8"))

    reader = csv.reader(io.StringIO(raw.decode("utf-8-sig", "replace"), newline=""), strict=True, skipinitialspace=True)
    seen: set[tuple[str, ...]] = set()  # a row that comes again word for word says nothing new
    start = 1  # of the next row: a quoted cell may span lines
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            cells = [GUARD.sub(r"\1", cell.strip()) for cell in cells]
            if not any(cells):
                continue
            if not sheet.columns:
                if len(cells) == 1 and (other := re.search(r"[;\t|]", cells[0])):
                    found.append((line, None, f"separated by {other[0]!r}", "','"))
                    break
                sheet = sheet._replace(top=line, columns=cells)
            elif len(cells) != len(sheet.columns):
                hint = "; a value with a comma needs quotes" * (len(cells) > len(sheet.columns))
                found.append((line, None, f"{len(cells)} cells", f"{len(sheet.columns)} as in the header{hint}"))
            elif tuple(cells) not in seen:
                seen.add(tuple(cells))
                sheet.rows[line] = {name: cell or None for name, cell in zip(sheet.columns, cells, strict=True)}
    except csv.Error as error:
        what = "a quote that is never closed" if "end of data" in str(error) else f"not CSV ({error})"
        found.append((start, None, what, 'quotes like "a, b" or "say ""hi"""'))
    if not sheet.columns and not found:
        found.append((1, None, "an empty file", f"the header {','.join(header(table))}"))
    return sheet


# ---- checking ----


def _wrong_cells(sheet: _Sheet) -> Iterator[Found]:
    from pandas import DataFrame
    from pandera.errors import SchemaErrors

    for name in {name for name in sheet.columns if sheet.columns.count(name) > 1}:
        yield sheet.top, None, f"column {name!r} twice", "each column once"
    if sheet.table == "caps" and not {"cap_tokens", "cap_usd"} & set(sheet.columns):
        yield sheet.top, None, "no column 'cap_tokens' or 'cap_usd'", "at least one of them in the header"
    rules = _TABLES[sheet.table]
    columns = list(dict.fromkeys(sheet.columns))
    frame = DataFrame(list(sheet.rows.values()), index=list(sheet.rows), columns=columns, dtype=object)
    try:
        _pandera(sheet.table).validate(frame, lazy=True)
    except SchemaErrors as errors:
        for case in errors.failure_cases.itertuples():
            if case.check == "column_in_dataframe":
                yield sheet.top, None, f"no column {case.failure_case!r}", "it in the header"
            elif case.check == "column_in_schema":
                near = get_close_matches(case.failure_case.lower(), rules, n=1)
                expected = repr(near[0]) if near else f"one of {', '.join(rules)}"
                yield sheet.top, None, f"unknown column {case.failure_case!r}", expected
            else:
                line, column = int(case.index), case.column
                yield line, column, sheet.rows[line][column], rules[column].expected


def _tidied(table: str, row: Row) -> Row:
    """The row with all columns of its table, written in the one way that it is stored and compared."""
    row = {column: row.get(column) for column in SCHEMAS[table]}
    if table == "developers":
        row["role"] = row["role"] or "human"
    lowered = {
        "price_overrides": ("provider", "model"), "model_aliases": ("provider", "model"),
        "routing_rules": ("to_provider", "to_model"), "gpu_catalog": ("gpu",), "model_shapes": ("model",),
        "gpu_throughput": ("gpu", "model"), "teams": ("shares_developers",),
    }.get(table, ())  # fmt: skip
    if table == "identities" and row["kind"] == "email":
        lowered = ("value",)
    for column in lowered:
        row[column] = (value := row[column]) and value.lower()
    if table in ("caps", "scenarios"):
        row["month"] = row["month"] and f"{row['month'][:7]}-01"
    return row


def _wrong_rows(sheet: _Sheet) -> Iterator[Found]:
    for line, row in sheet.rows.items():
        first, last = row.get("valid_from"), row.get("valid_to")
        if _is_day(first) and _is_day(last) and last < first:
            yield line, "valid_to", last, f"valid_from ({first}) or a later day"
        if sheet.table == "model_aliases" and not row["provider"] and not row["model"]:
            yield line, "model", None, "a provider or a model"
        low, high = row.get("usd_per_hour_low"), row.get("usd_per_hour_high")
        if low and high and POSITIVE.fits(low) and POSITIVE.fits(high) and float(high) < float(low):
            yield line, "usd_per_hour_high", high, f"usd_per_hour_low ({low}) or more"
        if row.get("scope") in ("developer", "team") and not row["scope_id"]:
            yield line, "scope_id", None, f"the {row['scope']}_id that the row is for"


def _repeats(sheet: _Sheet) -> Iterator[Found]:
    found: set[int | None] = set()
    for columns in _KEYS[sheet.table]:
        for mistake in _repeats_of(sheet, columns):
            if mistake[0] not in found:  # one clash of a line is enough
                yield mistake
            found.add(mistake[0])


def _repeats_of(sheet: _Sheet, columns: list[str]) -> Iterator[Found]:
    dated = "valid_to" in SCHEMAS[sheet.table]
    spans: dict[str, list[tuple[str, str, int]]] = {}  # key -> first day, last day, line
    for line, row in sheet.rows.items():
        first, last = (row["valid_from"], row["valid_to"] or "9999-12-31") if dated else ("0001-01-01", "9999-12-31")
        key = "\n".join(row[column] or "" for column in columns)
        key = key.lower() if columns in (["raw_model"], ["email"]) else key
        if row[columns[0]] and row[columns[-1]] and _is_day(first) and _is_day(last) and first <= last:
            spans.setdefault(key, []).append((first, last, line))
    for same in spans.values():
        longest = None  # of the spans so far, the one that ends last
        for first, last, line in sorted(same):
            if longest and first <= longest[1]:
                value = " ".join(sheet.rows[line][column] or "" for column in columns)
                until = "on" if longest[1] == "9999-12-31" else f"to {longest[1]}"
                when = (" at a time", f" from {longest[0]} {until}") if dated else ("", "")
                yield line, " + ".join(columns), value, f"it once{when[0]}: line {longest[2]} has it too{when[1]}"
            longest = max(longest or (first, last, line), (first, last, line), key=lambda span: span[1])


def _unknown_ids(sheets: dict[str, _Sheet]) -> Iterator[Mistake]:
    """References to a row that is not there. Not judged if the file that should have the row was not read in full."""
    for table, column, key in (
        ("developers", "team_id", "team_id"), ("identities", "developer_id", "developer_id"),
        ("caps", "scope_id", "developer_id"), ("caps", "scope_id", "team_id"), ("scenarios", "scope_id", "team_id"),
    ):  # fmt: skip
        target = sheets.get(f"{key.removesuffix('_id')}s")
        if table not in sheets or not target or target.unreadable or key not in target.columns:
            continue
        known = {row[key] for row in target.rows.values()}
        for line, row in sheets[table].rows.items():
            applies = "scope" not in row or f"{row['scope']}_id" == key
            if applies and row[column] and row[column] not in known:
                yield Mistake(sheets[table].file, line, column, row[column], f"a {key} of {target.table}.csv")
