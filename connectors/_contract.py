"""What a source is made of.

A source is declared, not programmed: which variables configure it, and which feeds it has. The tools that read a feed
(`_logs` for files of JSON lines) take everything they need from the declaration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Field:
    """One column of a feed's lake files.

    type      what it becomes: VARCHAR, BIGINT (a count: whole and not negative), BOOLEAN, DECIMAL(18,9) (USD),
              EPOCH (seconds since 1970, kept as TIMESTAMP in UTC), VARCHAR[] (from a JSON list)
    leaf      SQL over the JSON columns that gives the value as text
    required  a record without it is quarantined
    """

    type: str
    leaf: str
    required: bool = False

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the column in the lake."""
        return "TIMESTAMP" if self.type == "EPOCH" else self.type


@dataclass(frozen=True)
class LogFeed:
    """Records that a gateway or an agent writes as JSON lines below one folder or bucket prefix.

    variable       environment variable with the folder or `s3://` prefix
    json_columns   what DuckDB reads of each record: top-level key -> DuckDB type; leaves stay text, so that a wrong
                   type shows as a reason instead of as a silent NULL; JSON for what SQL looks into (a text that is no
                   JSON would stop the query, and its whole file)
    parsed         name -> SQL over the JSON columns: what several fields share, worked out once per record
    fields         column of the lake -> Field, over the JSON columns and `parsed`
    recorded_at    the EPOCH field whose UTC date decides the lake day
    record_id      the field that names a record in the quarantine
    shapes         (condition, reason): a record for which the SQL condition over the JSON columns is true is refused
                   for the reason, SQL giving text
    rules          likewise, over the fields
    model_names    the two fields with the provider and the model as the source calls them
    restated_days  for so many days a finished day may still change
    """

    source: str
    name: str
    variable: str
    description: str
    json_columns: Mapping[str, str]
    fields: Mapping[str, Field]
    recorded_at: str
    record_id: str
    model_names: tuple[str, str]
    parsed: Mapping[str, str] = field(default_factory=dict)
    shapes: tuple[tuple[str, str], ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    restated_days: int = 2

    @property
    def table(self) -> str:
        """`<source>__<feed>`: the name of the folder in the lake and of the raw relation."""
        return f"{self.source}__{self.name}"

    @property
    def schema(self) -> dict[str, str]:
        """Columns of the lake files and their DuckDB types; `_file` and `_line` say where a record came from."""
        return {name: f.sql_type for name, f in self.fields.items()} | {"_file": "VARCHAR", "_line": "BIGINT"}


@dataclass(frozen=True)
class Source:
    """A system that knows about usage. `feeds` are what it offers; `needs` says in words how to configure it."""

    name: str
    title: str
    needs: str
    feeds: tuple[LogFeed, ...] = field(default=())

    def is_configured(self, environ: Mapping[str, str]) -> bool:
        """True when every variable that a feed needs is set."""
        return all(environ.get(feed.variable) for feed in self.feeds)
