"""Any log of model calls as JSON lines: a data team adds a source by a YAML file that says where its values stand.

Docs    examples/mappings/README.md (the file, field by field); examples/mappings/*.yml are worked ones
Needs   GENERIC_LOGS, one such file or a folder of them. Each becomes a feed generic_jsonl__<name> with its own days,
        quarantine and freshness; all of them share the shape of `events` and the relation raw.generic_jsonl__events.
        s3:// takes the usual AWS variables
Quirks  What a file names is data: paths, texts and patterns reach DuckDB as literals. A file that is wrong becomes a
        feed that fails with the file, the line, the field and what was expected; the others go on. A feed that is no
        longer named keeps its history, so another name for the same records counts them twice.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from os.path import expanduser
from pathlib import Path
from typing import Any

from connectors._contract import Field, LogFeed, Source
from connectors._files import is_remote
from connectors._logs import select_records
from connectors._mapping import (
    STATUSES,
    Count,
    Declaration,
    Duration,
    Fields,
    Flag,
    Mistaken,
    Money,
    Outcome,
    Text,
    Time,
    Value,
    read,
)

VARIABLE = "GENERIC_LOGS"
LONGEST_TEXT = 1000  # longer than any id or name: what is longer is a prompt, and that is not to be kept

SECONDS = {
    "iso": ("epoch(try_cast({} as timestamptz))", "an ISO 8601 time (UTC where it names no zone)"),
    "epoch_s": ("try_cast({} as double)", "seconds since 1970"),
    "epoch_ms": ("try_cast({} as double) / 1e3", "milliseconds since 1970"),
    "epoch_us": ("try_cast({} as double) / 1e6", "microseconds since 1970"),
    "epoch_ns": ("try_cast({} as double) / 1e9", "nanoseconds since 1970"),
    "uuid_v7": (
        "case when regexp_full_match({}, '(?i)[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}')"
        " then try_cast('0x' || replace({}[:13], '-', '') as bigint) / 1e3 end",
        "a UUIDv7",
    ),
}
DOLLARS = {"usd": "1", "cents": "0.01", "micro_usd": "0.000001", "nano_usd": "0.000000001"}
DURATIONS = {"s": "1", "ms": "0.001", "us": "0.000001", "ns": "0.000000001"}
HTTP_STATUS = (
    "case when try_cast({} as integer) between 200 and 399 then 'success' when try_cast({} as integer) in (0, 499)"
    " then 'cancelled' when try_cast({} as integer) between 100 and 599 then 'failure' end"
)

RULES = (
    (
        "cache_read_tokens + coalesce(cache_write_tokens, 0) > input_tokens or cache_write_tokens > input_tokens",
        "format('cache reads {} and writes {} are more than input_tokens {}', coalesce(cache_read_tokens, 0),"
        " coalesce(cache_write_tokens, 0), input_tokens)",
    ),
    (
        "cache_write_1h_tokens > cache_write_tokens",
        "format('1-hour cache writes {} are more than all {}', cache_write_1h_tokens, cache_write_tokens)",
    ),
    (
        "reasoning_tokens > output_tokens",
        "format('reasoning_tokens {} are more than output_tokens {}', reasoning_tokens, output_tokens)",
    ),
    (
        "total_tokens != input_tokens + output_tokens",
        "format('input_tokens {} and output_tokens {} are not total_tokens {}: input includes cache reads and writes,"
        " output includes reasoning', input_tokens, output_tokens, total_tokens)",
    ),
    *(
        (
            f"status = 'success' and not coalesce(is_cache_hit, false) and {name} is null",
            f"'a call that succeeded has no {name}'",
        )
        for name in ("input_tokens", "output_tokens")
    ),
)


def declared(environ: Mapping[str, str]) -> tuple[LogFeed, ...]:
    """The feeds that the files of GENERIC_LOGS declare; a file with a mistake gives a feed that says so when loaded."""
    place = Path(expanduser(environ[VARIABLE])).absolute()
    files = [place] if place.is_file() else []
    if place.is_dir():
        files = sorted(file for file in place.iterdir() if file.suffix in (".yml", ".yaml"))
    if not files:
        why = f"{VARIABLE} is '{environ[VARIABLE]}': expected a .yml file, or a folder of them."
        return (_refused("mappings", why),)
    feeds: dict[str, LogFeed] = {}
    for file in files:
        feed = read_mapping(file)
        if feed.name in feeds:
            why = f"{file.name}: name: '{feed.name}' is taken by another file of {place}: expected another name."
            feed = _refused(_free(_from_stem(file), feeds), why)
        feeds[feed.name] = feed
    return tuple(feeds.values())


def read_mapping(file: Path) -> LogFeed:
    """The feed that one file declares. One with mistakes is named after what can be read, and refuses to be loaded."""
    try:
        said, location_line = read(file)
    except Mistaken as error:
        return _refused(error.name or _from_stem(file), str(error))
    # Relative to the file that says it, not to where somebody happens to stand.
    place = str((file.parent / expanduser(said.location)).absolute())
    location = said.location if is_remote(said.location) else place
    feed = _feed(
        said,
        name=said.name,
        description=f"Model calls as {said.title or said.name} logged them, by the mapping {file.name}.",
        restated_days=said.restated_days,
        location=location,
        located_by=f"location ({file.name}, line {location_line})",
    )
    return replace(feed, reading=hashlib.sha256(select_records(feed, "records", None).encode()).hexdigest())


def _from_stem(file: Path) -> str:
    name = re.sub("[^a-z0-9]+", "_", file.stem.lower()).strip("_")[:40].strip("_")
    return name if re.match("[a-z]", name) and name != "events" else f"file_{name}"


def _free(name: str, taken: Mapping[str, Any]) -> str:
    return next(one for one in [name, *(f"{name}_{n}" for n in range(2, 1000))] if one not in taken)


def _refused(name: str, why: str) -> LogFeed:
    return _feed(
        name=name,
        description="A mapping with a mistake.",
        refusal=f"{why}\nRetrying does not help until the mapping is corrected.",
    )


def _literal(text: str) -> str:
    """An SQL literal. DuckDB knows no escapes in it but the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def _pointer(steps: tuple[str, ...]) -> str:
    """A JSON pointer, in which a key may hold anything."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


class _Records:
    """SQL for the values of a record, found in one pass per JSON text."""

    def __init__(self, said: Declaration | None):
        self.missing = ["", *(said.missing if said else [])]
        self.texts = list(said.json_texts) if said else []
        self.pointers: dict[int | None, list[str]] = {None: [_pointer(steps) for steps in self.texts]}

    def text(self, steps: tuple[str, ...]) -> str:
        """The text at a path; NULL for JSON's null, and for what the file calls missing."""
        within, rest = None, steps
        for number, root in enumerate(self.texts):
            if steps[: len(root)] == root and len(steps) > len(root):
                within, rest = number, steps[len(root) :]
        pointers = self.pointers.setdefault(within, [])
        if (pointer := _pointer(rest)) not in pointers:
            pointers.append(pointer)
        found = f"{self._list(within)}[{pointers.index(pointer) + 1}]"
        return f"case when {found} not in ({', '.join(map(_literal, self.missing))}) then {found} end"

    def parsed(self) -> dict[str, str]:
        """Name -> SQL, for `LogFeed.parsed`."""
        sql = {}
        for within, pointers in sorted(self.pointers.items(), key=lambda item: -1 if item[0] is None else item[0]):
            record = "record"
            if within is not None:
                record = sql[f"json_text_{within}"] = f"try_cast(found[{within + 1}] as json)"
                record = f"json_text_{within}"
            sql[self._list(within)] = (
                f"json_extract_string({record}, [{', '.join(map(_literal, pointers))}]::varchar[])"
            )
        return sql

    @staticmethod
    def _list(within: int | None) -> str:
        return "found" if within is None else f"found_in_{within}"


