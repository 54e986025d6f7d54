"""Reports over HTTP: patience with a busy provider, pages to the end, days per request, nested JSON to typed rows.

A pull is all or nothing: every page is read before the caller sees a row, so a failure leaves no half-known day.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from connectors._contract import Api, ApiFeed, Column
from connectors._errors import SourceChanged, SourceRefused, SourceUnavailable

BUSY = (429, 500, 502, 503, 504, 529)
TRIES = 5
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 120  # a provider that asks for more is asked again by the next run
TIMEOUT_SECONDS = (10, 60)
MOST_PAGES = 10_000
LARGEST_COUNT = 2**63 - 1
LARGEST_USD = 10**15

LATER = "It is tried again with the next run."
LOOK = "Nothing of this pull is kept; a developer must look at"


class NotOffered(SourceRefused):
    """The API does not have this report, or not for this organisation."""


@dataclass
class Answer:
    """What a pull brought: rows of every day asked for (a day without any is an empty list), and what it cost."""

    days: dict[date, list[dict[str, Any]]] = field(default_factory=dict)
    watermark: datetime | None = None
    requests_made: int = 0


class Client:
    """One provider's API with this deployment's address and key. The key never leaves the headers."""

    def __init__(self, api: Api, environ: Mapping[str, str]):
        self.api = api
        self.base_url = (environ.get(api.base_url_variable) or api.base_url).rstrip("/")
        self.requests_made = 0
        self._key = environ[api.key_variable].strip()
        if not re.fullmatch(r"[!-~]+", self._key):
            raise SourceRefused(f"{api.key_variable} holds a character that no key has: copy it again.")
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": "paceline", **{name: text.format(key=self._key) for name, text in api.headers.items()}}
        )
        patience = Retry(
            total=TRIES,
            backoff_factor=BACKOFF_SECONDS,
            backoff_jitter=BACKOFF_SECONDS,
            status_forcelist=BUSY,
            allowed_methods={"GET"},
            raise_on_status=False,
            retry_after_max=LONGEST_WAIT_SECONDS,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=patience))

    def pages(self, feed: ApiFeed, path: str, params: Mapping[str, Any]) -> Iterator[dict]:
        """Every page of one query, which stays the same but for its cursor."""
        parameter, key = feed.cursor
        seen, cursor = set(), None
        while True:
            page = self._get(feed, path, params if cursor is None else {**params, parameter: cursor})
            if not isinstance(page.get(feed.entries), list):
                raise SourceChanged(f"{path} answered without a list '{feed.entries}'. {LOOK} {feed.table}.")
            yield page
            if feed.page_count:
                cursor = self._next_number(feed, path, page, cursor or 1)
                if cursor is None:
                    return
                continue
            if not page.get("has_more"):
                return
            cursor = page.get(key)
            if not cursor or cursor in seen or len(seen) > MOST_PAGES:
                raise SourceChanged(
                    f"{path} says that there is more and gives no new '{key}' after {len(seen) + 1} pages: "
                    f"nothing of this pull is kept. The next run tries again; if it stays, a developer must look."
                )
            seen.add(cursor)

    def _next_number(self, feed: ApiFeed, path: str, page: dict, number: int) -> int | None:
        pages = _find(page, feed.page_count)
        if not isinstance(pages, int) or pages > MOST_PAGES:
            raise SourceChanged(f"{path} answered '{pages}' for '{feed.page_count}'. {LOOK} {feed.table}.")
        if number < pages and not page[feed.entries]:
            raise SourceUnavailable(f"{path}: page {number} of {pages} is empty, rows went away meanwhile. {LATER}")
        return number + 1 if number < pages else None

    def _get(self, feed: ApiFeed, path: str, params: Mapping[str, Any]) -> dict:
        # Brackets and = stay as they are: OpenAI refuses a cursor whose padding was escaped.
        url = f"{self.base_url}{path}?{urlencode(params, doseq=True, safe='=[]:')}"
        asked = f"GET {self.base_url}{path}"
        for last in (False, False, True):
            try:
                response = self._session.get(
                    url, headers=dict(feed.headers), timeout=TIMEOUT_SECONDS, allow_redirects=False
                )
                break
            except requests.exceptions.ChunkedEncodingError as error:
                # Cut off in the middle of the body, where urllib3 does not try again by itself.
                if last:
                    raise SourceUnavailable(f"{asked} was cut off ({self._safe(error)}). {LATER}") from error
            except requests.RequestException as error:
                raise SourceUnavailable(f"{asked} failed ({self._safe(error)}). {LATER}") from error
        self.requests_made += 1 + len(response.raw.retries.history)
        self._refuse(asked, response)
        try:
            page = json.loads(response.text, parse_float=Decimal)
        except ValueError as error:
            start = self._safe(response.text[:80])
            if response.text.lstrip().startswith("<"):
                raise SourceRefused(
                    f"{asked} answered a web page instead of JSON ({start}). Check {self.api.base_url_variable} and "
                    "what stands between (proxy, login)."
                ) from error
            raise SourceUnavailable(f"{asked} answered no whole JSON ({start}). {LATER}") from error
        if not isinstance(page, dict):
            raise SourceChanged(f"{asked} answered JSON that is no object. A developer must look at {feed.table}.")
        return page

    def _refuse(self, asked: str, response: requests.Response) -> None:
        status = response.status_code
        if status < 300:
            return
        said = f"{asked} answered {status}: {self._safe(response.text[:300])}"
        if status in BUSY or status == 408:
            raise SourceUnavailable(f"{said}. {LATER}")
        if status in (401, 403):
            raise SourceRefused(f"{said}. {self.api.key_variable} must be {self.api.key_hint}.")
        if status < 400:
            # The key is not for whoever stands at the other address.
            raise SourceRefused(f"{said}. Check {self.api.base_url_variable} and what stands between (proxy, login).")
        if status == 404:
            raise NotOffered(f"{said}. This organisation may not have this report.")
        raise SourceRefused(f"{said}. Retrying does not help.")

    def _safe(self, text: object) -> str:
        return " ".join(str(text).replace(self._key, "***").split())


def read_days(client: Client, feed: ApiFeed, days: Iterable[date]) -> Answer:
    """Pull days of a report in as few requests as its windows allow. Days next to them may come along.

    Raises SourceUnavailable, SourceRefused (NotOffered if there is no such report) or SourceChanged.
    """
    answer = Answer()
    before = client.requests_made
    for first, last in windows(sorted(days), feed.window.days):
        span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        answer.days.update({day: [] for day in span})
        params = dict(feed.params) | {feed.window.start: _written(first, feed.window.style)}
        if feed.window.end:
            end = last if feed.window.end_is_last else last + timedelta(days=1)
            params[feed.window.end] = _written(end, feed.window.style)
        for page in client.pages(feed, feed.path, params):
            for outer in page[feed.entries]:
                day = _day(feed, outer)
                if day in answer.days:  # a report may answer more than it was asked for
                    answer.days[day] += _rows(feed, outer)
            if feed.watermark and page.get(feed.watermark):
                answer.watermark = _time(feed, page[feed.watermark])
    answer.requests_made = client.requests_made - before
    return answer


def read_records(client: Client, feed: ApiFeed, start: datetime, end: datetime) -> Iterator[dict]:
    """Every row of a time span as the API answers it, `end` excluded; shorter spans where pages do not reach.

    Raises as `read_days` does.
    """
    span = {feed.window.start: _written(start, feed.window.style), feed.window.end: _written(end, feed.window.style)}
    for page in client.pages(feed, feed.path, {**feed.params, **span}):
        if feed.capped and page.get(feed.capped) and end - start > timedelta(seconds=1):
            middle = start + timedelta(seconds=(end - start) // timedelta(seconds=2))
            yield from read_records(client, feed, start, middle)
            yield from read_records(client, feed, middle, end)
            return
        for row in page[feed.entries]:
            # Both ends are asked for, and one of them belongs to the next span.
            if start <= _time(feed, _find(row, feed.window.bucket)) < end:
                yield row


def read_list(client: Client, feed: ApiFeed, today: date) -> Answer:
    """Pull a list as it is now. Raises as `read_days` does."""
    before = client.requests_made
    paths = [feed.path]
    if feed.parent:
        parents = read_list(client, feed.parent, today).days[today]
        paths = [feed.path.format(id=parent["id"]) for parent in parents]
    rows = [
        row for path in paths for page in client.pages(feed, path, feed.params)
        for outer in page[feed.entries] for row in _rows(feed, outer)
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


def _rows(feed: ApiFeed, outer: dict) -> list[dict[str, Any]]:
    if feed.rows is None:
        inner = [outer]
    else:
        inner = outer.get(feed.rows)
        if not isinstance(inner, list):
            raise SourceChanged(f"{feed.path} answered an entry without a list '{feed.rows}'. {LOOK} {feed.table}.")
    return [{name: _value(feed, column, row, outer) for name, column in feed.columns.items()} for row in inner]


def _value(feed: ApiFeed, column: Column, row: dict, outer: dict) -> Any:
    value = _find(row, column.at)
    if value is None and outer is not row:
        value = _find(outer, column.at)
    if value is None:
        if column.required:
            raise SourceChanged(f"{feed.path} answered a row without '{column.at}'. {LOOK} {feed.table}.")
        return None
    try:
        return _typed(value, column.type)
    except (ValueError, TypeError, OverflowError, InvalidOperation) as error:
        raise SourceChanged(
            f"{feed.path} answered '{str(value)[:40]}' for '{column.at}', expected {column.type}. {LOOK} {feed.table}."
        ) from error


def _find(row: Any, at: str) -> Any:
    for key in at.split("."):
        row = row.get(key) if isinstance(row, dict) else None
    return row


def _typed(value: Any, kind: str) -> Any:
    if kind == "BIGINT":
        whole = Decimal(str(value))
        if isinstance(value, bool) or whole != int(whole) or not 0 <= whole <= LARGEST_COUNT:
            raise ValueError(value)
        return int(whole)
    if kind in ("USD", "CENTS"):
        dollars = Decimal(str(value)) / (100 if kind == "CENTS" else 1)
        if isinstance(value, bool) or not dollars.is_finite() or abs(dollars) > LARGEST_USD:
            raise ValueError(value)
        return f"{dollars:f}"
    if kind == "BOOLEAN":
        if not isinstance(value, bool):
            raise ValueError(value)
        return value
    if isinstance(value, dict | list):
        raise ValueError(value)
    return str(value)


def _written(at: date, style: str) -> str | int:
    moment = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
    if style == "epoch":
        return int(moment.timestamp())
    return moment.strftime({"iso": "%Y-%m-%dT%H:%M:%SZ", "datetime": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d"}[style])


def _day(feed: ApiFeed, outer: dict) -> date:
    return _time(feed, _find(outer, feed.window.bucket)).date()


def _time(feed: ApiFeed, value: Any) -> datetime:
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceChanged(f"{feed.path} answered the time '{str(value)[:40]}'. {LOOK} {feed.table}.") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
