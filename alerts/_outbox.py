"""The outbox: a message as a text file a person can read; beside it what Slack would have got, charts and files."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from alerts._message import Message, render_text
from alerts._slack import payload
from alerts._slack_errors import DeliveryFailed

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_STEM = 120  # what is attached has a name of its own behind it, and a file system takes 255


def stem(alert_key: str, recipient: str) -> str:
    """The files' name without its ending: the key with `/` as `__`, then the recipient.

    Where that is not a safe, short and unique name, unsafe characters become `_` and `~` with a hash follows; `~`
    is in no other name, so that two messages never share a file.
    """
    parts = [*alert_key.split("/"), recipient]
    joined = "__".join(parts)
    usual = all(_SAFE.fullmatch(part) and "__" not in part and part.strip("_") == part for part in parts)
    if usual and len(joined) <= _LONGEST_STEM:
        return joined
    digest = hashlib.sha256(f"{alert_key}\0{recipient}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    kept = re.sub(r"[^A-Za-z0-9_-]", "_", joined).strip("_")[: _LONGEST_STEM - 20]
    return f"{kept or 'alert'}~{digest}"


def write(outbox: Path, message: Message, recipient: str) -> tuple[Path, str]:
    """Write the message's `.txt` and `.json`, each as a whole or not at all; the text file's path, and its text.

    Raises DeliveryFailed when the folder cannot be written.
    """
    try:
        return _write(outbox, message, recipient)
    except OSError as error:
        raise DeliveryFailed(f"the outbox cannot be written ({error})", True, f"whoever owns {outbox}") from error


def _write(outbox: Path, message: Message, recipient: str) -> tuple[Path, str]:
    outbox.mkdir(parents=True, exist_ok=True)
    text = f"To: {' '.join(recipient.split())}\n\n{render_text(message)}"
    name = stem(message.alert_key, recipient)
    would_send = json.dumps(payload(message, recipient), ensure_ascii=False, indent=2)
    for image, png in message.images.items():
        _replace(outbox / f"{name}__{image}", png)
    for file, content in message.files.items():
        _replace(outbox / f"{name}__{file}", content)
    _replace(outbox / f"{name}.json", f"{would_send}\n".encode())
    return _replace(outbox / f"{name}.txt", text.encode()), text


def _replace(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path
