"""What agents' own records would say of the example company, made (seeded) from what its gateway logged.

The shapes are those of the real files in tests/data/coding_agents. Each call is seen by some of its observers: most by
all of them, some past the gateway, some where a record of an agent got lost or a stream broke at the gateway. Some
sessions are forked, some answers have several blocks, and one call of each day ends after midnight.
"""

import gzip
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.agents import answer, otlp, rollout, usage

GATEWAY = Path(__file__).parent.parent / "examples" / "gateway"
SOURCES = ("litellm", "otel", "claude_code", "codex")
AGENTS = {"claude-cli/": "claude_code", "codex_cli_rs/": "codex"}
ESTIMATED_OUTPUT_TOKENS = 9  # what the gateway had counted when a stream broke

Files = dict[str, list[dict]]


@dataclass(frozen=True)
class Call:
    """One call as it was, the gateway's record of it, and which sources saw it."""

    record: dict
    agent: str | None
    developer_id: str
    started_at: datetime
    ended_at: datetime
    input_tokens: int
    output_tokens: int
    is_broken: bool
    seen_by: frozenset[str]

    @property
    def name(self) -> str:
        """A word that is the call's own, for the ids that others give it."""
        return self.record["litellm_call_id"].replace("-", "")

    @property
    def session(self) -> str:
        """The session, which the agent sends to the gateway."""
        return self.record["trace_id"]

    def told(self, sources: Iterable[str]) -> tuple[int, int] | None:
        """Input and output tokens that count when only these sources are there; None where none of them saw it."""
        seen = self.seen_by & set(sources)
        if not seen:
            return None
        output = ESTIMATED_OUTPUT_TOKENS if self.is_broken and seen == {"litellm"} else self.output_tokens
        return self.input_tokens, output


def company(first: date, last: date, seed: int = 1) -> list[Call]:
    """The calls of the example company on some UTC days that used tokens."""
    chance = random.Random(seed)
    calls = [_call(record, chance) for record in _records(first, last)]
    late = {call.started_at.date(): index for index, call in enumerate(calls) if call.agent}
    for index in late.values():
        calls[index] = _over_midnight(calls[index])
    return calls


def write(calls: Iterable[Call], to: Path, seed: int = 1) -> dict[str, Files]:
    """Write the files of every source below a folder named after it; returns source -> path -> lines."""
    chance = random.Random(seed)
    files = {source: {} for source in SOURCES}
    for call in calls:
        if "litellm" in call.seen_by:
            day = f"{call.ended_at:%Y-%m-%d}"
            files["litellm"].setdefault(f"{day}/batch_{call.developer_id}.jsonl", []).append(_logged(call))
        if "otel" in call.seen_by:
            event = _claude_event(call) if call.agent == "claude_code" else _codex_event(call)
            line = otlp(event, resource={"developer.id": call.developer_id, "service.name": call.agent})
            files["otel"].setdefault(f"logs_{call.ended_at:%Y-%m-%d}.jsonl", []).append(line)
        if "claude_code" in call.seen_by:
            path = f"{call.developer_id}/projects/-home-dev-work/{call.session}.jsonl"
            files["claude_code"].setdefault(path, []).extend(_claude_lines(call, chance))
        if "codex" in call.seen_by:
            path = f"{call.developer_id}/sessions/2026/11/18/rollout-{call.session}.jsonl"
            lines = files["codex"].setdefault(path, _codex_head(call))
            lines.append(_codex_line(call))
    for path, lines in list(files["claude_code"].items()):
        if chance.random() < 0.2:
            fork = path.replace(".jsonl", "-fork.jsonl")
            files["claude_code"][fork] = [line | {"sessionId": f"{line['sessionId']}-fork"} for line in lines]
    for source, named in files.items():
        for path, lines in named.items():
            put(to / source / path, lines)
    return files


