"""Many alerts in one message: the daily digest of a recipient, and the summary of many urgent alerts at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from alerts import _message as m
from alerts._plan import level
from alerts._words import short

if TYPE_CHECKING:
    from alerts import Kind

Row = Mapping[str, Any]

_LINES, _NAMES = 20, 10  # more than so many nobody reads; the others are counted
# The groups in their order: title, and the kind in a word or two.
_KINDS = {
    "source_health": ("Data that is missing", "data"),
    "pipeline_stale": ("Numbers that are old", "old numbers"),
    "cap_level": ("Caps reached", "cap"),
    "burn_rate": ("Caps used too fast", "burn rate"),
    "cap_forecast": ("Caps that will not last", "forecast"),
    "spike": ("Unusual days", "spike"),
    "bill_gap": ("Bills and logs that disagree", "bill"),
    "unknown_share": ("Tokens without a price or an owner", "unknown share"),
    "plan_due": ("Plans to decide", "plan to decide"),
    "plan": ("Plans", "plan"),
}
_WIDEST_FIRST = {"org": 0, "team": 1, "pool": 2}
_ALL = "Everything that is open, for SQL: `select * from ops.alert_incidents where state &lt;&gt; 'resolved'`."


def digest(
    recipient: str,
    day: date,
    rows: Sequence[Row],
    still_open: Sequence[Row],
    resolved: Sequence[Row],
    words: Mapping[str, Kind],
) -> m.Message:
    """What is new for one recipient since the last digest, by kind, and what became of the rest.

    `still_open` and `resolved` are incidents (kind, scope, scope_id, level, state); `words` are those of `discover()`.
    """
    title = f"Daily digest, {m.day(day)}: {f'{len(rows):,}' if rows else 'nothing'} new"
    blocks = [m.header(title), *_groups(rows, words)]
    if still_open:
        blocks.append(m.section(f"*Still open: {len(still_open):,}.* {_listed(still_open)}"))
    if resolved:
        blocks.append(m.section(f"*Resolved since: {len(resolved):,}.* {_listed(resolved)}"))
    blocks.append(m.context(f"{_measured(rows)}Sent at most once on each working day, when something is new.", _ALL))
    rest = [f"{len(still_open):,} still open" if still_open else "", f"{len(resolved):,} resolved" if resolved else ""]
    text = ", ".join(part for part in [f"{title}{_counted(rows)}", *rest] if part)
    return m.Message(f"digest/{day:%Y-%m-%d}/{recipient}", f"{text}.", blocks)


def summary(message_key: str, rows: Sequence[Row], words: Mapping[str, Kind]) -> m.Message:
    """Urgent alerts that came for one recipient at the same time; arguments as for `digest`."""
    title = "1 urgent alert" if len(rows) == 1 else f"{len(rows):,} urgent alerts at once"
    why = "Sent at once and as one message, since so many of them may have one cause."
    blocks = [m.header(f"\U0001f6a8 {title}"), *_groups(rows, words), m.context(f"{_measured(rows)}{why}", _ALL)]
    return m.Message(message_key, f"{title}{_counted(rows)}.", blocks)


def _measured(rows: Iterable[Row]) -> str:
    days = [day for row in rows if (day := m.as_date(row.get("data_through_at")))]
    return f"Measured through {m.day(min(days))}. " if days else ""


def _groups(rows: Iterable[Row], words: Mapping[str, Kind]) -> list[dict[str, Any]]:
    """Sections of the rows by kind, highest level and widest scope first."""
    groups = _by_kind(rows)
    turns = sorted((turn, list(groups).index(kind), kind) for kind in groups for turn in range(len(groups[kind])))
    fits = Counter(kind for _, _, kind in turns[:_LINES])
    blocks = []
    for kind, found in groups.items():
        lines = _lines(found[: fits[kind]], words)
        if len(found) > fits[kind]:
            lines.append(f"and {len(found) - fits[kind]:,} more")
        blocks += _sections([f"*{_name(kind)[0]}*", *lines])
    return blocks


def _by_kind(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[str(row["kind"])].append(row)
    ordered = [kind for kind in _KINDS if kind in found] + sorted(set(found) - set(_KINDS))
    return {kind: sorted(found[kind], key=_rank) for kind in ordered}


def _rank(row: Row) -> tuple[int, int]:
    return -level(row), _WIDEST_FIRST.get(str(row["scope"]), len(_WIDEST_FIRST))


def _lines(rows: Iterable[Row], words: Mapping[str, Kind]) -> list[str]:
    """A line for each row, and below those that ask for the same step that step."""
    steps: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        line, step = _line(row, words)
        steps[step].append(line)
    return [line for step, lines in steps.items() for line in [*lines, step] if line]


def _line(row: Row, words: Mapping[str, Kind]) -> tuple[str, str]:
    try:
        kind = words[str(row["kind"])]
        return kind.line(row), f"*Next step:* {kind.step(row)}"
    except Exception:  # one row without words must not keep the others back
        return f"{m.escape(row.get('alert_key'))} (it could not be put into words)", ""


def _sections(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The lines in as few sections as Slack's limit allows."""
    blocks, taken = [], [lines[0]]
    for line in lines[1:]:
        if sum(len(one) + 1 for one in taken) + len(line) > m.SECTION_LIMIT:
            blocks.append(m.section(*taken))
            taken = []
        taken.append(line)
    return [*blocks, m.section(*taken)]


def _name(kind: str) -> tuple[str, str]:
    return _KINDS.get(kind) or (m.escape(kind), m.escape(kind))


def _counted(rows: Iterable[Row]) -> str:
    counts = [f"{len(found):,} \u00d7 {_name(kind)[1]}" for kind, found in _by_kind(rows).items()]
    return f" ({', '.join(counts)})" if counts else ""


def _listed(incidents: Sequence[Row]) -> str:
    names = ", ".join(_incident(one, short) for one in incidents[:_NAMES])
    return f"{names} and {len(incidents) - _NAMES:,} more" if len(incidents) > _NAMES else names


def _incident(one: Row, written: Callable[[Any], str]) -> str:
    scope, name = str(one["scope"]), written(one["scope_id"])
    name = {"org": "organisation", "team": f"team {name}", "pool": f"{name} pool"}.get(scope, name)
    about = _name(str(one["kind"]))[1]
    about += f" {level(one)} %" if one["kind"] == "cap_level" else ""
    state = f", {one['state']}" if one.get("state") in ("acknowledged", "snoozed") else ""
    return f"{name} ({about}{state})"
