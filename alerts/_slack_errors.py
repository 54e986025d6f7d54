"""What a failed call to Slack means: would trying again help, may the message be there already, who has to act.

Nothing of an error object, an answer's body or its headers is repeated in words other than Slack's own error code:
they can hold the bot token.
"""

from __future__ import annotations

import re
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

_CODE = re.compile(r"[a-z][a-z0-9_:-]{1,80}")
_WAIT = "nobody: the next delivery tries again"
_TOKEN = "whoever runs Paceline checks the Slack bot token"
_NETWORK = "nobody: the next delivery tries again; if it lasts, whoever runs Paceline checks the network to Slack"
_ADDRESS = "whoever runs Paceline: the Slack API address or a proxy on the way does not answer as Slack does"
_DOCS = "whoever runs Paceline: see this error at https://docs.slack.dev/reference/methods/chat.postMessage"

_TOKEN_CODES = set(
    [
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "access_denied",
        "ekm_access_denied",
        "team_access_not_granted",
        "org_login_required",
        "enterprise_is_restricted",
        "app_missing_action_url",
        "two_factor_setup_required",
    ]
)
_CHANNEL_CODES = set(
    [
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_only_channel",
        "as_user_not_supported",
        "user_not_found",
        "users_not_found",
        "user_disabled",
        "user_not_visible",
        "user_is_bot",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "invalid_users",
        "user_is_restricted",
    ]
)
_NOT_TAKEN_CODES = set(["ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org", "accesslimited"])
_UNSURE_CODES = set(["internal_error", "fatal_error", "service_unavailable", "request_timeout"])


class DeliveryFailed(Exception):
    """A message was not confirmed by Slack.

    `retry_helps`: trying again later may succeed without anybody doing anything. `who_must_act`: who, and what.
    `maybe_sent`: Slack may have taken the message although it did not say so. `unreachable`: no answer at all.
    """

    def __init__(
        self,
        reason: str,
        retry_helps: bool,
        who_must_act: str,
        *,
        maybe_sent: bool = False,
        unreachable: bool = False,
        code: str | None = None,
    ) -> None:
        super().__init__(f"{reason} (to act: {who_must_act})")
        self.reason, self.retry_helps, self.who_must_act = reason, retry_helps, who_must_act
        self.maybe_sent, self.unreachable, self.code = maybe_sent, unreachable, code


def bad_token() -> DeliveryFailed:
    """The token has characters no token has; said here because Python's own error would repeat the token."""
    return DeliveryFailed("the Slack token is malformed: it has a space or a character no token has", False, _TOKEN)


def explain(error: Exception, channel: str, source: str) -> DeliveryFailed:
    """The failure behind an exception of slack_sdk. `source` says where the channel's id is written down."""
    response = getattr(error, "response", None)
    if response is not None and hasattr(response, "data"):
        return _answered(response, channel, source)
    if isinstance(error, URLError):
        cause = error.reason if isinstance(error.reason, Exception) else error
        certain = never_arrived(error)
        return _unreachable(type(cause).__name__, maybe_sent=not certain)
    if isinstance(error, OSError | HTTPException):
        return _unreachable(type(error).__name__, maybe_sent=True)
    name = type(error).__name__
    return DeliveryFailed(f"Slack's answer could not be read ({name})", True, _ADDRESS, maybe_sent=True)


def never_arrived(error: Exception) -> bool:
    """No connection was made at all, so that the message cannot have reached Slack."""
    import socket
    import ssl

    refused = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
    return isinstance(error, URLError) and isinstance(error.reason, refused)


def _unreachable(name: str, maybe_sent: bool) -> DeliveryFailed:
    return DeliveryFailed(f"Slack was not reachable ({name})", True, _NETWORK, maybe_sent=maybe_sent, unreachable=True)


def _answered(response: Any, channel: str, source: str) -> DeliveryFailed:
    status = int(getattr(response, "status_code", 0) or 0)
    data = response.data if isinstance(getattr(response, "data", None), dict) else {}
    code = str(data.get("error", ""))
    code = code if _CODE.fullmatch(code) else ""
    said = f"Slack said {code}" if code else f"the answer was not Slack's (HTTP {status})"
    if status == 429 or code in _NOT_TAKEN_CODES:
        return DeliveryFailed(f"Slack said {code or 'ratelimited'}", True, _WAIT, code=code or "ratelimited")
    if status >= 500 or code in _UNSURE_CODES:
        reason = f"Slack had an error of its own ({code or f'HTTP {status}'})"
        return DeliveryFailed(reason, True, _WAIT, maybe_sent=True, code=code)
    if code in _CHANNEL_CODES:
        who = f"fix {source} (now {channel}), or invite the bot there"
        return DeliveryFailed(said, False, who, code=code)
    if code in _TOKEN_CODES:
        needed = str(data.get("needed", ""))
        scope = f", which needs the scope {needed}" if re.fullmatch(r"[a-z:.,]+", needed) else ""
        return DeliveryFailed(said, False, _TOKEN + scope, code=code)
    if code:
        return DeliveryFailed(said, False, _DOCS, code=code)
    return DeliveryFailed(said, status == 200, _ADDRESS, maybe_sent=True)
