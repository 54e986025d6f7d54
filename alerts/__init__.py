"""Alerts: the words of each kind of message, and their delivery to Slack or to the outbox.

This package knows plain dict rows (see `alerts/cap_level.py` for the columns) and nothing of how they were
computed. A new kind of message is a new module here without a leading underscore; `discover()` finds it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alerts._checkup import check_slack
from alerts._deliver import Clock, Delivery, DeliveryBusy, Pending, deliver, pending, preview, refresh, untold, waiting
from alerts._format import digest_name
from alerts._message import Message, render_text
from alerts._plan import TOLD
from alerts._preview import write_preview
from alerts._slack import SlackSettings
from alerts._slack_errors import DeliveryFailed

if TYPE_CHECKING:
    from alerts._ledger import Ledger

__all__ = [
    "TOLD",
    "Clock",
    "Delivery",
    "DeliveryBusy",
    "DeliveryFailed",
    "Kind",
    "Message",
    "Pending",
    "SlackSettings",
    "check_slack",
    "deliver",
    "digest_name",
    "discover",
    "open_ledger",
    "pending",
    "preview",
    "refresh",
    "render_text",
    "untold",
    "waiting",
    "write_preview",
]


@dataclass(frozen=True)
class Kind:
    """The words of one kind: the whole message of a row; for a digest or a summary one line of mrkdwn, and its step."""

    message: Callable[[Mapping[str, Any]], Message]
    line: Callable[[Mapping[str, Any]], str]
    step: Callable[[Mapping[str, Any]], str]


def discover() -> dict[str, Kind]:
    """Every kind of message by its name.

    One module of this package without a leading underscore is one kind, and the module's name is the kind's name.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    modules = {name: importlib.import_module(f"alerts.{name}") for name in names}
    return {name: Kind(module.message, module.line, module.step) for name, module in modules.items()}


def open_ledger(url: str) -> Ledger:
    """The delivery ledger at a SQLAlchemy URL, e.g. `sqlite:////data/alerts.db`; creates its tables when missing."""
    from alerts._ledger import Ledger

    return Ledger(url)
