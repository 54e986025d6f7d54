"""Whether Slack will take what Paceline has to say: the token, its scopes, the channels. Posts nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from alerts._slack import Slack, SlackSettings
from alerts._slack_errors import DeliveryFailed

# What each is for: .env.example.
SCOPES = ("chat:write", "files:write", "files:read", "channels:history", "groups:history", "im:history", "im:write")


def check_slack(settings: SlackSettings, channels: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(what, ok, warn or fail, words) of the token, its scopes and each channel."""
    slack = Slack(settings)
    try:
        answer = slack.whoami()
    except DeliveryFailed as failure:
        yield "Slack", "fail", _words(failure)
        return
    yield "Slack", "ok", f"the token is of {answer.get('user') or 'a bot'} in {answer.get('team') or 'a workspace'}"
    granted = _scopes(answer)
    missing = [scope for scope in SCOPES if scope not in granted]
    if missing and granted:
        where = "api.slack.com/apps, your app, OAuth & Permissions; then install it again"
        yield "Slack scopes", "fail", f"{', '.join(missing)} missing. Add them: {where}"
    else:
        state, words = ("ok", "all there") if granted else ("warn", "Slack did not say which the token has")
        yield "Slack scopes", state, words
    for channel in dict.fromkeys(channels):
        state, words = _reach(slack, channel)
        yield f"Slack {channel}", state, words


def _reach(slack: Slack, channel: str) -> tuple[str, str]:
    """Reading its newest message takes that the bot is in it; posting is not tried."""
    try:
        slack.look_into(channel)
    except DeliveryFailed as failure:
        if channel.startswith("#") and failure.code == "missing_scope":
            return (
                "warn",
                "cannot be looked up by name without channels:read; with its id (C...) it can be checked",
            )
        return "fail", _words(failure)
    return "ok", "the bot can read it"


def _words(failure: DeliveryFailed) -> str:
    return f"{failure.reason}. {failure.who_must_act}"


def _scopes(answer: Any) -> set[str]:
    for name, value in (getattr(answer, "headers", None) or {}).items():
        if name.lower() == "x-oauth-scopes":
            return {scope.strip() for scope in (value if isinstance(value, str) else ",".join(value)).split(",")}
    return set()