def put(path: Path, lines: list[dict]) -> None:
    """Write lines as these agents and LiteLLM do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def _records(first: date, last: date) -> list[dict]:
    records = []
    for file in sorted(GATEWAY.rglob("*.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            records += map(json.loads, lines)
    of_days = [r for r in records if first <= _time(r["startTime"]).date() <= last]
    used = [r for r in of_days if r["status"] == "success" and not r["cache_hit"] and r["total_tokens"] > 0]
    return sorted(used, key=lambda r: (r["startTime"], r["id"]))


def _call(record: dict, chance: random.Random) -> Call:
    user_agent = record["metadata"]["user_agent"]
    agent = next((ours for theirs, ours in AGENTS.items() if user_agent.startswith(theirs)), None)
    # Who left before the answer was whole has no record of it.
    others = {"otel", agent} if agent and record["error_information"]["error_code"] != "499" else set()
    # Drawn for each call, so that what one is does not depend on what another was.
    loses, breaks, bypasses = chance.random(), chance.random() < 0.03, chance.random() < 0.15
    if loses < 0.1:
        others -= {"otel"} if loses < 0.05 else {agent}
    is_broken = breaks and agent == "claude_code" and agent in others
    if is_broken:
        others -= {"otel"}  # the agent tells of requests that ended well
    seen = others if bypasses and others and not is_broken else others | {"litellm"}
    return Call(
        record=record,
        agent=agent,
        developer_id=record["metadata"]["user_api_key_user_id"],
        started_at=_time(record["startTime"]),
        ended_at=_time(record["endTime"]),
        input_tokens=record["prompt_tokens"],
        output_tokens=record["completion_tokens"],
        is_broken=is_broken,
        seen_by=frozenset(seen),
    )


def _over_midnight(call: Call) -> Call:
    midnight = datetime.combine(call.started_at.date() + timedelta(days=1), datetime.min.time())
    return replace(call, started_at=midnight - timedelta(seconds=2), ended_at=midnight + timedelta(seconds=1))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _seconds(at: datetime) -> float:
    return at.replace(tzinfo=UTC).timestamp()


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds") + "Z"


def _logged(call: Call) -> dict:
    record = call.record | {"startTime": _seconds(call.started_at), "endTime": _seconds(call.ended_at)}
    if call.is_broken:
        record |= {
            "completion_tokens": ESTIMATED_OUTPUT_TOKENS,
            "total_tokens": call.input_tokens + ESTIMATED_OUTPUT_TOKENS,
            "error_information": record["error_information"] | {"error_code": "499"},
        }
    return record


def _parts(call: Call) -> tuple[int, int]:
    """Of the input, what was read from the cache and what was written to it."""
    details = call.record["metadata"]["usage_object"]["prompt_tokens_details"] or {}
    return details.get("cached_tokens") or 0, details.get("cache_creation_tokens") or 0


def _model(call: Call) -> str:
    return call.record["model"].rpartition("/")[2]


def _claude_event(call: Call) -> dict:
    read, written = _parts(call)
    duration = call.ended_at - call.started_at
    values = {
        "event.name": "api_request", "event.timestamp": _iso(call.ended_at + timedelta(milliseconds=20)),
        "session.id": call.session, "user.id": f"device-of-{call.developer_id}", "model": _model(call),
        "input_tokens": call.input_tokens - read - written, "cache_read_tokens": read, "cache_creation_tokens": written,
        "output_tokens": call.output_tokens, "duration_ms": int(duration.total_seconds() * 1000) + 20,
        "request_id": f"req_{call.name}",
    }  # fmt: skip
    return {"timeUnixNano": "0", "attributes": values}


def _codex_event(call: Call) -> dict:
    reasoning = call.record["metadata"]["usage_object"]["completion_tokens_details"]["reasoning_tokens"] or 0
    values = {
        "event.name": "codex.sse_event", "event.kind": "response.completed",
        "event.timestamp": _iso(call.ended_at + timedelta(milliseconds=40)), "conversation.id": call.session,
        "model": _model(call), "input_token_count": str(call.input_tokens), "cached_token_count": str(_parts(call)[0]),
        "cache_write_token_count": "0", "output_token_count": str(call.output_tokens),
        "reasoning_token_count": str(reasoning),
    }  # fmt: skip
    return {"timeUnixNano": "0", "attributes": values}


def _claude_lines(call: Call, chance: random.Random) -> list[dict]:
    read, written = _parts(call)
    whole = {
        "sessionId": call.session, "requestId": f"req_{call.name}", "gitBranch": "main",
        "message__id": call.record["id"], "message__model": _model(call),
        "message__usage__input_tokens": call.input_tokens - read - written,
        "message__usage__cache_read_input_tokens": read, "message__usage__cache_creation_input_tokens": written,
        "message__usage__output_tokens": call.output_tokens,
    }  # fmt: skip
    blocks = chance.choice([1, 1, 2, 4])
    lines = []
    for block in range(blocks):
        placeholder = {"message__usage__output_tokens": 1} if block == 0 and blocks > 1 else {}
        at = call.ended_at - timedelta(milliseconds=5 * (blocks - 1 - block))
        lines.append(answer(**whole | placeholder, uuid=f"{call.name}-{block}", timestamp=_iso(at)))
    return lines


def _codex_head(call: Call) -> list[dict]:
    at = _iso(call.started_at)
    meta = rollout("session_meta", at, id=call.session, session_id=call.session, git={"branch": "main"})
    return [meta, rollout("turn_context", at, model=_model(call))]


def _codex_line(call: Call) -> dict:
    reasoning = call.record["metadata"]["usage_object"]["completion_tokens_details"]["reasoning_tokens"] or 0
    used = usage(call.input_tokens, _parts(call)[0], call.output_tokens, reasoning)
    ids = {"thread_id": call.session, "session_id": call.session, "response_id": f"resp_{call.name}"}
    return rollout("token_usage_record", _iso(call.ended_at + timedelta(milliseconds=45)), **ids, usage=used)
