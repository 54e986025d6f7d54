"""Posting to Slack, and looking for a message that may have been posted before."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    `interactive`: somebody listens to clicks, so messages get buttons.
    """

    token: str | None = field(default=None, repr=False)
    api_url: str | None = None
    org_channel: str | None = None
    ops_channel: str | None = None
    timeout_seconds: int = 15
    retries: int = 2
    retry_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    seconds_between_posts: float = 1.0
    interactive: bool = False

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
        "metadata": _metadata(message.alert_key, channel),
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "parse": "none",
    }


def _metadata(message_key: str, recipient: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"alert_key": message_key, "recipient": recipient}}


@contextmanager
def _nothing_to_see() -> Iterator[None]:
    """Whatever fails in here, no member can see anything of it yet."""
    try:
        yield
    except DeliveryFailed as failure:
        failure.maybe_sent = False
        raise


class Slack:
    """What is asked of Slack. Every failure is a `DeliveryFailed` that carries nothing of the request."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._posted_at: dict[str, float] = {}

    def post(
        self,
        message: Message,
        channel: str,
        source: str = "the channel",
        thread: Posted | None = None,
        broadcast: bool = False,
    ) -> Posted:
        """Post to a channel, or to a person by user id. `source` says where the channel's id is written down.

        In a `thread` it is a reply; with `broadcast` one that the channel sees, too.
        """
        arguments = payload(message, channel)
        if thread:
            arguments |= {"channel": thread.channel, "thread_ts": thread.ts, "reply_broadcast": broadcast}
        self._pace(channel)
        answer = self._call(lambda: self._poster.chat_postMessage(**arguments), channel, source)
        if not answer.get("channel") or not answer.get("ts"):
            reason = "Slack confirmed without saying where the message is"
            raise DeliveryFailed(reason, True, "nobody: the next delivery looks for it", maybe_sent=True)
        return Posted(channel=str(answer["channel"]), ts=str(answer["ts"]))

    def update(self, message: Message, recipient: str, at: Posted) -> None:
        """Change a message in place. Doing it twice is doing it once, so it may be tried again."""
        arguments = {
            "channel": at.channel,
            "ts": at.ts,
            "text": message.text,
            "blocks": message.blocks,
            "metadata": _metadata(message.alert_key, recipient),
        }
        self._call(lambda: self._reader.chat_update(**arguments), at.channel, "the channel")

    def upload(self, name: str, content: bytes, alt_text: str | None = None) -> str:
        """Upload a file that nobody sees until a message shows it; returns its id. What is left over harms nobody."""
        with _nothing_to_see():
            file = self._sent(name, content, alt_text)
            self._call(lambda: self._reader.files_completeUploadExternal(files=[file]), name, "the file")
        return file["id"]

    def share(self, name: str, content: bytes, thread: Posted) -> None:
        """Put a file into a thread. Only the last of its requests shows it; `has_file` tells whether it is there."""
        with _nothing_to_see():
            file = self._sent(name, content, None)
        self._pace(thread.channel)
        where = {"files": [file], "channel_id": thread.channel, "thread_ts": thread.ts}
        self._call(lambda: self._poster.files_completeUploadExternal(**where), thread.channel, "the channel")

    def _sent(self, name: str, content: bytes, alt_text: str | None) -> dict[str, str]:
        from alerts._slack_client import send_bytes

        about = {"filename": name, "length": len(content), "alt_txt": alt_text}
        place = self._call(lambda: self._reader.files_getUploadURLExternal(**about), name, "the file")
        self._call(lambda: send_bytes(str(place["upload_url"]), content, self._settings), name, "the file")
        return {"id": str(place["file_id"]), "title": name}

    def has_file(self, name: str, thread: Posted) -> bool:
        """Whether a thread holds a file of this name."""
        return any(
            name in (file.get("title"), file.get("name"))
            for message in self._messages(thread.channel, thread.ts)
            for file in message.get("files") or []
        )

    def find(
        self,
        message_key: str,
        recipient: str,
        oldest: datetime,
        known_id: str | None = None,
        thread: Posted | None = None,
    ) -> Posted | None:
        """The earlier post of this message to this recipient, or None when it is not there.

        `known_id`: the conversation's id where an earlier post told it; else it is asked for. Looks at most 1,000
        messages back, or in the `thread`. Raises `DeliveryFailed` when the question stays open: with `retry_helps`
        when Slack could not be asked now, without it when the bot may not look (a missing scope, say).
        """
        channel = thread.channel if thread else known_id or self._conversation(recipient)
        wanted = _metadata(message_key, recipient)
        for found in self._messages(channel, thread.ts if thread else None, f"{oldest.timestamp():.6f}"):
            metadata = found.get("metadata") or {}
            if {name: metadata.get(name) for name in wanted} == wanted:
                return Posted(channel=channel, ts=str(found["ts"]))
        return None

    def whoami(self) -> Any:
        """Slack's answer to auth.test, with its headers."""
        return self._call(self._reader.auth_test, "the token", "the token")

    def look_into(self, recipient: str) -> None:
        """Ask for one message of a conversation: what `find` would need, and fails where the bot is not in it."""
        channel = self._conversation(recipient)
        ask = functools.partial(self._reader.conversations_history, channel=channel, limit=1)
        self._call(ask, recipient, "the channel")

    def _messages(self, channel: str, thread_ts: str | None, oldest: str = "0") -> Iterator[dict[str, Any]]:
        about = {"channel": channel, "oldest": oldest, "inclusive": True, "limit": _PAGE_SIZE}
        if thread_ts:
            ask = functools.partial(self._reader.conversations_replies, ts=thread_ts, **about)
        else:
            ask = functools.partial(self._reader.conversations_history, **about)
        for answer in self._pages(functools.partial(ask, include_all_metadata=True), channel):
            yield from answer.get("messages") or []

    def _pace(self, channel: str) -> None:
        """Slack takes about one message per second and channel. https://docs.slack.dev/apis/web-api/rate-limits"""
        due = self._posted_at.get(channel, 0.0) + self._settings.seconds_between_posts
        time.sleep(max(0.0, due - time.monotonic()))
        self._posted_at[channel] = time.monotonic()

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
