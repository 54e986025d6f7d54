"""What a message shows beside its words: the state of its incident, and buttons; and changing it in place later."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alerts._buttons import Decisions, for_incident, for_plan, plan_state_line, state_line
from alerts._message import Message, context, with_note
from alerts._plan import recipients
from alerts._slack import Posted, Slack, SlackSettings
from alerts._slack_errors import DeliveryFailed

if TYPE_CHECKING:
    from alerts import Kind
    from alerts._ledger import Ledger
    from alerts._plan import Findings

# Nothing can be changed about these any more.
_GONE = ("message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "is_archived")


def complete(
    message: Message,
    row: Mapping[str, Any],
    settings: SlackSettings,
    incident: Mapping[str, Any] | None = None,
    decisions: Decisions | None = None,
) -> Message:
    """The words with what became of the matter below the title, and with buttons where somebody listens to them."""
    blocks, buttons = list(message.blocks), []
    if incident:
        state, buttons = state_line(incident), for_incident(incident, row)
    elif row.get("proposals"):
        state, buttons = plan_state_line(row, decisions or {}), for_plan(row, decisions)
    else:
        state = None
    if state:
        blocks.insert(1, context(state))
    return dataclasses.replace(message, blocks=blocks + (buttons if settings.interactive else []))


def content(message: Message) -> str:
    """The words as the ledger keeps them."""
    return json.dumps({"text": message.text, "blocks": message.blocks}, ensure_ascii=False)


def from_content(alert_key: str, stored: str) -> Message:
    """The words that the ledger kept."""
    kept = json.loads(stored)
    images = {block["slack_file"]["id"]: b"" for block in kept["blocks"] if block["type"] == "image"}
    return Message(alert_key, kept["text"], kept["blocks"], images)


def digest_of(message: Message) -> str:
    """The same for messages that look the same."""
    return hashlib.blake2b(content(message).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def with_image_ids(message: Message, ids: Mapping[str, str], note: str | None) -> Message:
    """The message with Slack's file ids in its image blocks; images without one are left out, and a note says so."""
    blocks = []
    for block in message.blocks:
        if block["type"] != "image":
            blocks.append(block)
        elif (name := block["slack_file"]["id"]) in ids:
            blocks.append({**block, "slack_file": {"id": ids[name]}})
    blocks += [context(note)] if note else []
    return dataclasses.replace(message, blocks=blocks, images={ids[name]: message.images[name] for name in ids})


def refresh(
    ledger: Ledger,
    slack: Slack,
    settings: SlackSettings,
    kinds: Mapping[str, Kind],
    found: Findings | None = None,
    only: str | None = None,
) -> None:
    """Change every message that no longer shows what is the matter, or those of one incident or plan (`only`: its key).

    With `found` the numbers are those of now, without it those last told. What Slack refuses for now is tried with
    the next delivery; nobody is told anew, so it is no failure.
    """
    incidents = ledger.incidents()
    plans = {str(row["alert_key"]): row for row in found.messages} if found else {}
    for record in ledger.records().values():
        if record["role"] != "message" or record["state"] != "delivered" or not record["content"]:
            continue
        # A plan's post to the lead has the key of the channel's with a suffix.
        if only and only not in (record["incident_key"], record["alert_key"].removesuffix("/lead")):
            continue
        words = from_content(record["alert_key"], record["content"])
        if record["incident_key"] in incidents:
            row = (found.firing.get(record["incident_key"]) or {}) if found else {}
            words = _worded(row, record, kinds, settings) or words
            # Anew for each message: somebody may have clicked since the first.
            incident = ledger.incident(record["incident_key"])
            shown = complete(words, row or incident or {}, settings, incident)
        elif plan := plans.get(record["alert_key"]):
            shown = complete(words, plan, settings, decisions=ledger.decisions(record["month"]))
        else:
            continue
        if not change(ledger, slack, record, words, shown):
            return


def _worded(
    row: Mapping[str, Any], record: Mapping[str, Any], kinds: Mapping[str, Kind], settings: SlackSettings
) -> Message | None:
    """The words for an incident's row of now, under the key and with the note that its message has; None without."""
    if not row:
        return None
    try:
        row = {**row, "has_buttons": settings.interactive}
        message = dataclasses.replace(kinds[str(row["kind"])].message(row), alert_key=record["alert_key"])
    except Exception:  # one row that cannot be worded must not keep the others; it is reported where it is told
        return None
    notes = [one.note for one in recipients(row, settings) if one.address == record["recipient"] and one.note]
    return with_note(message, notes[0]) if notes else message


def change(ledger: Ledger, slack: Slack, record: Mapping[str, Any], words: Message, shown: Message) -> bool:
    """Change one message in place unless it looks so already; False when Slack does not answer, or has enough."""
    new = digest_of(shown)
    if new == record["shown"]:
        return True
    try:
        slack.update(shown, record["recipient"], Posted(record["slack_channel"], record["slack_ts"]))
    except DeliveryFailed as failure:
        if failure.code not in _GONE:
            return not (failure.unreachable or failure.retry_helps)
    ledger.showing(record["alert_key"], record["recipient"], content(words), new)
    return True
