"""What a source is made of.

A source is declared, not programmed: which variables configure it, and which feeds it has. The tools that read a feed
(`_logs` for files of JSON lines, `_api` for reports over HTTP, `_csv` for reports in files) take everything they need
from the declaration.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors._files import LOG_ENDINGS


@dataclass(frozen=True)
class Field:
    """One column of a feed's lake files.

    type      what it becomes: VARCHAR, BIGINT (a count: whole and not negative), BOOLEAN, DECIMAL(18,9) (USD),
              EPOCH (seconds since 1970) and ISO (2026-11-20T12:00:00Z, UTC where no zone is given), both kept as
              TIMESTAMP in UTC, VARCHAR[] (from a JSON list)
    leaf      SQL over the JSON columns that gives the value as text
    required  a record without it is quarantined
    value     SQL text -> SQL of its value (of an EPOCH: its seconds), where a cast does not do; NULL where it has none
    expected  what a refusal says was expected, where `value` asks for something else than the type does
    kept      false for what only `in_file` needs: no column of the lake
    """

    type: str
    leaf: str
    required: bool = False
    value: Callable[[str], str] | None = None
    expected: str | None = None
    kept: bool = True

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the column in the lake."""
        return "TIMESTAMP" if self.type in ("EPOCH", "ISO") else self.type


@dataclass(frozen=True)
class LogFeed:
    """Records that a gateway or an agent writes as JSON lines below one folder or bucket prefix.

    variable       environment variable with the folder or `s3://` prefix
    json_columns   what DuckDB reads of each record: top-level key -> DuckDB type; leaves stay text, so that a wrong
                   type shows as a reason instead of as a silent NULL; JSON for what SQL looks into (a text that is no
                   JSON would stop the query, and its whole file). None at all means that the whole record is the one
                   JSON column `record`, for who finds values by paths that are data
    file_names     regular expression for the keys of its files; other files below the place are not its business
    endings        how names of those end that can be read; the others are told as unreadable
    unnested       name -> SQL giving a list, each over those before it: a line holds a list of records
    parsed         name -> SQL over the JSON columns: what several fields share, worked out once per record
    records        SQL condition over all of these: what is no record of this feed is passed over; all are when empty
    counts_skipped the records passed over are counted, for who wrote the condition wants to know
    fields         column of the lake -> Field, over the JSON columns and `parsed`
    in_file        column of the lake -> Field whose leaf is SQL over the fields of all records of a file, typed; the
                   window `in_file` has them in the order of its lines
    kept_if        SQL condition over the same: other records were only read for what they say about these
    grows          files are appended to for days: each is read by itself when it changed, and its records lie in the
                   lake with those of all files below the same first folder (whose they are)
    recorded_at    the time whose UTC date decides the lake day
    record_id      the field that names a record in the quarantine
    shapes         (condition, reason): a record for which the SQL condition over the JSON columns is true is refused
                   for the reason, SQL giving text
    rules          likewise, over the fields
    model_names    the two fields with the provider and the model as the source calls them
    restated_days  for so many days a finished day may still change
    over_http      the same records from an API, for who has no files; used where `variable` is not set
    from_http      what makes a record, as the files hold it, of one of its rows
    reading        whatever else decides what is read of a file: when it changes, files are read again
    location       the folder or prefix, where no variable says it; `located_by` is how errors call what says it
    refusal        why the feed cannot be read as it is declared: every load of it fails with this
    members        environment -> the feeds that it names, for a family of feeds that share this one's shape and its
                   raw relation. What was loaded of one stays in the relation when it is no longer named
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
    file_names: str = ""
    endings: tuple[str, ...] = LOG_ENDINGS
    unnested: Mapping[str, str] = field(default_factory=dict)
    records: str = ""
    counts_skipped: bool = False
    in_file: Mapping[str, Field] = field(default_factory=dict)
    kept_if: str = ""
    grows: bool = False
    shapes: tuple[tuple[str, str], ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    restated_days: int = 2
    over_http: "ApiFeed | None" = None
    from_http: Callable[[dict], dict] | None = None
    reading: str = ""
    location: str | None = None
    located_by: str | None = None
    refusal: str | None = None
    members: Callable[[Mapping[str, str]], tuple["LogFeed", ...]] | None = None

    @property
    def table(self) -> str:
        """`<source>__<feed>`: the name of the folder in the lake and of the raw relation."""
        return f"{self.source}__{self.name}"

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """Sets of variables, any of which configures this feed; the first set that is there is used."""
        return ((self.variable,), *(self.over_http.needs if self.over_http else ()))

    @property
    def schema(self) -> dict[str, str]:
        """Columns of the lake files and their DuckDB types; `_file` and `_line` say where a record came from."""
        columns = {name: f.sql_type for name, f in {**self.fields, **self.in_file}.items() if f.kept}
        return columns | {"_file": "VARCHAR", "_line": "BIGINT"}


@dataclass(frozen=True)
class Api:
    """How to talk to one provider's HTTP API.

    base_url_variable    environment variable with the address, `base_url` its default ("" if there is none)
    key_variable         environment variable with the secret; None where there is none
    headers              sent with every request; `{key}` stands for the secret, `{basic}` for it as HTTP Basic takes
                         a user without a password; left out where there is no secret
    key_hint             which kind of key it takes and who can make one: what a refusal says
    key_is_optional      it answers without a key, too
    settings             name -> environment variable with something else it takes (an organisation, a project).
                         `{name}` in a path stands for it; with commas between several values, each is asked for
    token                makes the secret of a request where that is not the text of `key_variable`
    requests_per_minute  no more are sent
    """

    base_url_variable: str
    base_url: str
    key_variable: str | None
    headers: Mapping[str, str]
    key_hint: str
    key_is_optional: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    token: Callable[[Mapping[str, str]], str] | None = None
    requests_per_minute: int | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The variables that have no default."""
        key = (self.key_variable,) if self.key_variable and not self.key_is_optional else ()
        return (*(() if self.base_url else (self.base_url_variable,)), *key, *self.settings.values())


