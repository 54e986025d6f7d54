"""slack_sdk's client with bounded retries. Imported only when something is really sent: it is slow to import."""

from __future__ import annotations

import logging
import random
from typing import Any
from urllib.request import Request

import requests
from requests.adapters import HTTPAdapter
from slack_sdk import WebClient
from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.http_retry.builtin_interval_calculators import BackoffRetryIntervalCalculator
from slack_sdk.http_retry.jitter import Jitter
from urllib3.util import Retry

from alerts._slack_errors import never_arrived

_LOG = logging.getLogger("paceline.slack")
_LOG.setLevel(logging.CRITICAL)  # slack_sdk logs whole requests at DEBUG; what matters is in DeliveryFailed


class _Spread(Jitter):
    """Up to half as long again; slack_sdk's own jitter adds up to a second however short the pause."""

    def recalculate(self, duration: float) -> float:
        return duration * (1 + random.random() / 2)


class _RateLimit(RateLimitErrorRetryHandler):
    """slack_sdk's handler sleeps for whatever Retry-After says; a long wait is left to the next delivery."""

    def __init__(self, max_retry_count: int, longest_wait: float) -> None:
        super().__init__(max_retry_count)
        self.longest_wait = longest_wait

    def _can_retry(self, *, response: Any = None, **about: Any) -> bool:
        if not super()._can_retry(response=response, **about):
            return False
        waits = [value for name, value in response.headers.items() if name.lower() == "retry-after"]
        seconds = str(waits[0][0] if waits and isinstance(waits[0], list) else waits[0] if waits else "1")
        return seconds.isdigit() and int(seconds) <= self.longest_wait


class _NeverArrived(ConnectionErrorRetryHandler):
    """Retries only where no connection was made. After anything else the message may already be with Slack."""

    def _can_retry(self, *, error: Exception | None = None, **about: Any) -> bool:
        return super()._can_retry(error=error, **about) and error is not None and never_arrived(error)


class _Client(WebClient):
    """slack_sdk's client, whose token stays with Slack: urllib would send it along to wherever a redirect points."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        if token := req.headers.pop("Authorization", None):  # a repeated request has it there already
            req.add_unredirected_header("Authorization", token)
        return super()._perform_urllib_http_request_internal(url, req)


def build(settings: Any, *, posting: bool) -> WebClient:
    """A WebClient. One that posts never repeats a request that Slack may have taken; one that reads may."""
    pause = BackoffRetryIntervalCalculator(backoff_factor=settings.retry_wait_seconds, jitter=_Spread())
    times = settings.retries
    connection = _NeverArrived if posting else ConnectionErrorRetryHandler
    handlers: list[RetryHandler] = [_RateLimit(times, settings.longest_wait_seconds), connection(times, pause)]
    if not posting:
        handlers.append(ServerErrorRetryHandler(times, pause))
    client = _Client(
        token=settings.token,
        base_url=settings.api_url or WebClient.BASE_URL,
        timeout=settings.timeout_seconds,
        logger=_LOG,
        retry_handlers=handlers,
    )
    client.proxy = None  # urllib itself follows HTTPS_PROXY, and unlike slack_sdk also NO_PROXY
    return client


def send_bytes(url: str, content: bytes, settings: Any) -> None:
    """Send a file's content to the address that Slack gave for it; the token is not sent there.

    slack_sdk sends it without any retry (https://github.com/slackapi/python-slack-sdk/issues/1853).
    """
    patience = Retry(
        total=settings.retries,
        backoff_factor=settings.retry_wait_seconds,
        allowed_methods=None,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=False,
    )
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=patience))
        answer = session.post(url, data=content, timeout=settings.timeout_seconds, allow_redirects=False)
        answer.raise_for_status()
        if answer.is_redirect:
            raise requests.HTTPError("a redirect instead of an answer", response=answer)
