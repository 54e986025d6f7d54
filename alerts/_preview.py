"""Messages as one HTML page, about as Slack shows them: for looking at them before anybody else does.

The page needs nothing from elsewhere, runs no script and shows names from outside as text.
"""

from __future__ import annotations

import base64
import itertools
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from alerts import _outbox
from alerts._message import Message

Due = Mapping[str, Sequence[tuple[str, Message]]]  # (recipient, message) pairs by when they go out, as `preview` says

# Slack's mrkdwn, as far as our messages use it: code, bold, mentions and links.
_MARKUP = re.compile(
    r"```\n?(?P<fence>.*?)\n?```|`(?P<code>[^`\n]+)`|\*(?P<bold>[^*\n]+)\*|<(?P<link>[^<>\n]+)>", re.DOTALL
)

_STYLE = """
:root { color-scheme: light dark; --text: light-dark(#1d1c1d, #d1d2d3); --grey: light-dark(#616061, #9a9b9d);
  --page: light-dark(#ffffff, #1a1d21); --line: light-dark(#dddddd, #3c3f44); --soft: light-dark(#f6f6f6, #222529);
  --link: light-dark(#1264a3, #1d9bd1); --button: light-dark(#ffffff, #222529); }
:root:has(#light:checked) { color-scheme: light }
:root:has(#dark:checked) { color-scheme: dark }
body { margin: 0 auto; max-width: 700px; padding: 24px 16px; background: var(--page); color: var(--text);
  font: 15px/1.47 Lato, "Noto Sans", "DejaVu Sans", "Liberation Sans", "Noto Color Emoji", sans-serif }
h1 { font-size: 22px; margin: 0 0 4px } h2 { font-size: 18px; margin: 32px 0 8px } p { margin: 4px 0 }
.themes, .index, .small, .to { color: var(--grey); font-size: 13px }
.themes label { margin-right: 12px } .index { margin: 16px 0; padding-left: 20px } a { color: var(--link) }
article { border-top: 1px solid var(--line); padding: 20px 0 }
.to { margin-bottom: 8px; overflow-wrap: anywhere }
.message { display: grid; grid-template-columns: 36px minmax(0, 640px); gap: 8px }
.avatar { width: 36px; height: 36px; border-radius: 8px; background: #2f6f5e; color: #fff; text-align: center;
  font: bold 20px/36px sans-serif }
.app { font-size: 10px; background: var(--line); border-radius: 2px; padding: 1px 3px; vertical-align: 2px }
.blocks { overflow-wrap: anywhere; white-space: pre-wrap }
.blocks > * { margin: 8px 0 0 } .header { font-size: 18px; font-weight: 900; line-height: 1.33 }
.section { display: flex; gap: 12px } .section > div { flex: 1; min-width: 0 }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px }
.context { color: var(--grey); font-size: 13px; line-height: 1.38 }
.actions { display: flex; flex-wrap: wrap; gap: 8px; white-space: normal }
.button { background: var(--button); border: 1px solid light-dark(#bbbbbb, #565856); border-radius: 4px;
  padding: 4px 12px; font-size: 13px; font-weight: 700; line-height: 18px; white-space: nowrap }
.primary { background: #007a5a; border-color: #007a5a; color: #fff } .danger { border-color: #e01e5a; color: #e01e5a }
code { font: 12px/1.5 "DejaVu Sans Mono", "Liberation Mono", monospace; background: var(--soft); border-radius: 3px;
  border: 1px solid var(--line); padding: 1px 3px; color: light-dark(#c01343, #e8912d) }
pre { font: 12px/1.5 "DejaVu Sans Mono", "Liberation Mono", monospace; background: var(--soft); border-radius: 4px;
  border: 1px solid var(--line); margin: 4px 0 0; padding: 8px; white-space: pre-wrap }
hr { border: 0; border-top: 1px solid var(--line) }
figure { margin: 8px 0 0 } img { display: block; max-width: 100%; border-radius: 8px; border: 1px solid var(--line) }
.missing { border: 1px dashed var(--line); border-radius: 8px; padding: 12px; color: var(--grey) }
.file { border: 1px solid var(--line); border-radius: 8px; margin-top: 8px; padding: 8px 12px }
"""


