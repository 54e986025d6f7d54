"""Socket Mode: hear what is pressed in Slack, and do what the desk answers. https://docs.slack.dev/apis/events-api/using-socket-mode

The app token opens the connection (`apps.connections.open` gives an address with a ticket), so payloads that come over
it are Slack's and carry no signature of their own.
"""

from __future__ import annotations

import logging
import re
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from alerts._actions import Answer, Desk, Note, click_of, form_errors
from alerts._format import plain
from alerts._slack import SlackSettings
from alerts._slack_client import build

WHERE_APP_TOKEN = (
    "an app-level token (xapp-...) with the scope connections:write: api.slack.com/apps, your app, Basic Information, "
    "App-Level Tokens; Socket Mode and Interactivity have to be switched on there"
)
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 60.0
_QUICK_SECONDS = 3  # a form opens only so long after the click
# What no further try changes. https://docs.slack.dev/reference/methods/apps.connections.open
_FINAL = {
    "access_denied",
    "account_inactive",
    "forbidden_team",
    "invalid_auth",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
}
_FAILED = "Paceline could not do that just now, and nothing was changed. Try again; if it stays, tell whoever runs it."
_NOT_SENT = "It was written down, but a message about it could not be sent."

Refresh = Callable[[str], Any]


class SocketRefused(Exception):
    """Slack does not let this app in. The message says why and who must act."""


def is_app_token(token: str) -> bool:
    """Whether it looks like an app-level token at all."""
    return re.fullmatch(r"xapp-[A-Za-z0-9-]+", token) is not None


def serve(
    app_token: str,
    settings: SlackSettings,
    desk: Desk,
    refresh: Refresh,
    refresh_plan: Refresh,
    stop: threading.Event,
    say: Callable[[str], Any],
    ping_seconds: float = 5.0,
) -> None:
    """Answer clicks until `stop` is set. Connections that end are replaced; Slack being away is waited out.

    `refresh` brings every message of an incident up to date, `refresh_plan` those of a plan (its alert_key). Each
    action is one line of `say`. Raises SocketRefused when Slack refuses the token, at the start or later.
    """
    web = build(settings, posting=False)
    quick = build(replace(settings, timeout_seconds=_QUICK_SECONDS, retries=0), posting=True)
    sender = build(settings, posting=True)
    hearing = _Hearing(desk, quick, sender, refresh, refresh_plan, say)
    client = _Client(app_token, web, stop, say, ping_seconds)
    client.socket_mode_request_listeners.append(hearing.hear)
    try:
        client.open()
        stop.wait()
    finally:
        client.close()
    if client.refused:
        raise SocketRefused(client.refused)


def _proxy_to(url: str) -> str | None:
    """The proxy on the way; unlike slack_sdk this follows NO_PROXY, too."""
    host = urlsplit(url).hostname or ""
    return None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https")


class _Client(SocketModeClient):
    """slack_sdk's client, which says in one line when it cannot connect, and stops where trying again is no use."""

    def __init__(
        self, app_token: str, web: Any, stop: threading.Event, say: Callable[[str], Any], ping_seconds: float
    ) -> None:
        quiet = logging.getLogger("paceline.slack")  # slack_sdk's own lines hold whole payloads
        super().__init__(
            app_token, logger=quiet, web_client=web, ping_interval=ping_seconds, receive_buffer_size=16 * 1024
        )
        self.refused: str | None = None
        self._stop, self._say, self._is_away = stop, say, False

    def open(self) -> None:
        """Connect for the first time, however long that takes."""
        wait = _FIRST_WAIT_SECONDS
        while not self._stop.is_set() and not self.is_connected():
            try:
                self.wss_uri = None
                self.connect()  # starts the monitor, too, which reconnects from then on
                return
            except Exception:  # whatever the connection raises; what Slack refused was said, and stops the loop
                self._stop.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    def issue_new_wss_url(self) -> str:
        """An address to connect to."""
        try:
            url = str(self.web_client.apps_connections_open(app_token=self.app_token)["url"])
        except Exception as error:
            self._trouble(error)
            raise
        return url

    def connect(self) -> None:
        """Connect to that address."""
        if self.wss_uri is None:
            self.wss_uri = self.issue_new_wss_url()
        self.proxy = _proxy_to(self.wss_uri)
        super().connect()
        if self.is_connected():
            self._say("connected to Slack again" if self._is_away else "connected to Slack")
            self._is_away = False
        else:
            self._away("the connection was not taken")

    def _trouble(self, error: Exception) -> None:
        code = error.response.get("error") if isinstance(error, SlackApiError) else None
        if code in _FINAL:
            self.refused = f"Slack said {code}. SLACK_APP_TOKEN has to be {WHERE_APP_TOKEN}."
            self._stop.set()
        else:
            self._away(str(code) if re.fullmatch(r"[a-z_]{1,80}", str(code or "")) else type(error).__name__)

    def _away(self, why: str) -> None:
        if not self._is_away:
            self._say(f"no connection to Slack ({why}); trying again")
        self._is_away = True