def _leaf(records: _Records, value: Value | None) -> str:
    """SQL of the text that a field is made of."""
    if value is None:
        return "null::varchar"
    if value.constant is not None:
        return _literal(value.constant)
    if isinstance(value, Count) and value.sum:
        leaf = _sum([records.text(steps) for steps in value.sum])
    else:
        leaf = ", ".join(records.text(steps) for steps in value.first or [value.path])
        leaf = f"coalesce({leaf})" if value.first else leaf
    if isinstance(value, Text) and value.match:
        group = min(1, re.compile(value.match).groups)
        leaf = f"nullif(regexp_extract({leaf}, {_literal(value.match)}, {group}), '')"
    return leaf if value.default is None else f"coalesce({leaf}, {_literal(value.default)})"


def _sum(parts: list[str]) -> str:
    """The sum as text, or the part that is no count, so that the refusal shows it."""
    odd = f"list_filter([{', '.join(parts)}], lambda part: not regexp_full_match(part, '[0-9]{{1,13}}'))[1]"
    first, *others = (f"try_cast({part} as bigint)" for part in parts)
    added = " + ".join([first, *(f"coalesce({other}, 0)" for other in others)])
    return f"coalesce({odd}, ({added})::varchar)"


def _scaled(name: str, by: str) -> str:
    """A number times a power of ten, without ever leaving decimals."""
    digits = len(by.partition(".")[2])
    return f"try_cast({name} as decimal(28,14)) * {by}::decimal({digits + 1},{digits})"


