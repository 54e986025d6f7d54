"""Reports over HTTP: patience with a busy provider, pages to the end, days per request, nested JSON to typed rows.

A pull is all or nothing: every page is read before the caller sees a row, so a failure leaves no half-known day.
"""

import base64
import json
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from connectors._contract import Api, ApiFeed, Column
from connectors._errors import LATER, SourceChanged, SourceRefused, SourceUnavailable

BUSY = (429, 500, 502, 503, 504, 529)
TRIES = 5
CONNECT_TRIES, READ_TRIES = 1, 2  # where nobody answers, pipelines/assets/feeds.py asks again after a longer pause
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 120  # a provider that asks for more is asked again by the next run
TIMEOUT_SECONDS = (10, 60)
MINUTE_SECONDS = 60.0
MOST_PAGES = 10_000
LARGEST_ANSWER_BYTES = 256 * 1024**2  # unpacked; a page of any report is far smaller
BYTES_AT_ONCE = 1024**2
LARGEST_COUNT = 2**63 - 1
LARGEST_USD = 10**15
MOST_DIGITS = 100  # after the point

LOOK = "Nothing of this pull is kept; a developer must look at"


class _Patience(Retry):
    RETRY_AFTER_STATUS_CODES = Retry.RETRY_AFTER_STATUS_CODES | {403}


class NotOffered(SourceRefused):
    """The API does not have this report, or not for this organisation."""


@dataclass
class Answer:
    """What a pull brought: rows of every day asked for (a day without any is an empty list), and what it cost."""

    days: dict[date, list[dict[str, Any]]] = field(default_factory=dict)
    watermark: datetime | None = None
    requests_made: int = 0