class _Hearing:
    """Acknowledges each envelope, lets the desk decide, and carries its answer out."""

    def __init__(
        self,
        desk: Desk,
        quick: Any,
        sender: Any,
        refresh: Refresh,
        refresh_plan: Refresh,
        say: Callable[[str], Any],
    ) -> None:
        self.desk, self.quick, self.sender, self.say = desk, quick, sender, say
        self.refresh, self.refresh_plan = refresh, refresh_plan
        self.deciding, self.refreshing = threading.Lock(), threading.Lock()

    def hear(self, client: Any, request: SocketModeRequest) -> None:
        """One envelope. Whatever is wrong with it, the next one is heard."""
        try:
            self._acknowledge(client, request)
        except Exception as error:  # Slack sends it again then, and doing it twice is doing it once
            self.say(f"not acknowledged: {type(error).__name__}")
        if request.type != "interactive":
            return
        click = None
        try:
            click = click_of(request.payload)
            with self.deciding:
                answer = self.desk.handle(request.payload)
        except Exception as error:
            self.say(f"failed: {plain(click.verb) if click else 'a payload'}: {type(error).__name__}")
            answer = Answer(_FAILED)
        if answer.said:
            self.say(answer.said)
        if click is not None:
            self._carry_out(request.payload, click, answer)

    def _acknowledge(self, client: Any, request: SocketModeRequest) -> None:
        wrong: dict[str, str] = {}
        if request.type == "interactive":
            try:
                wrong = form_errors(request.payload)
            except Exception:  # a payload nobody can read is acknowledged all the same, and said when it is acted on
                wrong = {}
        payload = {"response_action": "errors", "errors": wrong} if wrong else None
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))

    def _carry_out(self, payload: Mapping[str, Any], click: Any, answer: Answer) -> None:
        text = answer.text
        if answer.view is not None and not self._try(
            "open a form", self.quick.views_open, trigger_id=payload.get("trigger_id"), view=answer.view
        ):
            text = _FAILED
        for note in answer.notes:
            if not self._send(note):
                text = f"{text or ''} {_NOT_SENT}".strip()
        with self.refreshing:  # one after the other, so that the last one shows what is true
            for key in answer.refresh:
                self._try("refresh", self.refresh, key)
            for key in answer.refresh_plans:
                self._try("refresh", self.refresh_plan, key)
        if text:
            channel = click.channel or click.user
            if channel == click.user:
                self._try("answer", self.sender.chat_postMessage, channel=channel, text=text)
            else:
                thread = (payload.get("container") or {}).get("thread_ts")
                self._try(
                    "answer",
                    self.sender.chat_postEphemeral,
                    channel=channel,
                    user=click.user,
                    text=text,
                    **({"thread_ts": thread} if thread else {}),
                )

    def _send(self, note: Note) -> bool:
        about = {"channel": note.channel, "text": note.text, "blocks": note.blocks}
        if note.ts:
            return self._try("update a message", self.sender.chat_update, ts=note.ts, **about)
        quiet = {"unfurl_links": False, "unfurl_media": False, "link_names": False}
        return self._try("send a message", self.sender.chat_postMessage, **about, **quiet)

    def _try(self, what: str, call: Callable[..., Any], *args: Any, **about: Any) -> bool:
        try:
            call(*args, **about)
        except Exception as error:
            code = str(error.response.get("error") or "") if isinstance(error, SlackApiError) else ""
            why = code if re.fullmatch(r"[a-z_]{1,80}", code) else type(error).__name__
            self.say(f"could not {what}: {why}")
            return False
        return True