@dataclass(frozen=True)
class Window:
    """How a report is asked for days.

    start, end     the parameters; `end` is None where a request is for one day, `start` too where every answer has
                   all that the API knows
    end_is_last    `end` is the last day; else it is the one after it
    style          how they write a time: `iso` (2026-11-20T00:00:00Z), `date` (2026-11-20), `datetime`
                   (2026-11-20 00:00:00), `epoch` (seconds), `epoch_ms` or `parts` (three numbers: year, month, day)
    days           the most days of one request
    bucket         where the answer says which day a row is of, in the same style; None: the day that was asked for
    oldest         the API knows nothing of earlier days
    oldest_days    nor of days longer ago than this
    kept_days      what is longer ago than this it forgets without saying so: such days are not asked for
    """

    start: str | None
    end: str | None
    style: str
    days: int
    bucket: str | None
    oldest: date = date(2020, 1, 1)
    oldest_days: int = 3650
    end_is_last: bool = False
    kept_days: int | None = None


@dataclass(frozen=True)
class Column:
    """One column of an API feed.

    type      VARCHAR, BOOLEAN, BIGINT (a count: whole and not negative), USD or CENTS (decimal dollars in the lake),
              DECIMAL (any other number)
    at        where the value stands in a row: keys with dots between; what holds the row is searched, too. Of a CSV
              the column's name; with | between several, the first that is there. `$name`: a setting of the API
    required  a row without it means that the API has changed
    """

    type: str
    at: str
    required: bool = False

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the column in the lake."""
        return "DECIMAL(38,12)" if self.type in ("USD", "CENTS", "DECIMAL") else self.type


@dataclass(frozen=True)
class ApiFeed:
    """A report of a provider: rows per UTC day, or a list of things as they are now.

    path           below the base address; `{id}` stands for the ids of `parent`, one request each
    method         GET, or POST with the parameters as JSON
    params         sent with every request. The grouping is a part of a row's identity: changing it means a new feed
    window         how to ask for days; None for a list, which is kept under the as-of day
    entries        where the list is in an answer; None when the answer is the one entry
    entries_of     what makes the entries of an answer that is nested in another way
    links          key of an answer with addresses of files of JSON lines, which are the entries; they are fetched
                   without the key
    ask            gives the answers for the days from a first to a last one, where that takes more than pages
    rows           key of the list inside an entry; None when the entries are the rows
    cursor         parameter that asks for the next page, and the key of the answer that holds its value
    more           key of an answer that is true when there is another page; None: when there is a cursor
    page_count     where an answer says how many pages there are, when `cursor`'s parameter is the page's number
    capped         key of an answer that is true when there is more than pages can reach: ask for less time
    watermark      key of the answer with the time up to which the source says that it is complete
    restated_days  for so many days a finished day may still change, so every run asks for them again
    headers        more of them than the API needs everywhere
    model_name     the column with the model as the source calls it
    fallback_for   the feed whose days this one fills when that one cannot
    may_be_missing not every organisation has this report: then it is no failure
    """

    source: str
    name: str
    description: str
    api: Api
    path: str
    columns: Mapping[str, Column]
    method: str = "GET"
    params: Mapping[str, Any] = field(default_factory=dict)
    window: Window | None = None
    entries: str | None = "data"
    entries_of: Callable[[dict], Iterable[dict]] | None = None
    links: str | None = None
    ask: Callable[[Any, "ApiFeed", date, date], Iterable[dict]] | None = None
    rows: str | None = None
    cursor: tuple[str, str] = ("page", "next_page")
    more: str | None = "has_more"
    page_count: str | None = None
    capped: str | None = None
    watermark: str | None = None
    restated_days: int = 3
    headers: Mapping[str, str] = field(default_factory=dict)
    model_name: str | None = None
    parent: "ApiFeed | None" = None
    fallback_for: "ApiFeed | None" = None
    may_be_missing: bool = False

    @property
    def table(self) -> str:
        """`<source>__<feed>`: the name of the folder in the lake and of the raw relation."""
        return f"{self.source}__{self.name}"

    @property
    def asked_by(self) -> Window:
        """The window of a report. Raises TypeError for a list, which has none."""
        if self.window is None:
            raise TypeError(f"{self.table} is a list and has no window of days")
        return self.window

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """The one set of variables that configures this feed."""
        return (self.api.needs,)

    @property
    def schema(self) -> dict[str, str]:
        """Columns of the lake files and their DuckDB types. `known_at`: when the source said so."""
        return {name: column.sql_type for name, column in self.columns.items()} | {"known_at": "TIMESTAMP"}


@dataclass(frozen=True)
class CsvFeed:
    """A report that lies in a folder or bucket prefix as CSV files with a header: exported by hand or by a job.

    Exports may overlap. An account's day is what the export says that reaches furthest (of those the newest): it was
    exported last.

    variable       environment variable with the folder or `s3://` prefix
    files          a regular expression for the names of its files, for several reports may lie in one folder
    part           what of a file's key says only which part of an export it is, where one may be split into several
    account        the columns with what exports are about: one tells nothing of the days of others
    day            the column with the day, which its text begins with (2026-11-20 or 20261120); `|` as in Column
    keep           column -> regular expression: other lines are about something else
    restated_days  0: a folder says nothing about days that no file has
    """

    source: str
    name: str
    variable: str
    description: str
    files: str
    day: str
    columns: Mapping[str, Column]
    account: tuple[str, ...]
    part: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    restated_days: int = 0
    model_name: str | None = None

    @property
    def table(self) -> str:
        """`<source>__<feed>`: the name of the folder in the lake and of the raw relation."""
        return f"{self.source}__{self.name}"

    @property
    def needs(self) -> tuple[tuple[str, ...], ...]:
        """The one variable that configures this feed."""
        return ((self.variable,),)

    @property
    def schema(self) -> dict[str, str]:
        """Columns of the lake files and their DuckDB types. `known_at`: when the files were read."""
        return {name: column.sql_type for name, column in self.columns.items()} | {"known_at": "TIMESTAMP"}


Feed = LogFeed | ApiFeed | CsvFeed
Report = ApiFeed | CsvFeed  # what has versions of days


def is_set(needs: Sequence[Sequence[str]], environ: Mapping[str, str]) -> bool:
    """True when all variables of any of these sets are there."""
    return any(all(environ.get(variable) for variable in variables) for variables in needs)


def in_words(needs: Sequence[Sequence[str]]) -> str:
    """A, or B and C."""
    return ", or ".join(" and ".join(variables) for variables in needs)


@dataclass(frozen=True)
class Source:
    """A system that knows about usage. `feeds` are what it offers."""

    name: str
    title: str
    feeds: tuple[Feed, ...] = field(default=())

    def feeds_in(self, environ: Mapping[str, str]) -> tuple[Feed, ...]:
        """Every feed, configured or not; in place of a family its members, where it is configured."""
        feeds: list[Feed] = []
        for feed in self.feeds:
            if isinstance(feed, LogFeed) and feed.members and is_set(feed.needs, environ):
                feeds += feed.members(environ)
            else:
                feeds.append(feed)
        return tuple(feeds)

    def configured_feeds(self, environ: Mapping[str, str]) -> tuple[Feed, ...]:
        """The feeds whose variables are all set."""
        return tuple(feed for feed in self.feeds_in(environ) if is_set(feed.needs, environ))

    def is_configured(self, environ: Mapping[str, str]) -> bool:
        """True when any feed is."""
        return any(is_set(feed.needs, environ) for feed in self.feeds)
