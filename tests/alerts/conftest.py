import pytest

from alerts import SlackSettings, deliver, open_ledger
from tests.alerts.fake_slack import TOKEN, FakeSlack
from tests.alerts.rows import NOW, at


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def slack():
    server = FakeSlack(clock=NOW.timestamp())
    yield server
    server.stop()


@pytest.fixture
def settings(slack):
    """Slack is configured; the retries of slack_sdk are there, but do not wait."""
    return SlackSettings(
        token=TOKEN,
        api_url=slack.url,
        org_channel="C0ORG",
        ops_channel="C0OPS",
        timeout_seconds=5,
        retries=1,
        retry_wait_seconds=0.01,
        longest_wait_seconds=1,
        seconds_between_posts=0,
    )


@pytest.fixture
def ledger_url(tmp_path):
    return f"sqlite:///{tmp_path / 'state' / 'alerts.db'}"


@pytest.fixture
def ledger(ledger_url):
    return open_ledger(ledger_url)


@pytest.fixture
def outbox(tmp_path):
    return tmp_path / "outbox"


@pytest.fixture
def spoken():
    """What was said on the console."""
    return []


@pytest.fixture
def tell(settings, ledger, outbox, spoken):
    """deliver(rows) with everything else in place; the time is fixed, in the hours of the digest."""

    def run(rows, now=NOW, **other):
        given = {"settings": settings, "ledger": ledger, "outbox_dir": outbox, "clock": at(now), "say": spoken.append}
        return deliver(rows, **{**given, **other})

    return run


@pytest.fixture
def states(ledger):
    """The ledger's states: {(level, recipient): state}."""

    def read():
        return {(record["level"], record["recipient"]): record["state"] for record in ledger.records().values()}

    return read
