"""What people can press: the buttons of an alert, of a plan and of a request, and the forms that some of them open.

A button's `action_id` is the verb, its `value` says what it is about. https://docs.slack.dev/reference/block-kit
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from alerts import _message as m

Row = Mapping[str, Any]
Block = dict[str, Any]
Decisions = Mapping[tuple[str, str], Mapping[str, Any]]  # as the ledger gives them: {(scope, scope_id): the columns}

ACKNOWLEDGE, SNOOZE, REQUEST = "acknowledge", "snooze", "request"
APPROVE, CHANGE, REJECT = "approve", "change", "reject"
GRANT, GRANT_OTHER, DENY = "grant", "grant_other", "deny"

# What these are about passes by itself, a day or the time to decide: nobody resolved anything.
PASSING = ("spike", "plan_due")
CAP_KINDS = ("cap_level", "cap_forecast", "burn_rate")  # a higher cap is an answer to these
SNOOZES = {"1d": "1 day", "3d": "3 days", "1w": "1 week", "month": "until the month ends"}
TOKENS, USD = "tokens", "usd"  # the two units of a form
REASON_LIMIT = 300
_BLOCK_ID_LIMIT, _OPTIONS, _META_LIMIT = 255, 100, 3000


# --- An alert --------------------------------------------------------------------------------------------------------


def for_incident(incident: Row, row: Row) -> list[Block]:
    """The buttons below an alert; none once it is resolved. `incident`: the ledger's row; `row`: the alert's."""
    if incident["state"] == "resolved":
        return []
    key, elements = str(incident["incident_key"]), []
    if incident["state"] == "open":
        elements.append(_button(ACKNOWLEDGE, "Acknowledge", key))
    # A menu's options are too short for a key, so the block carries it; and a menu forgets the last choice only in a
    # block with a new id, hence the time.
    block_id = f"{key}#{utc(incident['changed_at']).timestamp():.0f}"
    if len(block_id) <= _BLOCK_ID_LIMIT:
        options = [_option(text, value) for value, text in SNOOZES.items()]
        elements.append(
            {"type": "static_select", "action_id": SNOOZE, "placeholder": _plain("Snooze"), "options": options}
        )
    if row["kind"] in CAP_KINDS and row["scope"] in ("developer", "team"):
        elements.append(_button(REQUEST, "Request an increase", key))
    return [{"type": "actions", "block_id": block_id[:_BLOCK_ID_LIMIT], "elements": elements}] if elements else []


def incident_of(block_id: str) -> str:
    """The incident whose buttons have this block id."""
    return block_id.rpartition("#")[0]


def state_line(incident: Row) -> str | None:
    """Who did what about an incident, as mrkdwn for a context block; None while nobody did anything."""
    by = f" by <@{incident['changed_by']}>" if incident.get("changed_by") else ""
    if incident["state"] == "acknowledged":
        return f"Acknowledged{by} on {m.day(incident['changed_at'])}."
    if incident["state"] == "snoozed":
        return f"Snoozed{by} until {m.day(incident['snoozed_until'])}."
    if incident["state"] != "resolved":
        return None
    return f"{'Over since' if incident.get('kind') in PASSING else 'Resolved on'} {m.day(incident['changed_at'])}."


# --- A plan ----------------------------------------------------------------------------------------------------------


def plan_key(month: Any, stage: str, scope: str, scope_id: str) -> str:
    """The key of a plan's post to a team's channel or the organisation's."""
    return f"plan/{m.as_date(month):%Y-%m}/{stage}/{scope}/{scope_id}"


def for_plan(row: Row, decisions: Decisions | None = None) -> list[Block]:
    """The buttons below a plan: what of its `proposals` nobody decided yet can be approved at once.

    `row` has month, stage, scope, scope_id, issued_at and `proposals` ([{scope, scope_id, ...}]).
    """
    proposals = list(row.get("proposals") or [])
    if not proposals:
        return []
    left = undecided(proposals, decisions or {}, row["issued_at"])
    about = {
        "plan": plan_key(row["month"], row["stage"], row["scope"], row["scope_id"]),
        "issued_at": utc(row["issued_at"]).isoformat(),
        # A channel that does not name its developers approves the team's cap only.
        "alone": all((one["scope"], one["scope_id"]) == (row["scope"], row["scope_id"]) for one in proposals),
    }
    value, elements = json.dumps(about), []
    if left:
        every = (
            "the cap" if len(proposals) == 1 else f"{'all' if len(left) == len(proposals) else 'the other'} {len(left)}"
        )
        elements.append(_button(APPROVE, f"Approve {every}", value, style="primary"))
    elements.append(_button(CHANGE, "Change one\u2026", value))
    elements.append(_button(REJECT, "Reject", value, style="danger"))
    return [{"type": "actions", "elements": elements}]


