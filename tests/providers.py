"""Stand-ins of the providers' billing APIs over real HTTP on loopback: the example company's bill, pages, and faults.

`tests/data/bill.csv` is what the providers counted of the example company, per UTC day, account, key and model.
"""

import base64
import csv
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests import other_bills

KEY = "sk-ant-admin01-secret-of-the-test"
DISCOUNT = Decimal("0.9")  # what this customer agreed with Anthropic
BILL = Path(__file__).parent / "data" / "bill.csv"
CALLS = Path(__file__).parent / "data" / "litellm_spend_api" / "spend_logs_v2_response.json"
COUNTS = (
    "requests", "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "output_tokens",
)  # fmt: skip


def bill() -> list[dict]:
    """The rows of bill.csv, typed."""
    with BILL.open() as lines:
        return [
            row | {name: int(row[name]) for name in COUNTS} | {"list_usd": Decimal(row["list_usd"])}
            for row in csv.DictReader(lines)
        ]


def gateway_calls(days_ago: int = 0) -> list[dict]:
    """The calls of LiteLLM's spend API, of 2026-11-23 or so many days before."""
    calls = json.loads(CALLS.read_text())["data"]
    if days_ago:
        day = str(date(2026, 11, 23) - timedelta(days=days_ago))
        for call in calls:
            call["request_id"] += f"-{days_ago}"
            call["startTime"], call["endTime"] = (day + call[name][10:] for name in ("startTime", "endTime"))
    return calls


