"""What a mapping says: a YAML file that names a source of JSON lines and where its values stand.

The classes are the format; examples/mappings/README.md tells it. Every mistake is worded with the file, the line, the
field and what was expected, and all mistakes of a file come at once.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import duckdb
import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

DEEPEST = 10
NAME = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
STEP = re.compile(r'(?:^|\.)(?:"((?:[^"\\]|\\.)+)"|([^."\[\]]+))|\[(\d+)\]')
Status = Literal["success", "failure", "cancelled"]
STATUSES: tuple[str, ...] = get_args(Status)

# --- What a file may say


def _steps(path: str) -> tuple[str, ...]:
    steps, end = [], 0
    for step in STEP.finditer(path):
        if step.start() != end:
            break
        quoted, plain, index = step.groups()
        steps.append(re.sub(r"\\(.)", r"\1", quoted) if quoted else plain or index)
        end = step.end()
    if end != len(path) or not path or path.startswith("[") or "\0" in path:
        raise ValueError('expected keys with dots between, such as usage.input_tokens, tags[0] or headers."x-a.b"')
    return tuple(steps)


def _pattern(pattern: str) -> str:
    try:
        with duckdb.connect() as db:
            db.execute("select regexp_extract('', $1)", [pattern])
        re.compile(pattern)
    except (duckdb.Error, re.error) as error:
        raise ValueError(f"expected a regular expression ({str(error).splitlines()[0]})") from error
    return pattern


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _at(value: Any) -> Any:
    """`field: some.path` is short for `field: {path: some.path}`."""
    return {"path": value} if isinstance(value, str) else value


Steps = Annotated[str, AfterValidator(_steps)]
Paths = Annotated[list[Steps], Field(min_length=1)]


class Strict(BaseModel):
    """A mapping of a YAML file; keys that it does not know are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(Strict):
    """Where one field stands: one path, the first of several that holds something, or the same for every record."""

    path: Steps | None = None
    first: Paths | None = None
    constant: str | None = None
    default: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Value":
        places = [place for place in ("path", "first", "sum", "constant") if place in type(self).model_fields]
        if [getattr(self, place) is not None for place in places].count(True) != 1:
            raise ValueError(f"expected exactly one of {', '.join(places)}")
        return self


class Text(Value):
    """An id or a name. `match` keeps what a regular expression finds (its group, if it has one)."""

    match: Annotated[str, AfterValidator(_pattern)] | None = None


class Time(Value):
    """A point in time."""

    unit: Literal["iso", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "uuid_v7"] = Field("iso", alias="as")


class Count(Value):
    """Tokens. `sum` adds parts that do not overlap; without its first one there is no sum, others count as 0."""

    sum: Paths | None = None


class Money(Value):
    """A cost."""

    unit: Literal["usd", "cents", "micro_usd", "nano_usd"] = Field("usd", alias="as")


class Duration(Value):
    """How long a call took."""

    unit: Literal["s", "ms", "us", "ns"] = Field(alias="as")


class Flag(Value):
    """Yes or no: true and false, or the words of `map`; any other word is `otherwise`, or refused."""

    map: dict[str, Literal["true", "false"]] | None = None
    otherwise: Literal["true", "false"] | None = None


class Outcome(Value):
    """How the call ended: an HTTP status, or the words of `map`; any other word is `otherwise`, or refused."""

    unit: Literal["http_status"] | None = Field(None, alias="as")
    map: dict[str, Status] | None = None
    otherwise: Status | None = None


class Fields(Strict):
    """The columns of raw.generic_jsonl__events that a file fills; what it does not name is NULL, not observable."""

    id: Annotated[Text, BeforeValidator(_at)]
    started_at: Annotated[Time, BeforeValidator(_at)]
    model: Annotated[Text, BeforeValidator(_at)]
    provider: Annotated[Text, BeforeValidator(_at)] | None = None
    service_tier: Annotated[Text, BeforeValidator(_at)] | None = None
    ended_at: Annotated[Time, BeforeValidator(_at)] | None = None
    duration_seconds: Annotated[Duration, BeforeValidator(_at)] | None = None
    updated_at: Annotated[Time, BeforeValidator(_at)] | None = None
    status: Annotated[Outcome, BeforeValidator(_at)] = Outcome(constant="success")
    is_cache_hit: Annotated[Flag, BeforeValidator(_at)] | None = None
    is_estimated: Annotated[Flag, BeforeValidator(_at)] | None = None
    input_tokens: Annotated[Count, BeforeValidator(_at)]
    cache_read_tokens: Annotated[Count, BeforeValidator(_at)] | None = None
    cache_write_tokens: Annotated[Count, BeforeValidator(_at)] | None = None
    cache_write_1h_tokens: Annotated[Count, BeforeValidator(_at)] | None = None
    output_tokens: Annotated[Count, BeforeValidator(_at)]
    reasoning_tokens: Annotated[Count, BeforeValidator(_at)] | None = None
    total_tokens: Annotated[Count, BeforeValidator(_at)] | None = None
    reported_usd: Annotated[Money, BeforeValidator(_at)] | None = None
    user_email: Annotated[Text, BeforeValidator(_at)] | None = None
    user_id: Annotated[Text, BeforeValidator(_at)] | None = None
    key_alias: Annotated[Text, BeforeValidator(_at)] | None = None
    key_hash: Annotated[Text, BeforeValidator(_at)] | None = None
    team_id: Annotated[Text, BeforeValidator(_at)] | None = None
    task_id: Annotated[Text, BeforeValidator(_at)] | None = None
    task_type: Annotated[Text, BeforeValidator(_at)] | None = None
    tags: Annotated[Value, BeforeValidator(_at)] | None = None
    session_id: Annotated[Text, BeforeValidator(_at)] | None = None
    is_session_sent: Annotated[Flag, BeforeValidator(_at)] | None = None
    agent_name: Annotated[Text, BeforeValidator(_at)] | None = None
    provider_response_id: Annotated[Text, BeforeValidator(_at)] | None = None
    provider_request_id: Annotated[Text, BeforeValidator(_at)] | None = None