def undecided(proposals: Iterable[Row], decisions: Decisions, issued_at: Any) -> list[Row]:
    """The proposals on whose cap nobody decided since the plan was issued, or which were rejected."""
    return [one for one in proposals if not _stands(decisions.get((one["scope"], one["scope_id"])), issued_at)]


def _stands(decision: Row | None, issued_at: Any) -> bool:
    return decision is not None and decision["decision"] != "rejected" and utc(decision["decided_at"]) > utc(issued_at)


def plan_state_line(row: Row, decisions: Decisions) -> str | None:
    """Who decided what about a plan's proposals, as mrkdwn; None while nobody decided anything."""
    counts: dict[str, int] = {}
    for one in row.get("proposals") or []:
        decision = decisions.get((one["scope"], one["scope_id"]))
        if decision is not None and utc(decision["decided_at"]) > utc(row["issued_at"]):
            words = f"{decision['decision']} by <@{decision['decided_by']}> on {m.day(decision['decided_at'])}"
            if decision["decision"] in ("changed", "increased"):  # to another cap than the message shows
                name = m.escape(one.get("name") or one["scope_id"], limit=40)
                words = f"{name} to {cap_words(decision)}, {words}"
            counts[words] = counts.get(words, 0) + 1
    shown = [words if " to " in words else f"{count} {words}" for words, count in counts.items()]
    shown = [*shown[:8], f"{len(shown) - 8} more lines in plan.cap_decisions"] if len(shown) > 8 else shown
    return f"Caps decided: {'; '.join(shown)}." if shown else None


def change_form(about: Row, proposals: Sequence[Row]) -> Block:
    """The form behind `Change one…`. `about` comes back with it; an option's value is the proposal's place."""
    options = [_option(_proposed(one), str(place)) for place, one in enumerate(proposals)]
    menu: Block = {"type": "static_select", "action_id": "cap", "placeholder": _plain("Choose a cap")}
    if len(options) <= _OPTIONS:
        menu["options"] = options
    else:
        groups = [options[start : start + _OPTIONS] for start in range(0, len(options), _OPTIONS)]
        menu["option_groups"] = [
            {"label": _plain(f"{start * _OPTIONS + 1} to {start * _OPTIONS + len(group)}"), "options": group}
            for start, group in enumerate(groups[:_OPTIONS])
        ]
    return _form(CHANGE, "Change a cap", "Change", about, [_input("cap", "Cap", menu), *_amount()])


def _proposed(one: Row) -> str:
    name = m.plain(one.get("name") or one["scope_id"], limit=40)
    what = {"team": "Team ", "org": ""}.get(str(one["scope"]), "")
    return f"{what}{name}: {m.amount(one.get('recommended_cap_tokens'))} proposed"


# --- A request -------------------------------------------------------------------------------------------------------


def request_form(about: Row, name: str) -> Block:
    """The form behind `Request an increase`. `about` comes back with it."""
    now = f"{m.plain(name, limit=60)}, {m.month_name(about['month'])}: the cap is {cap_words(about, 'now_')}."
    reason = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": REASON_LIMIT}
    amount = _amount(_measures(about))
    fields = [{"type": "section", "text": _plain(now)}, *amount, _input("reason", "What is it for?", reason)]
    return _form(REQUEST, "Request an increase", "Ask", about, fields)