def _mapped(name: str, words: Mapping[str, str] | None, otherwise: str | None) -> str:
    """What a word means; nothing means nothing, whatever other words mean."""
    cases = "".join(f" when {name} = {_literal(said)} then {_literal(meant)}" for said, meant in (words or {}).items())
    return f"case when {name} is null then null{cases} else {_literal(otherwise) if otherwise else 'null'} end"


def _field(records: _Records, name: str, value: Value | None) -> Field:
    leaf, kind = _leaf(records, value), Fields.model_fields[name]
    required = kind.is_required() and name not in ("input_tokens", "output_tokens")
    if name in ("started_at", "ended_at", "updated_at"):
        sql, words = SECONDS[value.unit if isinstance(value, Time) else "iso"]
        return Field("EPOCH", leaf, required, lambda n: sql.replace("{}", n), f"{words}, from 2020 to tomorrow")
    if name in ("duration_seconds", "reported_usd"):
        is_number = isinstance(value, Money | Duration)
        by = (DOLLARS if name == "reported_usd" else DURATIONS)[value.unit] if is_number else "1"
        return Field("DECIMAL(18,9)", leaf, value=lambda n: _scaled(n, by))
    if name.endswith("_tokens"):
        return Field("BIGINT", leaf)
    if isinstance(value, Flag) and (value.map or value.otherwise):
        words = f"one of {', '.join(value.map or {})}"
        return Field("BOOLEAN", leaf, value=lambda n: _mapped(n, value.map, value.otherwise), expected=words)
    if name.startswith("is_"):
        return Field("BOOLEAN", leaf)
    if name == "status":
        said = value if isinstance(value, Outcome) else None
        if said and said.unit:
            return Field("VARCHAR", leaf, True, lambda n: HTTP_STATUS.replace("{}", n), "an HTTP status")
        otherwise = said.otherwise if said else None
        meant: Mapping[str, str] = {} if otherwise else {status: status for status in STATUSES}
        if said and said.map:
            meant = said.map
        return Field("VARCHAR", leaf, True, lambda n: _mapped(n, meant, otherwise), f"one of {', '.join(meant)}")
    return Field("VARCHAR[]" if name == "tags" else "VARCHAR", leaf, required)


def _where(records: _Records, said: Declaration) -> str | None:
    conditions = []
    for steps, condition in said.where.items():
        text = records.text(steps)
        if condition.one_of is not None:
            conditions.append(f"coalesce({text} in ({', '.join(map(_literal, condition.one_of))}), false)")
        if condition.none_of is not None:
            conditions.append(f"coalesce({text} not in ({', '.join(map(_literal, condition.none_of))}), true)")
        if condition.exists is not None:
            conditions.append(f"({text}) is {'not ' if condition.exists == 'true' else ''}null")
    return " and ".join(conditions) or None


def _feed(said: Declaration | None = None, **more: Any) -> LogFeed:
    """The feed of one file; without one, the shape that all of them have."""
    records = _Records(said)
    fields = {
        "source_name": Field("VARCHAR", _literal(said.name) if said else "null::varchar"),
        "observer_layer": Field("VARCHAR", _literal(said.observer_layer) if said else "null::varchar"),
        **{name: _field(records, name, getattr(said.fields, name) if said else None) for name in Fields.model_fields},
    }
    where = _where(records, said) if said else None
    shapes = []
    for number, steps in enumerate(records.texts):
        is_broken = f"found[{number + 1}] != '' and json_text_{number} is null"
        reason = _literal(f"{'.'.join(steps)} is not JSON")
        shapes.append((f"{is_broken} and {where}" if where else is_broken, reason))
    return LogFeed(
        source="generic_jsonl",
        variable=VARIABLE,
        json_columns={},
        parsed=records.parsed(),
        fields=fields,
        recorded_at="started_at",
        record_id="id",
        model_names=("provider", "model"),
        shapes=tuple(shapes),
        rules=RULES
        + tuple(
            (f"length({name}) > {LONGEST_TEXT}", f"'{name} has more than {LONGEST_TEXT} characters'")
            for name, field in fields.items()
            if field.type == "VARCHAR"
        ),
        records=where or "",
        counts_skipped=where is not None,
        **more,
    )


events = _feed(
    name="events",
    description="Model calls of the sources that GENERIC_LOGS declares, in one shape.",
    members=declared,
)

source = Source(name="generic_jsonl", title="any JSON lines", feeds=(events,))