def html(due: Due) -> str:
    """One page of (recipient, message) pairs by when they go out, light or dark as the reader's system or as chosen on
    the page."""
    number, index, articles = itertools.count(), "", ""
    for when, messages in due.items():
        count = f"{len(messages):,} {'message' if len(messages) == 1 else 'messages'}" if messages else "Nothing"
        index += f'<p class="small">{count} {escape(when)}</p>\n<ol class="index">'
        articles += f"<h2>{count} {escape(when)}</h2>\n"
        for recipient, message in messages:
            place = next(number)
            index += f'<li><a href="#m{place}">{_text(message.text)}</a></li>'
            articles += _article(place, recipient, message)
        index += "</ol>\n"
    themes = "".join(
        f'<label><input type="radio" name="theme" id="{theme}"{checked}> {theme}</label>'
        for theme, checked in (("system", " checked"), ("light", ""), ("dark", ""))
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Paceline: messages</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<style>{_STYLE}</style></head>\n<body><h1>What would be sent</h1>\n"
        '<p class="small">About as Slack shows them. Above each: to whom it goes, and its notification.</p>\n'
        f'<p class="themes">{themes}</p>\n{index}{articles}</body></html>\n'
    )


def write_preview(folder: Path, due: Due) -> Path:
    """Write the page, and each message as text and as Block Kit, in place of what the folder held; the page's path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for recipient, message in itertools.chain.from_iterable(due.values()):
        _outbox.write(folder, message, recipient)
    page = folder / "index.html"
    page.write_text(html(due), encoding="utf-8")
    return page


def _article(number: int, recipient: str, message: Message) -> str:
    blocks = "".join(_block(block, message.images) for block in message.blocks)
    files = "".join(_file(name, content) for name, content in message.files.items())
    return (
        f'<article id="m{number}"><div class="to">To {escape(str(recipient))}, key {escape(message.alert_key)}<br>'
        f'Notification: {_text(message.text)}</div>\n<div class="message"><div class="avatar">P</div><div>'
        f'<b>Paceline</b> <span class="app">APP</span><div class="blocks">{blocks}</div>{files}</div></div></article>\n'
    )


def _block(block: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    shown = _BLOCKS.get(block["type"])
    if block["type"] == "image":
        return _image(block, images)
    return shown(block) if shown else f'<div class="missing">{escape(str(block["type"]))}</div>'


def _section(block: Mapping[str, Any]) -> str:
    text = f"<div>{_object(block['text'])}</div>" if "text" in block else ""
    fields = "".join(f"<div>{_object(each)}</div>" for each in block.get("fields", []))
    fields = f'<div class="fields">{fields}</div>' if fields else ""
    beside = _element(block["accessory"]) if "accessory" in block else ""
    return f'<div class="section"><div>{text}{fields}</div>{beside}</div>'


def _image(block: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    alt, content = escape(block["alt_text"]), images.get(block["slack_file"]["id"])
    if not content:
        return f'<div class="missing">{alt}</div>'
    data = base64.b64encode(content).decode()
    return f'<figure><img src="data:image/png;base64,{data}" alt="{alt}" title="{alt}"></figure>'


def _element(element: Mapping[str, Any]) -> str:
    label = element.get("text") or element.get("placeholder") or {"type": "plain_text", "text": element["type"]}
    style = element.get("style") if element.get("style") in ("primary", "danger") else ""
    mark = " \u25be" if "select" in element["type"] or element["type"] == "overflow" else ""
    return f'<span class="button {style}">{_object(label)}{mark}</span>'


def _file(name: str, content: bytes) -> str:
    data = base64.b64encode(content).decode()
    link = f'<a download="{escape(name)}" href="data:application/octet-stream;base64,{data}">{escape(name)}</a>'
    return f'<div class="file">\U0001f4ce {link}, {len(content):,} bytes, in the thread or the outbox</div>'


_BLOCKS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "header": lambda block: f'<div class="header">{_object(block["text"])}</div>',
    "section": _section,
    "context": lambda block: f'<div class="context">{"<br>".join(_object(each) for each in block["elements"])}</div>',
    "actions": lambda block: f'<div class="actions">{"".join(_element(each) for each in block["elements"])}</div>',
    "divider": lambda block: "<hr>",
}


def _object(text: Mapping[str, Any]) -> str:
    return _mrkdwn(text["text"]) if text["type"] == "mrkdwn" else escape(text["text"])


def _mrkdwn(text: str) -> str:
    parts, end = [], 0
    for found in _MARKUP.finditer(text):
        parts += [_text(text[end : found.start()]), _marked(found)]
        end = found.end()
    return "".join([*parts, _text(text[end:])])


def _marked(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    inner = found[kind]
    if kind == "link":
        target, _, label = inner.partition("|")
        return f"<a>{_text(label or target)}</a>"
    tag = {"fence": "pre", "code": "code", "bold": "b"}[kind]
    return f"<{tag}>{_text(inner)}</{tag}>"


def _text(written: str) -> str:
    """Text with Slack's three escapes as HTML."""
    return escape(written.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
