"""What is said in the thread of an alert when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts import _message as m

_WORDS = "\u2705 Resolved: what this was about is over. It is told again here if it comes back."


def resolved(incident: Mapping[str, Any]) -> m.Message:
    """The reply for an incident; `alert_key` is the reply's own."""
    return m.Message(str(incident["alert_key"]), _WORDS, [m.section(_WORDS)])
