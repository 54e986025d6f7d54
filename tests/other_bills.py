"""Stand-ins of the smaller billing sources, each in the test of its connector: `tests/connectors/test_<source>.py`.

Such a file has a `STAND_IN`, which answers below `/<source>/`: the same few numbers on every day, to be worked by hand.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from connectors import discover
from connectors._api import Client, read_days

AWS_KEY = "AKIAEXAMPLEOFTHETEST"


class StandIn(NamedTuple):
    """A source that is not there.

    environ   (address, key) -> what points Paceline at it
    answer    (address, path, what is asked, rows of a page) -> the answer; a list is a file of JSON lines, and None
              means that there is no such thing
    requests  feed -> requests per span of days, where that is not one
    """

    environ: Callable[[str, str], dict[str, str]]
    answer: Callable[[str, str, dict, int], dict | list[dict] | None]
    requests: Mapping[str, int] = {}


@cache
def stand_ins() -> dict[str, StandIn]:
    """Source -> its stand-in, of every source whose test has one."""
    here = Path(__file__).parent / "connectors"
    names = [source.name for source in discover() if (here / f"test_{source.name}.py").exists()]
    modules = {name: importlib.import_module(f"tests.connectors.test_{name}") for name in names}
    return {name: module.STAND_IN for name, module in modules.items() if hasattr(module, "STAND_IN")}


def environ(address: str, key: str) -> dict[str, str]:
    """What points Paceline at all of them."""
    return {name: value for one in stand_ins().values() for name, value in one.environ(address, key).items()}


def answer(address: str, path: str, asked: dict, page_size: int) -> dict | list[dict] | None:
    """The answer to a request."""
    found = stand_ins().get(path.split("/")[1])
    return found.answer(address, path, asked, page_size) if found else None


def read(providers, feed, *days: str) -> list[dict]:
    """The rows of some days of a report, each with its day, as its connector reads them from the stand-ins."""
    client = Client(feed.api, providers.other_environ)
    found = read_days(client, feed, [date.fromisoformat(day) for day in days]).days
    return [{"day": str(day), **row} for day, rows in sorted(found.items()) for row in rows]


def days_between(first: str, end: str) -> list[date]:
    """The days from the first to the one before the end."""
    start = date.fromisoformat(first)
    return [start + timedelta(days=n) for n in range((date.fromisoformat(end) - start).days)]


def set_cloud_credentials(monkeypatch: pytest.MonkeyPatch, folder: Path, address: str) -> None:
    """What clouds' own tools read from the environment, leading here."""
    file = folder / "service_account.json"
    account = {"type": "service_account", "client_email": "a@example.test", "private_key_id": "1", "project_id": "p"}
    file.write_text(json.dumps(account | {"private_key": _private_key(), "token_uri": f"{address}/login/google"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", AWS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")


@cache
def _private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