class Providers:
    """Anthropic below /anthropic, OpenAI below /openai/v1, LiteLLM below /litellm, the others as `other_bills` says.

    `rows` (of the bill) and `calls` (of the gateway) may be changed; `page_size` makes pages small, and `most_calls`
    is how many calls LiteLLM's pages reach.

    `faults` maps the number of a request (from 0, counted over all) to a fault; `asked` lists what was asked.
    """

    def __init__(self, rows: list[dict] | None = None):
        self.rows = bill() if rows is None else rows
        self.calls = [call for days_ago in range(13) for call in gateway_calls(days_ago)]
        self.page_size = 1000
        self.most_calls = 10_000
        self.faults: dict[int, Callable[[BaseHTTPRequestHandler, bytes], None]] = {}
        self.asked: list[str] = []
        self.offers_analytics = True
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.providers = self
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def environ(self) -> dict[str, str]:
        """What points Paceline here."""
        return {
            "ANTHROPIC_BASE_URL": f"{self.address}/anthropic",
            "ANTHROPIC_ADMIN_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.address}/openai/v1",
            "OPENAI_ADMIN_KEY": KEY,
        }

    @property
    def gateway_environ(self) -> dict[str, str]:
        """What points Paceline at LiteLLM's spend API here."""
        return {"LITELLM_BASE_URL": f"{self.address}/litellm", "LITELLM_MASTER_KEY": KEY}

    @property
    def other_environ(self) -> dict[str, str]:
        """What points Paceline at the smaller sources here."""
        return other_bills.environ(self.address, KEY)

    def stop(self) -> None:
        """Close the port."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, query: dict[str, list[str]]) -> dict | None:
        """The whole answer to a request; None where there is nothing."""
        if path == "/anthropic/v1/organizations/analytics/usage" and self.offers_analytics:
            return self._paged(query, self._analytics(query, _usage), data_refreshed_at="2026-11-23T04:00:00Z")
        if path == "/anthropic/v1/organizations/analytics/cost" and self.offers_analytics:
            return self._paged(query, self._analytics(query, _cost), data_refreshed_at="2026-11-23T04:00:00Z")
        if path == "/litellm/spend/logs/v2":
            return self._spend_logs(query)
        if path == "/litellm/user/daily/activity":
            return self._daily_activity(query)
        if path == "/anthropic/v1/organizations/usage_report/messages":
            return self._paged(query, self._buckets(query, "anthropic", _iso, _legacy_usage))
        if path == "/anthropic/v1/organizations/cost_report":
            return self._paged(query, self._buckets(query, "anthropic", _iso, _legacy_cost))
        if path == "/anthropic/v1/organizations/usage_report/claude_code":
            return {"data": [], "has_more": False, "next_page": None}
        if path == "/openai/v1/organization/usage/completions":
            return self._paged(query, self._buckets(query, "openai", _epoch, _completions), object="page")
        if path == "/openai/v1/organization/costs":
            return self._paged(query, self._buckets(query, "openai", _epoch, _costs), object="page")
        if path.startswith("/openai/v1/organization/usage/"):
            return self._paged(query, self._buckets(query, "openai", _epoch, lambda row: []), object="page")
        if path == "/openai/v1/organization/projects":
            return _list([_project("gateway"), _project("console")])
        if path.startswith("/openai/v1/organization/projects/"):
            keys = [_openai_key(key) for key in self._keys("openai")] if "proj_gateway" in path else []
            return _list(keys)
        if path == "/anthropic/v1/organizations/api_keys":
            return _list([_anthropic_key(key) for key in self._keys("anthropic")])
        if path.endswith("/users"):
            return _list([_user(n) for n in range(1, 15)])
        if path.endswith("/workspaces"):
            return _list([])
        return other_bills.answer(self.address, path, query, self.page_size)

    def _keys(self, provider: str) -> list[str]:
        return sorted({row["api_key_id"] for row in self.rows if row["provider"] == provider})

    def _analytics(self, query: dict, measure: Callable) -> list[dict]:
        first, last = (value[0][:10] for value in (query["starting_at"], query["ending_at"]))
        return [
            {
                "starting_at": f"{row['day']}T00:00:00Z",
                "ending_at": f"{date.fromisoformat(row['day']) + timedelta(days=1)}T00:00:00Z",
                "group": {
                    "actor": {"type": "api_actor", "api_key_id": row["api_key_id"]}, "api_key_id": row["api_key_id"],
                    "model": row["model"], "product": "messages_api", "workspace_id": row["account_id"],
                    "cost_type": "tokens",
                },
                **measure(row),
            }
            for row in self.rows
            if row["provider"] == "anthropic" and first <= row["day"] < last
        ]  # fmt: skip

    def _buckets(self, query: dict, provider: str, bounds: Callable, results: Callable) -> list[dict]:
        first, last = (_asked_day(query[name][0]) for name in _names(query))
        days = [first + timedelta(days=n) for n in range((last - first).days)]
        of_day = {str(day): [] for day in days}
        for row in self.rows:
            if row["provider"] == provider and row["day"] in of_day:
                of_day[row["day"]] += results(row)
        return [bounds(day) | {"results": of_day[str(day)]} for day in days]

    def _spend_logs(self, query: dict) -> dict:
        first, last = (query[name][0].replace(" ", "T") + "+00:00" for name in ("start_date", "end_date"))
        found = sorted(
            (call for call in self.calls if first <= call["startTime"][:19] + "+00:00" <= last),
            key=lambda call: call["startTime"],
        )
        total = min(len(found), self.most_calls)
        page = self._numbered(query, found[:total], total)
        return page | {"total": total, "total_is_capped": len(found) > self.most_calls}

    def _daily_activity(self, query: dict) -> dict:
        first, last = query["start_date"][0], query["end_date"][0]
        of_day: dict[str, dict] = {}
        for call in self.calls:
            if first <= (day := call["startTime"][:10]) <= last:
                sums = of_day.setdefault(day, dict.fromkeys(_SUMS, 0))
                for name, count in zip(_SUMS, _measured(call), strict=True):
                    sums[name] += count
        entries = [
            {"date": day, "metrics": sums, "breakdown": {}} for day, sums in sorted(of_day.items(), reverse=True)
        ]
        page = self._numbered(query, entries, len(entries))
        return {"results": page.pop("data"), "metadata": page | {"has_more": page["page"] < page["total_pages"]}}

    def _numbered(self, query: dict, entries: list[dict], total: int) -> dict:
        size, number = min(self.page_size, int(query["page_size"][0])), int(query.get("page", ["1"])[0])
        rows = entries[(number - 1) * size : number * size]
        return {"data": rows, "page": number, "page_size": size, "total_pages": -(-total // size)}

    def _paged(self, query: dict, entries: list[dict], **more: str) -> dict:
        size = min(self.page_size, int(query["limit"][0]))
        start = int(base64.b64decode(query.get("page", ["MDAwMA=="])[0]))
        rest = start + size < len(entries)
        cursor = base64.b64encode(f"{start + size}".encode().rjust(4, b"0")).decode()
        return {
            "data": entries[start : start + size],
            "has_more": rest,
            "next_page": cursor if rest else None,
            **more,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/login/"):
            if b"client_secret" in body and KEY.encode() not in body:
                return send(self, 401, b'{"error": "invalid_client"}')
            return send(self, 200, json.dumps({"access_token": KEY, "expires_in": 3600}).encode())
        self._answer(json.loads(body))

    def _answer(self, asked: dict) -> None:
        providers: Providers = self.server.providers
        parts = urlsplit(self.path)
        with providers.lock:
            number = len(providers.asked)
            providers.asked.append(self.path)
        fault = providers.faults.get(number)
        if "sig=" in parts.query:
            if "Authorization" in self.headers:
                return send(self, 400, b'{"message": "only one authentication mechanism is allowed"}')
        elif not self._is_known():
            return send(self, 401, b'{"error": {"message": "invalid x-api-key"}}')
        if "%3D" in parts.query:
            return send(self, 400, b'{"error": {"message": "page token is invalid, have you modified the query?"}}')
        found = providers.answer(unquote(parts.path), asked)
        lines = found if isinstance(found, list) else [found]
        body = "\n".join(json.dumps(line, default=float) for line in lines).encode()
        if fault:
            return fault(self, body)
        return send(self, 404 if found is None else 200, body)

    def _is_known(self) -> bool:
        kind, _, secret = self.headers.get("Authorization", "").partition(" ")
        if kind == "AWS4-HMAC-SHA256":
            return f"Credential={other_bills.AWS_KEY}/" in secret
        if kind == "Basic":
            return base64.b64decode(secret) == f"{KEY}:".encode()
        return KEY in (self.headers.get("x-api-key"), secret)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    """One answer."""
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def status(number: int, body: bytes = b'{"error": {"message": "busy"}}', **headers: str) -> Callable:
    """A fault: this status instead of the answer."""
    return lambda handler, _: send(handler, number, body, **headers)


def reset(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A fault: the connection breaks before the answer."""
    handler.connection.close()
    handler.close_connection = True


