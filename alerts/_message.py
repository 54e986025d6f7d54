"""A message: its fallback text, its blocks within Slack's limits, and the same words for a console."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts._format import (
    amount,
    as_cell,
    as_date,
    as_day,
    day,
    escape,
    escape_exactly,
    month_name,
    next_month,
    number,
    percent,
    plain,
    tokens,
    usd,
)

__all__ = [
    "SECTION_LIMIT",
    "TEXT_LIMIT",
    "Message",
    "amount",
    "as_cell",
    "as_date",
    "as_day",
    "clip",
    "code",
    "context",
    "day",
    "escape",
    "escape_exactly",
    "header",
    "image",
    "month_name",
    "next_month",
    "number",
    "percent",
    "plain",
    "render_text",
    "section",
    "tokens",
    "usd",
    "with_note",
]

# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT, SECTION_LIMIT, FIELD_LIMIT, FIELDS_LIMIT, BLOCKS_LIMIT, TEXT_LIMIT = 150, 3000, 2000, 10, 50, 3000
ALT_TEXT_LIMIT = 2000

_CUT_ENTITY = re.compile(r"&[a-z]{0,3}$")
_BOLD = re.compile(r"\*([^*\n]+)\*")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)


@dataclass(frozen=True)
class Message:
    """What is said: `text` is the one-sentence fallback, `blocks` the message itself. Beyond Slack's limits: error.

    `images` are PNGs by name, which the `image` blocks refer to; `files` are put into the message's thread, by name.
    """

    alert_key: str
    text: str
    blocks: list[dict[str, Any]]
    images: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.text or len(self.text) > TEXT_LIMIT:
            raise ValueError(f"the fallback text has {len(self.text)} characters, not 1 to {TEXT_LIMIT}")
        if not 0 < len(self.blocks) <= BLOCKS_LIMIT:
            raise ValueError(f"the message has {len(self.blocks)} blocks, not 1 to {BLOCKS_LIMIT}")
        shown = {block["slack_file"]["id"] for block in self.blocks if block["type"] == "image"}
        if shown != set(self.images):
            raise ValueError(f"image blocks {sorted(shown)} do not match the images {sorted(self.images)}")
        for block in self.blocks:
            if block["type"] in ("image", "actions", "divider"):
                continue
            limit = HEADER_LIMIT if block["type"] == "header" else SECTION_LIMIT
            parts = [(block["text"], limit)] if "text" in block else []
            parts += [(part, FIELD_LIMIT) for key in ("fields", "elements") for part in block.get(key, [])]
            if len(parts) > FIELDS_LIMIT or any(not 0 < len(part["text"]) <= most for part, most in parts):
                raise ValueError(f"a {block['type']} block is beyond Slack's limits")


def header(text: str) -> dict[str, Any]:
    """A header block; `text` is plain text (names through `plain`)."""
    return {"type": "header", "text": {"type": "plain_text", "text": clip(text, HEADER_LIMIT), "emoji": False}}


def section(*lines: str) -> dict[str, Any]:
    """A section block of mrkdwn lines (names through `escape`)."""
    return {"type": "section", "text": _mrkdwn("\n".join(lines), SECTION_LIMIT)}


def context(*texts: str) -> dict[str, Any]:
    """A context block: small print."""
    return {"type": "context", "elements": [_mrkdwn(text, FIELD_LIMIT) for text in texts[:FIELDS_LIMIT]]}


def image(name: str, alt_text: str) -> dict[str, Any]:
    """An image block; `name` is one of the message's `images`, `alt_text` says in plain text what it shows."""
    return {"type": "image", "slack_file": {"id": name}, "alt_text": clip(alt_text, ALT_TEXT_LIMIT)}


def code(text: str) -> str | None:
    """The text as a code block that can be copied and run; None where it is too long or has a fence in it."""
    kept = "".join(ch for ch in text.strip().expandtabs(4) if ch == "\n" or ch.isprintable())
    fenced = f"```\n{escape_exactly(kept)}\n```"
    return fenced if kept and "```" not in kept and len(fenced) <= SECTION_LIMIT - 100 else None


def with_note(message: Message, note: str) -> Message:
    """The same message with one more line of small print (mrkdwn) under the title."""
    return dataclasses.replace(message, blocks=[*message.blocks[:1], context(note), *message.blocks[1:]])


def render_text(message: Message) -> str:
    """The message for a console or a text file: the same words without Slack's markup."""
    parts = []
    for block in message.blocks:
        if block["type"] in ("actions", "divider"):
            continue
        if block["type"] == "image":
            parts.append(f"[{block['slack_file']['id']}: {block['alt_text']}]")
            continue
        texts = [block["text"]] if "text" in block else block.get("fields", block.get("elements", []))
        text = "\n".join(part["text"] if part["type"] == "plain_text" else _unmarked(part["text"]) for part in texts)
        parts.append(f"{text}\n{'=' * min(len(text), 100)}" if block["type"] == "header" else text)
    return "\n\n".join(parts) + "\n"


def _mrkdwn(text: str, limit: int) -> dict[str, Any]:
    # verbatim: Slack makes no links of addresses and channel names in plain words (names come from outside).
    return {"type": "mrkdwn", "text": clip(text, limit), "verbatim": True}


def clip(text: str, limit: int) -> str:
    """Written mrkdwn or plain text cut to so many characters, never within an escape."""
    return text if len(text) <= limit else _CUT_ENTITY.sub("", text[: limit - 1]) + "\u2026"


def _unmarked(text: str) -> str:
    pieces = _FENCE.split(text)  # words, code, words, …
    pieces[::2] = [_BOLD.sub(r"\1", piece) for piece in pieces[::2]]
    pieces[1::2] = ["\n".join("    " + line for line in piece.split("\n")) for piece in pieces[1::2]]
    return "".join(pieces).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