class Condition(Strict):
    """What a value of `where` must be: one of some texts, none of them, there at all."""

    one_of: Annotated[list[str], BeforeValidator(_listed)] | None = Field(None, alias="is")
    none_of: Annotated[list[str], BeforeValidator(_listed)] | None = Field(None, alias="not")
    exists: Literal["true", "false"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Condition":
        if not self.model_fields_set:
            raise ValueError("expected at least one of is, not, exists")
        return self


def _is(value: Any) -> Any:
    """`path: text` and `path: [text, ...]` are short for `path: {is: ...}`."""
    return value if isinstance(value, dict) or value is None else {"is": value}


def _usable(name: str) -> str:
    if not NAME.fullmatch(name) or len(name) > 40 or name == "events":
        raise ValueError("expected lower-case words with _ between, at most 40 characters, and not 'events'")
    return name


class Declaration(Strict):
    """One file: a source, where its records lie, which of them count, and where their values stand."""

    name: Annotated[str, AfterValidator(_usable)]
    location: Annotated[str, Field(min_length=1)]
    title: str | None = None
    observer_layer: Literal["gateway", "agent", "provider", "server"] = "gateway"
    restated_days: Annotated[int, Field(ge=0, le=31)] = 2
    missing: list[str] = []
    json_texts: list[Steps] = []
    where: dict[Steps, Annotated[Condition, BeforeValidator(_is)]] = {}
    fields: Fields


# --- Reading one, and what is wrong with it


class Mistaken(Exception):
    """A mapping cannot be used. The message says file, line, field and what was expected, one mistake a line.

    name  what the file says its name is, when that can be used
    """

    def __init__(self, why: str, name: str | None = None):
        super().__init__(why)
        self.name = name


def read(file: Path) -> tuple[Declaration, int]:
    """What a file declares, and the line of its location. Raises Mistaken."""
    lines: dict[tuple, int] = {}
    try:
        data = _plain(file.read_text(encoding="utf-8"), lines)
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise Mistaken(f"{file.name}{place}: expected YAML that can be read ({problem}).") from error
    except _NotPlain as error:
        raise Mistaken(f"{file.name}, {error}") from error
    try:
        return Declaration.model_validate(data), _line(lines, ("location",))
    except ValidationError as error:
        wrong = [f"{file.name}, line {_line(lines, one['loc'])}: {_worded(one)}" for one in error.errors()]
        at_name = any(one["loc"][:1] == ("name",) for one in error.errors())
        is_named = isinstance(data, dict) and not at_name
        raise Mistaken("\n".join(wrong), data["name"] if is_named else None) from error


class _NotPlain(Exception):
    """Something that YAML allows and we do not; begins with the line."""


def _plain(text: str, lines: dict[tuple, int]) -> Any:
    """Dictionaries, lists and texts as they are written (YAML's own types would make `no` false), and their lines."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _NotPlain(f"line {line}: *{event.anchor}: expected no aliases.")
    return _node(yaml.compose(text, Loader=yaml.SafeLoader), (), lines)


def _node(node: yaml.Node | None, at: tuple, lines: dict[tuple, int]) -> Any:
    if node is None:
        return None
    lines.setdefault(at, node.start_mark.line + 1)
    if len(at) > DEEPEST:
        raise _NotPlain(f"line {lines[at]}: expected less nesting.")
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_node(item, (*at, number), lines) for number, item in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise _NotPlain(f"line {line}: expected a name before the colon.")
        if key.value in found:
            raise _NotPlain(f"line {line}: {key.value}: stands here twice: expected it once.")
        lines[(*at, key.value)] = line
        found[key.value] = _node(value, (*at, key.value), lines)
    return found


def _line(lines: dict[tuple, int], at: tuple) -> int:
    """The line of a place, or of the closest one around it that the file has."""
    while at and at not in lines:
        at = at[:-1]
    return lines.get(at, 1)


def _worded(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors as `field: what stands there: what was expected`."""
    at = [part for part in error["loc"] if part != "[key]"]
    field = ".".join(str(part) for part in at) or "the file"
    if error["type"] == "missing":
        return f"{field}: is missing: expected {_wanted(at)}."
    if error["type"] == "extra_forbidden":
        return f"{field}: is not known: expected one of {', '.join(_names(at[:-1]))}."
    words = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    shown = "nothing" if error["input"] is None else f"'{str(error['input'])[:60]}'"
    shown = "" if isinstance(error["input"], dict) else f" is {shown}:"
    return f"{field}:{shown} {words}."


def _kind(at: list) -> Any:
    """The class that says what stands at a place."""
    kinds: list[type[BaseModel]] = [Declaration]
    for part in at:
        known = kinds[-1].model_fields.get(part) if kinds else None
        inner = Condition if "where" in at else known and known.annotation
        kinds.append(next((k for k in _classes(inner)), Strict))
    return kinds[-1]


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _classes(inner)


def _names(at: list) -> list[str]:
    """The keys that a place may have."""
    return sorted(field.alias or name for name, field in _kind(at).model_fields.items())


def _wanted(at: list) -> str:
    """What a place that is not there was to hold."""
    if at[-1] == "as":
        return f"one of {', '.join(get_args(Duration.model_fields['unit'].annotation))}"
    if len(at) == 1:
        return {"name": "a name", "location": "a folder or s3://bucket/prefix"}.get(at[0], "fields and their paths")
    return "the path at which it stands"