def cut_off(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A fault: the connection breaks in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.close()


def hang(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A fault: no answer for a second."""
    time.sleep(1)
    handler.close_connection = True


def changed(change: Callable[[dict], object]) -> Callable:
    """A fault: the right answer, but changed."""

    def fault(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        answer = json.loads(body)
        answer = change(answer) or answer
        send(handler, 200, json.dumps(answer).encode())

    return fault


def _usage(row: dict) -> dict:
    return {"usage": _counts(row) | {"requests": row["requests"]}}


def _counts(row: dict) -> dict:
    return {
        "uncached_input_tokens": row["uncached_input_tokens"],
        "cache_read_input_tokens": row["cache_read_tokens"],
        "cache_creation": {
            "ephemeral_5m_input_tokens": row["cache_write_5m_tokens"],
            "ephemeral_1h_input_tokens": row["cache_write_1h_tokens"],
        },
        "output_tokens": row["output_tokens"],
        "server_tool_use": {"web_search_requests": 0},
        "total_tokens": sum(row[name] for name in COUNTS[1:]),
    }


def _cost(row: dict) -> dict:
    cents = row["list_usd"] * 100
    return {
        "cost": {"amount": f"{cents * DISCOUNT:f}", "list_amount": f"{cents:f}", "currency": "USD", "requests": None}
    }


def _legacy_usage(row: dict) -> list[dict]:
    return [
        _counts(row)
        | {
            "api_key_id": row["api_key_id"],
            "workspace_id": row["account_id"],
            "model": row["model"],
            "service_tier": "standard",
        }
    ]


def _legacy_cost(row: dict) -> list[dict]:
    return [
        {
            "amount": f"{row['list_usd'] * 100 * DISCOUNT:f}",
            "currency": "USD",
            "description": f"{row['model']} Usage",
            "cost_type": "tokens",
            "token_type": "output_tokens",
            "model": row["model"],
            "workspace_id": row["account_id"],
        }
    ]


def _completions(row: dict) -> list[dict]:
    cached, written = row["cache_read_tokens"], row["cache_write_5m_tokens"]
    return [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": row["uncached_input_tokens"] + cached + written,
            "input_cached_tokens": cached,
            "output_tokens": row["output_tokens"],
            "num_model_requests": row["requests"],
            "project_id": row["account_id"],
            "user_id": None,
            "api_key_id": row["api_key_id"],
            "model": row["model"],
            "batch": False,
            "service_tier": "default",
        }
    ]


def _costs(row: dict) -> list[dict]:
    halves = row["list_usd"] / 4, row["list_usd"] * 3 / 4
    return [
        {
            "object": "organization.costs.result",
            "amount": {"value": float(usd), "currency": "usd"},
            "line_item": f"{row['model']}, {meter}",
            "project_id": row["account_id"],
            "api_key_id": row["api_key_id"],
        }
        for usd, meter in zip(halves, ("input", "output"), strict=True)
    ]


def _project(name: str) -> dict:
    return {"object": "organization.project", "id": f"proj_{name}", "name": name, "created_at": 1_700_000_000}


def _user(number: int) -> dict:
    person = f"dev-{number:02}"
    return {
        "type": "user", "object": "organization.user", "id": f"user_{person}", "email": f"{person}@example.test",
        "role": "owner", "added_at": 1_700_000_000,
    }  # fmt: skip


def _openai_key(key: str) -> dict:
    person = key.removeprefix("apikey_").partition("_")[0]
    user = {
        "id": f"user_{person}",
        "name": person,
        "email": f"{person}@example.test",
        "role": "owner",
        "created_at": 1_700_000_000,
    }
    return {
        "object": "organization.project.api_key", "id": key, "name": key, "redacted_value": "sk-...",
        "created_at": 1_700_000_000, "last_used_at": None, "owner": {"type": "user", "user": user},
        "owner_project_access": "active",
    }  # fmt: skip


def _anthropic_key(key: str) -> dict:
    person = key.removeprefix("apikey_").partition("_")[0]
    creator = {"id": f"user_{person}", "type": "user"}
    return {"id": key, "type": "api_key", "name": key, "status": "active", "created_by": creator}


def _list(entries: list[dict]) -> dict:
    return {
        "object": "list",
        "data": entries,
        "has_more": False,
        "first_id": entries[0]["id"] if entries else None,
        "last_id": entries[-1]["id"] if entries else None,
    }


_SUMS = ("api_requests", "failed_requests", "prompt_tokens", "completion_tokens", "spend")


def _measured(call: dict) -> tuple:
    return 1, int(call["status"] == "failure"), call["prompt_tokens"], call["completion_tokens"], call["spend"]


def _names(query: dict) -> tuple[str, str]:
    return ("starting_at", "ending_at") if "starting_at" in query else ("start_time", "end_time")


def _asked_day(value: str) -> date:
    return datetime.fromtimestamp(int(value), UTC).date() if value.isdigit() else date.fromisoformat(value[:10])


def _iso(day: date) -> dict:
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day + timedelta(days=1)}T00:00:00Z"}


def _epoch(day: date) -> dict:
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return {"object": "bucket", "start_time": start, "end_time": start + 86400}