def request_message(request: Row, decided: str | None = None) -> tuple[str, list[Block]]:
    """A request in the lead's conversation: text and blocks; with buttons until somebody `decided` (mrkdwn).

    `request`: by, scope, scope_id, name, month, cap_tokens, cap_usd, now_cap_tokens, now_cap_usd, reason, id, at.
    """
    asked = f"<@{request['by']}> asks for {cap_words(request)} for {m.escape(request['name'])}"
    text = f"{asked} in {m.month_name(request['month'])}; the cap is {cap_words(request, 'now_')}."
    blocks = [m.section(text, f"*Reason:* {m.escape(request['reason'], limit=REASON_LIMIT)}")]
    if decided:
        return text, [*blocks, m.context(decided)]
    value = json.dumps(dict(request), ensure_ascii=False)
    elements = [
        _button(GRANT, "Approve", value, style="primary"),
        _button(GRANT_OTHER, "Change\u2026", value),
        _button(DENY, "Deny", value, style="danger"),
    ]
    return text, [*blocks, {"type": "actions", "elements": elements}]


def grant_form(request: Row, channel: str, ts: str) -> Block:
    """The form behind a request's `Change…`."""
    about = {"request": dict(request), "channel": channel, "ts": ts}
    return _form(GRANT_OTHER, "Another cap", "Approve", about, _amount(_measures(request)))


def _measures(about: Row) -> list[str]:
    """The measures that have a cap now: more of another one would leave that cap in the way."""
    return [one for one in (TOKENS, USD) if m.number(about.get(f"now_cap_{one}")) is not None] or [TOKENS, USD]


def cap_words(caps: Row, prefix: str = "") -> str:
    """The caps of a row in words: "4.00 M tokens", "$20.00", both, or "no cap"."""
    tokens, usd = m.number(caps.get(f"{prefix}cap_tokens")), m.number(caps.get(f"{prefix}cap_usd"))
    words = [*([m.tokens(tokens)] if tokens is not None else []), *([m.usd(usd)] if usd is not None else [])]
    return " and ".join(words) or "no cap"


# --- Forms -----------------------------------------------------------------------------------------------------------


def typed_cap(fields: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
    """The cap of a submitted form ({'cap_tokens', 'cap_usd'}: one of them None), or what is wrong with it."""
    amount = m.number((fields.get("amount") or "").strip().replace(",", "."))
    if amount is None or not 0 < amount <= 10**9:
        return {}, "Enter a number above 0 and up to 1000000000, like 4.5."
    if fields.get("unit") == USD:
        usd = amount.quantize(Decimal("0.01"))
        return ({"cap_tokens": None, "cap_usd": usd}, None) if usd else ({}, "The least is one cent: 0.01.")
    tokens = int(amount * 10**6)
    return ({"cap_tokens": tokens, "cap_usd": None}, None) if tokens else ({}, "The least is one token: 0.000001.")


def fields_of(view: Row) -> dict[str, str]:
    """What was filled in: {field: text or chosen option}."""
    found = {}
    for name, actions in ((view.get("state") or {}).get("values") or {}).items():
        for given in actions.values():
            chosen = (given.get("selected_option") or {}).get("value")
            found[name] = str(chosen if chosen is not None else given.get("value") or "")
    return found


def utc(value: Any) -> datetime:
    """A time in UTC, of a datetime or an ISO text that is in UTC where it names no zone."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def in_json(value: Any) -> Any:
    """Dates and decimals as text, for what travels in a button or a form."""
    return str(value) if isinstance(value, date | Decimal) else value


def _amount(measures: Sequence[str] = (TOKENS, USD)) -> list[Block]:
    number = {"type": "number_input", "action_id": "amount", "is_decimal_allowed": True, "min_value": "0"}
    words = {TOKENS: "million tokens", USD: "USD"}
    units = [_option(words[one], one) for one in measures]
    unit = {"type": "static_select", "action_id": "unit", "options": units, "initial_option": units[0]}
    return [_input("amount", "Cap of the month", number), _input("unit", "Unit", unit)]


def _form(verb: str, title: str, submit: str, about: Row, blocks: list[Block]) -> Block:
    meta = json.dumps(dict(about), ensure_ascii=False)
    if len(meta) > _META_LIMIT:
        raise ValueError(f"{len(meta)} characters do not fit into a form")
    return {
        "type": "modal",
        "callback_id": verb,
        "private_metadata": meta,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "blocks": blocks,
    }


def _input(name: str, label: str, element: Block) -> Block:
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element}


def _button(verb: str, text: str, value: str, **style: str) -> Block:
    return {"type": "button", "action_id": verb, "text": _plain(text), "value": value, **style}


def _option(text: str, value: str) -> Block:
    return {"text": _plain(text), "value": value}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