class Client:
    """One provider's API with this deployment's address, key and settings. The key never leaves the headers."""

    def __init__(self, api: Api, environ: Mapping[str, str]):
        self.api = api
        self.environ = environ
        address = (environ.get(api.base_url_variable) or api.base_url).rstrip("/")
        [(scheme, user, rest)] = re.findall(r"\A(\w+://)?(?:(.*)@)?(.*)\Z", address, re.DOTALL)
        self.base_url = f"{scheme}{rest}"
        self.settings = {
            name: [value.strip() for value in environ[variable].split(",") if value.strip()]
            for name, variable in api.settings.items()
        }
        for name, variable in api.settings.items():
            if not self.settings[name]:
                raise SourceRefused(f"{variable} is '{environ[variable]}', which names nothing. Correct {variable}.")
        self.requests_made = 0
        self._sent_at: deque[float] = deque(maxlen=api.requests_per_minute)
        key = environ.get(api.key_variable, "").strip() if api.key_variable else ""
        if key and not re.fullmatch(r"[!-~]+", key):
            raise SourceRefused(f"{api.key_variable} holds a character that no key has: copy it again.")
        secret = api.token(environ) if api.token else key
        basic = base64.b64encode(f"{secret}:".encode()).decode()
        self._secrets = {text for text in (key, secret, basic) if secret and text}
        filled = {name: text.format(key=secret, basic=basic) for name, text in api.headers.items()}
        self._headers = {name: text for name, text in filled.items() if secret or text == api.headers[name]}
        if user:
            basic = base64.b64encode(unquote(user).encode()).decode()
            self._headers["Authorization"] = f"Basic {basic}"
            passwords = {text.partition(":")[2] for text in (user, unquote(user))}
            self._secrets |= {text for text in (user, unquote(user), basic, *passwords) if text}
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "paceline"
        patience = _Patience(
            total=TRIES,
            connect=CONNECT_TRIES,
            read=READ_TRIES,
            backoff_factor=BACKOFF_SECONDS,
            backoff_jitter=BACKOFF_SECONDS,
            status_forcelist=BUSY,
            allowed_methods={"GET", "POST"},  # a POST here asks a question, too
            raise_on_status=False,
            retry_after_max=LONGEST_WAIT_SECONDS,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=patience))

    def paths(self, feed: ApiFeed, path: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The path with every combination of the settings that it names, and these."""
        names = [name for name in self.settings if f"{{{name}}}" in path]
        for values in product(*(self.settings[name] for name in names)):
            chosen = dict(zip(names, values, strict=True))
            yield path.format(**{name: value.strip("/") for name, value in chosen.items()}), chosen

    def pages(self, feed: ApiFeed, path: str, params: Mapping[str, Any]) -> Iterator[dict]:
        """Every page of one query, which stays the same but for its cursor."""
        parameter, key = feed.cursor
        cursors: set[Any] = set()
        cursor: Any = None
        while True:
            page = self.ask(feed, path, params if cursor is None else {**params, parameter: cursor})
            if page is None:
                return
            yield page
            if feed.page_count:
                cursor = self._next_number(feed, path, page, cursor or 1)
                if cursor is None:
                    return
                continue
            if not page.get(feed.more or key):
                return
            cursor = new_cursor(path, page, key, cursors)

    def entries(self, feed: ApiFeed, path: str, page: dict) -> list[dict]:
        """What an answer lists, wherever it has it."""
        if feed.links:
            return [entry for address in _list(feed, path, page, feed.links) for entry in self._lines(feed, address)]
        if not feed.entries_of:
            return [page] if feed.entries is None else _list(feed, path, page, feed.entries)
        with _shape_known(feed, path):
            return list(feed.entries_of(page))

    def ask(self, feed: ApiFeed, path: str, params: Mapping[str, Any], method: str | None = None) -> dict | None:
        """One answer; None where the provider says that there is nothing (204)."""
        method = method or feed.method
        asked = f"{method} {self.base_url}{path}"
        if method == "POST":
            text = self._send(asked, f"{self.base_url}{path}", {**self._headers, **feed.headers}, dict(params))
        else:
            # Brackets and = stay as they are: OpenAI refuses a cursor whose padding was escaped.
            query = urlencode(params, doseq=True, safe="=[]:")
            address = f"{self.base_url}{path}" + (f"?{query}" if query else "")
            text = self._send(asked, address, {**self._headers, **feed.headers})
        if text is None:
            return None
        page = self._json(asked, text)
        if not isinstance(page, dict):
            raise SourceChanged(f"{asked} answered JSON that is no object. A developer must look at {feed.table}.")
        return page

    def _lines(self, feed: ApiFeed, address: str) -> Iterator[dict]:
        # The address is signed and as good as a key: it stays out of every message.
        try:
            parts = urlsplit(str(address))
        except ValueError:
            parts = urlsplit("")
        # Not to plain http from an API that is not: there are the services inside a network that ask for no key.
        if parts.scheme not in ("https", urlsplit(self.base_url).scheme):
            raise SourceChanged(f"{feed.path} answered a link that is no https address. {LOOK} {feed.table}.")
        self._secrets |= {text for text in (address, parts.query, f"{parts.path}?{parts.query}") if text}
        asked = f"GET a file of {feed.path} at {parts.hostname}"
        # JSON of a line may hold what splitlines takes for the end of one.
        for line in (self._send(asked, address, {}) or "").split("\n"):
            if line.strip():
                entry = self._json(asked, line)
                if not isinstance(entry, dict):
                    raise SourceChanged(f"{asked} has a line that is no object. {LOOK} {feed.table}.")
                yield entry

    def _next_number(self, feed: ApiFeed, path: str, page: dict, number: Any) -> int | None:
        pages = _find(page, feed.page_count or "")
        if not isinstance(pages, int) or pages > MOST_PAGES:
            raise SourceChanged(f"{path} answered '{pages}' for '{feed.page_count}'. {LOOK} {feed.table}.")
        if number < pages and not self.entries(feed, path, page):
            raise SourceUnavailable(f"{path}: page {number} of {pages} is empty, rows went away meanwhile. {LATER}")
        return number + 1 if number < pages else None

    def _send(self, asked: str, address: str, headers: Mapping, body: dict | None = None) -> str | None:
        """The text of an answer; None where the provider says that there is nothing (204)."""
        self._wait_for_turn()
        method = "GET" if body is None else "POST"
        for last in (False, False, True):
            try:
                response = self._session.request(
                    method, address, headers=dict(headers), json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False,
                    stream=True,
                )  # fmt: skip
                content = self._read(asked, response)
                break
            except requests.exceptions.ChunkedEncodingError as error:
                # Cut off in the middle of the body, where urllib3 does not try again by itself.
                if last:
                    raise SourceUnavailable(f"{asked} was cut off ({self._safe(error)}). {LATER}") from error
            except (requests.RequestException, UnicodeError) as error:
                raise SourceUnavailable(f"{asked} failed ({self._safe(_cause(error))}). {LATER}") from error
        self.requests_made += 1 + len(response.raw.retries.history if response.raw.retries else ())
        text = content.decode(errors="replace")
        self._refuse(asked, response, text)
        return None if response.status_code == 204 else text

    def _read(self, asked: str, response: requests.Response) -> bytes:
        """The body, unpacked; a few packed megabytes may stand for more than there is memory."""
        with response:
            content = bytearray()
            for chunk in response.iter_content(BYTES_AT_ONCE):
                content += chunk
                if len(content) > LARGEST_ANSWER_BYTES:
                    raise SourceChanged(
                        f"{asked} answered more than {LARGEST_ANSWER_BYTES // 1024**2} MiB. Nothing of this pull is "
                        f"kept; check {self.api.base_url_variable} and what stands between, or a developer must look."
                    )
            return bytes(content)

    def _wait_for_turn(self) -> None:
        if self._sent_at.maxlen and len(self._sent_at) == self._sent_at.maxlen:
            time.sleep(max(0.0, self._sent_at[0] + MINUTE_SECONDS - time.monotonic()))
        self._sent_at.append(time.monotonic())

    def _json(self, asked: str, text: str) -> Any:
        try:
            return json.loads(text, parse_float=Decimal)
        except RecursionError as error:
            raise SourceChanged(f"{asked} answered JSON that is nested too deep. {LOOK} it.") from error
        except ValueError as error:
            start = self._safe(text[:80])
            if text.lstrip().startswith("<"):
                raise SourceRefused(
                    f"{asked} answered a web page instead of JSON ({start}). Check {self.api.base_url_variable} and "
                    "what stands between (proxy, login)."
                ) from error
            raise SourceUnavailable(f"{asked} answered no whole JSON ({start}). {LATER}") from error

    def _refuse(self, asked: str, response: requests.Response, text: str) -> None:
        status = response.status_code
        if status < 300:
            return
        said = f"{asked} answered {status}: {self._safe(text[:300])}"
        headers = response.headers
        is_limited = "Retry-After" in headers or headers.get("x-ratelimit-remaining") == "0"  # GitHub's 403
        if status in BUSY or status == 408 or (status == 403 and is_limited):
            raise SourceUnavailable(f"{said}. {LATER}")
        if status in (401, 403):
            raise SourceRefused(f"{said}. {self.api.key_variable or 'The key'} must be {self.api.key_hint}.")
        if status < 400:
            # The key is not for whoever stands at the other address.
            raise SourceRefused(f"{said}. Check {self.api.base_url_variable} and what stands between (proxy, login).")
        if status == 404:
            raise NotOffered(f"{said}. This organisation may not have this report.")
        raise SourceRefused(f"{said}. Retrying does not help.")

    def _safe(self, text: object) -> str:
        said = str(text)
        for secret in sorted(self._secrets, key=len, reverse=True):
            said = said.replace(secret, "***")
        return " ".join(said.split())


def _cause(error: Exception) -> Exception:
    """What went wrong, without the words of those who tried again."""
    return getattr(error.args[0], "reason", error) if error.args else error


def new_cursor(asked: str, page: Mapping[str, Any], key: str, seen: set[Any]) -> Any:
    """The page's cursor to the next one, added to those seen. Raises SourceChanged where it leads nowhere new."""
    cursor = page.get(key)
    is_one = isinstance(cursor, str | int) and cursor and str(cursor).isprintable()
    if not is_one or cursor in seen or len(seen) > MOST_PAGES:
        raise SourceChanged(
            f"{asked} says that there is more and gives no new '{key}' after {len(seen) + 1} pages: "
            f"nothing of this pull is kept. The next run tries again; if it stays, a developer must look."
        )
    seen.add(cursor)
    return cursor


def read_days(client: Client, feed: ApiFeed, days: Iterable[date]) -> Answer:
    """Pull days of a report in as few requests as its windows allow. Days next to them may come along.

    Raises SourceUnavailable, SourceRefused (NotOffered if there is no such report) or SourceChanged.
    """
    answer = Answer()
    before = client.requests_made
    for first, last in windows(sorted(days), feed.asked_by.days):
        span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        answer.days.update({day: [] for day in span})
        for path, page, chosen in _answers(client, feed, first, last):
            for outer in client.entries(feed, path, page):
                day = _day(feed, outer) if feed.asked_by.bucket else first
                if day in answer.days:  # a report may answer more than it was asked for
                    answer.days[day] += _rows(feed, outer, chosen)
            if feed.watermark and page.get(feed.watermark):
                answer.watermark = _time(feed, page[feed.watermark])
    answer.requests_made = client.requests_made - before
    return answer


def _answers(client: Client, feed: ApiFeed, first: date, last: date) -> Iterator[tuple[str, dict, dict]]:
    """(path, page, settings in the path) of every page about these days."""
    if feed.ask:
        with _shape_known(feed, feed.path):
            pages = list(feed.ask(client, feed, first, last))
        yield from ((feed.path, page, {}) for page in pages)
        return
    window = feed.asked_by
    params: dict[Any, Any] = dict(feed.params)
    if window.style == "parts":
        params |= {"year": first.year, "month": first.month, "day": first.day}
    elif window.start:
        params[window.start] = _written(first, window.style)
    if window.end:
        params[window.end] = _written(last if window.end_is_last else last + timedelta(days=1), window.style)
    for path, chosen in client.paths(feed, feed.path):
        yield from ((path, page, chosen) for page in client.pages(feed, path, params))


def read_records(client: Client, feed: ApiFeed, start: datetime, end: datetime) -> Iterator[dict]:
    """Every row of a time span as the API answers it, `end` excluded; shorter spans where pages do not reach.

    Raises as `read_days` does.
    """
    window = feed.asked_by
    span: dict[Any, Any] = {window.start: _written(start, window.style), window.end: _written(end, window.style)}
    for page in client.pages(feed, feed.path, {**feed.params, **span}):
        if feed.capped and page.get(feed.capped) and end - start > timedelta(seconds=1):
            middle = start + timedelta(seconds=(end - start) // timedelta(seconds=2))
            yield from read_records(client, feed, start, middle)
            yield from read_records(client, feed, middle, end)
            return
        for row in client.entries(feed, feed.path, page):
            # Both ends are asked for, and one of them belongs to the next span.
            if start <= _time(feed, _find(row, feed.asked_by.bucket or "")) < end:
                yield row


def read_list(client: Client, feed: ApiFeed, today: date) -> Answer:
    """Pull a list as it is now. Raises as `read_days` does."""
    before = client.requests_made
    paths = list(client.paths(feed, feed.path)) if not feed.parent else [
        (feed.path.format(id=quote(str(parent["id"]), safe="")), {})
        for parent in read_list(client, feed.parent, today).days[today]
    ]  # fmt: skip
    rows = [
        row for path, chosen in paths for page in client.pages(feed, path, feed.params)
        for outer in client.entries(feed, path, page) for row in _rows(feed, outer, chosen)
    ]  # fmt: skip
    return Answer({today: rows}, requests_made=client.requests_made - before)


def windows(days: list[date], size: int) -> list[tuple[date, date]]:
    """(first, last) of as few windows of at most `size` days as cover these sorted days."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and (day - found[-1][0]).days < size:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


@contextmanager
def _shape_known(feed: ApiFeed, path: str) -> Iterator[None]:
    """Around what a source's own function makes of an answer."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise SourceChanged(
            f"{path} answered in an unknown shape ({type(error).__name__}: {error}). {LOOK} {feed.table}."
        ) from error


def _list(feed: ApiFeed, path: str, page: dict, at: str) -> list:
    found = _find(page, at)
    if not isinstance(found, list):
        raise SourceChanged(f"{path} answered without a list '{at}'. {LOOK} {feed.table}.")
    return found


def _rows(feed: ApiFeed, outer: dict, chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    if feed.rows is None:
        inner = [outer]
    else:
        inner = _find(outer, feed.rows)
        if not isinstance(inner, list):
            raise SourceChanged(f"{feed.path} answered an entry without a list '{feed.rows}'. {LOOK} {feed.table}.")
    if not all(isinstance(row, dict) for row in inner):
        raise SourceChanged(f"{feed.path} answered a row that is no object. {LOOK} {feed.table}.")
    return [{name: _value(feed, column, row, outer, chosen) for name, column in feed.columns.items()} for row in inner]


def _value(feed: ApiFeed, column: Column, row: dict, outer: dict, chosen: Mapping[str, str]) -> Any:
    value = chosen.get(column.at[1:]) if column.at.startswith("$") else _find(row, column.at)
    if value is None and outer is not row:
        value = _find(outer, column.at)
    if value is None:
        if column.required:
            raise SourceChanged(f"{feed.path} answered a row without '{column.at}'. {LOOK} {feed.table}.")
        return None
    try:
        return typed(value, column.type)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise SourceChanged(
            f"{feed.path} answered '{str(value)[:40]}' for '{column.at}', expected {column.type}. {LOOK} {feed.table}."
        ) from error


def _find(row: Any, at: str) -> Any:
    for key in at.split("."):
        row = row.get(key) if isinstance(row, dict) else None
    return row


def typed(value: Any, kind: str) -> Any:
    """The value as a column of this type has it. Raises ValueError, TypeError or ArithmeticError."""
    if kind == "BIGINT":
        whole = Decimal(str(value))
        # In this order: what 1e999999999 is as an integer does not fit into memory.
        if isinstance(value, bool) or not 0 <= whole <= LARGEST_COUNT or whole != int(whole):
            raise ValueError(value)
        return int(whole)
    if kind in ("USD", "CENTS", "DECIMAL"):
        amount = Decimal(str(value)) / (100 if kind == "CENTS" else 1)
        if isinstance(value, bool) or not amount.is_finite() or abs(amount) > LARGEST_USD:
            raise ValueError(value)
        if int(amount.as_tuple().exponent) < -MOST_DIGITS:  # written out, 1e-999999999 does not fit either
            raise ValueError(value)
        return f"{amount:f}"
    if kind == "BOOLEAN":
        if not isinstance(value, bool):
            raise ValueError(value)
        return value
    if isinstance(value, dict | list):
        raise ValueError(value)
    return str(value)


def rounded(value: Any) -> int:
    """The whole number closest to a count with a fraction. Raises ValueError, TypeError or ArithmeticError."""
    count = Decimal(value)
    if not abs(count) <= LARGEST_COUNT:
        raise ValueError(value)
    return int(count.to_integral_value())


def _written(at: date, style: str) -> str | int:
    moment = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
    if style in ("epoch", "epoch_ms"):
        return int(moment.timestamp()) * (1000 if style == "epoch_ms" else 1)
    return moment.strftime({"iso": "%Y-%m-%dT%H:%M:%SZ", "datetime": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d"}[style])


def _day(feed: ApiFeed, outer: dict) -> date:
    return _time(feed, _find(outer, feed.asked_by.bucket or "")).date()


def _time(feed: ApiFeed, value: Any) -> datetime:
    try:
        if feed.asked_by.style == "epoch_ms":
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        if feed.asked_by.style == "parts":
            return datetime(value["year"], value["month"], value["day"], tzinfo=UTC)
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (KeyError, OSError, TypeError, ValueError, OverflowError) as error:
        raise SourceChanged(f"{feed.path} answered the time '{str(value)[:40]}'. {LOOK} {feed.table}.") from error
