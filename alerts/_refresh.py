"""What a message shows beside its words: the state of its incident, and buttons; and changing it in place later."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alerts._buttons import for_incident, for_plan, state_line
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
    message: Message, row: Mapping[str, Any], incident: Mapping[str, Any] | None, settings: SlackSettings
) -> Message:
    """The words with the incident's state below the title, and with buttons where somebody listens to them."""
    blocks = list(message.blocks)
    state = state_line(incident) if incident else None
    if state:
        blocks.insert(1, context(state))
    if settings.interactive:
        blocks += for_incident(incident, row) if incident else for_plan(row) if row.get("kind") == "plan" else []
    return dataclasses.replace(message, blocks=blocks)


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
    ledger: Ledger, slack: Slack, settings: SlackSettings, kinds: Mapping[str, Kind], found: Findings | None = None
) -> None:
    """Change every message of an incident that no longer shows what is the matter.

    With `found` the numbers are those of now, without it those last told. What Slack refuses for now is tried with
    the next delivery; nobody is told anew, so it is no failure.
    """
    incidents = ledger.incidents()
    for record in ledger.records().values():
        incident = incidents.get(record["incident_key"] or "")
        if incident is None or record["role"] != "message" or record["state"] != "delivered" or not record["content"]:
            continue
        row = found.row_of(record["incident_key"]) if found else None
        message = from_content(record["alert_key"], record["content"])
        if row is not None:
            message = dataclasses.replace(kinds[incident["kind"]].message(row), alert_key=record["alert_key"])
            notes = [one.note for one in recipients(row, settings) if one.address == record["recipient"] and one.note]
            message = with_note(message, notes[0]) if notes else message
        if not change(ledger, slack, record, message, complete(message, row or incident, incident, settings)):
            return


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
