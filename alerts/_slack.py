"""Posting to Slack, and looking for a message that may have been posted before."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts._message import Message
from alerts._slack_errors import DeliveryFailed, bad_token, explain

EVENT_TYPE = "paceline_alert"
_PAGE_SIZE, _PAGES = 200, 5  # how far back `find` looks


@dataclass(frozen=True)
class SlackSettings:
    """How to reach Slack. Without a token nothing is sent: messages are rendered to the outbox.

    `org_channel` is told about the organisation, `ops_channel` about everything that has no other address.
    """

    token: str | None = field(default=None, repr=False)
    api_url: str | None = None
    org_channel: str | None = None
    ops_channel: str | None = None
    timeout_seconds: int = 15
    retries: int = 2
    retry_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("token", "api_url", "org_channel", "ops_channel"):  # blank, as an empty variable leaves it: unset
            object.__setattr__(self, name, (getattr(self, name) or "").strip() or None)


@dataclass(frozen=True)
class Posted:
    """Where Slack put the message."""

    channel: str
    ts: str


def payload(message: Message, channel: str) -> dict[str, Any]:
    """The arguments of chat.postMessage. The metadata lets `find` recognise the message later."""
    return {
        "channel": channel,
        "text": message.text,
        "blocks": message.blocks,
        "metadata": {
            "event_type": EVENT_TYPE,
            "event_payload": {"alert_key": message.alert_key, "recipient": channel},
        },
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "parse": "none",
    }


class Slack:
    """The two things asked of Slack. Every failure is a `DeliveryFailed` that carries nothing of the request."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings

    def post(self, message: Message, channel: str, source: str = "the channel") -> Posted:
        """Post to a channel, or to a person by user id. `source` says where the channel's id is written down."""
        answer = self._call(lambda: self._poster.chat_postMessage(**payload(message, channel)), channel, source)
        if not answer.get("channel") or not answer.get("ts"):
            reason = "Slack confirmed without saying where the message is"
            raise DeliveryFailed(reason, True, "nobody: the next delivery looks for it", maybe_sent=True)
        return Posted(channel=str(answer["channel"]), ts=str(answer["ts"]))

    def find(
        self, alert_key: str, recipient_channel: str, oldest: datetime, known_id: str | None = None
    ) -> Posted | None:
        """The earlier post of this alert to this recipient, or None when it is not there.

        `known_id`: the conversation's id where an earlier post told it; else it is asked for.
        Looks at most 1,000 messages back. Raises `DeliveryFailed` when the question stays open: with `retry_helps`
        when Slack could not be asked now, without it when the bot may not look (a missing scope, say).
        """
        channel = known_id or self._conversation(recipient_channel)
        return self._search(alert_key, recipient_channel, channel, oldest)

    def _search(self, alert_key: str, recipient: str, channel: str, oldest: datetime) -> Posted | None:
        wanted = {"alert_key": alert_key, "recipient": recipient}
        ask = functools.partial(
            self._reader.conversations_history,
            channel=channel,
            oldest=f"{oldest.timestamp():.6f}",
            inclusive=True,
            include_all_metadata=True,
            limit=_PAGE_SIZE,
        )
        for answer in self._pages(ask, channel):
            for found in answer.get("messages") or []:
                metadata = found.get("metadata") or {}
                if metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload") == wanted:
                    return Posted(channel=channel, ts=str(found["ts"]))
        return None

    def _conversation(self, recipient: str) -> str:
        """The conversation's id, which reading needs: a user's is opened, a public channel's found by its #name."""
        if recipient[:1] in ("U", "W"):
            ask = functools.partial(self._reader.conversations_open, users=recipient)
            answer = self._call(ask, recipient, "the user id")
            return str((answer.get("channel") or {}).get("id") or recipient)
        if recipient[:1] == "#":
            ask = functools.partial(self._reader.conversations_list, exclude_archived=True, limit=_PAGE_SIZE)
            for answer in self._pages(ask, recipient):
                for channel in answer.get("channels") or []:
                    if channel.get("name") == recipient[1:]:
                        return str(channel["id"])
        return recipient

    def _pages(self, ask: Callable[..., Any], channel: str) -> Iterator[Any]:
        cursor = None
        for _ in range(_PAGES):
            answer = self._call(functools.partial(ask, cursor=cursor), channel, "the channel")
            yield answer
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _call(self, request: Callable[[], Any], channel: str, source: str) -> Any:
        try:
            return request()
        except DeliveryFailed:
            raise
        except Exception as error:
            failure = explain(error, channel, source)
        raise failure  # outside the handler: the original error, which holds the token, is not attached

    @functools.cached_property
    def _poster(self) -> Any:
        return self._client(posting=True)

    @functools.cached_property
    def _reader(self) -> Any:
        return self._client(posting=False)

    def _client(self, posting: bool) -> Any:
        token = self._settings.token or ""
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise bad_token()
        from alerts._slack_client import build

        return build(self._settings, posting=posting)
