"""What is said in the thread of an alert later: that it is over, or that it is back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts import _message as m


def follow_up(row: Mapping[str, Any], kinds: Mapping[str, Any]) -> m.Message:
    """`row` is the incident, with the columns of its finding where there is one; `follow_up` says what is new."""
    if row["follow_up"] == "resolved":
        words = "✅ Resolved: what this was about is over. It is told again here if it comes back."
    else:
        words = f"🔁 Open again: {kinds[str(row['kind'])].line(row)}"
    return m.Message(str(row["alert_key"]), words[: m.TEXT_LIMIT], [m.section(words)])
