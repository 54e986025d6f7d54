"""One run on a company where every name from outside is an attack, and where half of the providers repeat the key that
they were asked with. Who may not find what: tests/pipelines/test_secrets.py, tests/pipelines/test_injection.py."""

import csv
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from connectors import discover, org
from connectors._contract import ApiFeed
from pipelines.settings import Settings
from tests.alerts.fake_slack import TOKEN, FakeSlack, status
from tests.gateway import record
from tests.other_bills import AWS_KEY, set_cloud_credentials
from tests.providers import KEY, Providers, reset, send
from tests.providers import status as answer_status
from tests.runs import environment

AS_OF = date(2026, 11, 22)
DAYS = 20
# SQL, Jinja, shell, format strings, paths, formulas, HTML and Markdown, Slack's markup, lines and the terminal.
NAMES = (
    "o'brien'; copy (select 1) to 'pwned.csv'; --",
    'x" or 1=1; drop table core.dim_teams; attach \'pwned.db\' as p; --',
    "{{ 7*191 }}{% set x = run_query('select 7*191') %}{# #}",
    "$(touch pwned) `touch pwned` ${PACELINE_DATA_DIR} $$ $1 %s %(x)s {0} {x.__class__}",
    "../../../../pwned",
    "/tmp/pwned/../..\\..\\pwned",
    "=cmd|'/C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "a;=1+1",
    "<img src=x onerror=alert(1)><script>alert(1)</script> ![x](https://evil.example/x.png) [y](javascript:alert(1))",
    "<!channel> <@U0LEAD> <https://evil.example|x> *b*",
    "two\nFORGED line\r\nFORGED again",
    "\x1b[31mred\x1b[0m \x07 \x9b31m \u202eesrever",
    "*?[a-z]{b,c}~#&%00",
    "x" * 150,
)  # fmt: skip
TEAMS = (NAMES[0], NAMES[4], NAMES[6], NAMES[13])  # few, for each has a plan with charts
HOME = 'o\'b; {{ 1330+7 }} $(id) {x} "q"'  # where Paceline writes
FOLDER = f"{HOME} {{{{ 7*191 }}}} %41 \\ [x]*?#"  # where it reads
DATABASES = {  # nobody is there
    "PACELINE_LEDGER_URL": "postgresql+psycopg://paceline:password-of-the-test@127.0.0.1:1/ledger",
    "PACELINE_DAGSTER_URL": "postgresql+psycopg2://paceline:password-of-the-test@127.0.0.1:1/dagster",
}
# Read by the clouds' own tools.
CLOUD_SECRETS = {"AWS_SECRET_ACCESS_KEY": "secret-of-the-test", "AWS_SESSION_TOKEN": "session-secret-of-the-test"}
# In the run without pauses and with three days to ask for; everything else is the command as it is.
RUN = """
from connectors import _api
from pipelines import loading_api
from pipelines.assets import feeds
_api.BACKOFF_SECONDS, _api.MINUTE_SECONDS, loading_api.FIRST_LOAD_DAYS, feeds.PAUSES_SECONDS = 0.001, 0, 3, ()
from pipelines.cli import main
main()
"""


class Hostile(NamedTuple):
    """The run: where it wrote, what it and commands after it printed, what Slack was asked, and its variables."""

    data_dir: Path
    done: subprocess.CompletedProcess
    shown: tuple[subprocess.CompletedProcess, ...]
    slack: FakeSlack
    variables: dict[str, str]

    @property
    def printed(self) -> str:
        """Everything that was printed."""
        return "".join(one.stdout + one.stderr for one in (self.done, *self.shown))


def secret_variables() -> set[str]:
    """Every variable that holds a secret, as the code knows them: a new source is one of them."""
    keys = {feed.api.key_variable for source in discover() for feed in source.feeds if isinstance(feed, ApiFeed)}
    ours = {field.alias for field in Settings.model_fields.values() if "SecretStr" in str(field.annotation)}
    return {key for key in keys if key} | ours


def command(data_dir: Path, variables: dict[str, str], *args: str) -> subprocess.CompletedProcess:
    """The `paceline` command in a process of its own, in impatience."""
    env = environment(data_dir, **variables)
    return subprocess.run(
        [sys.executable, "-c", RUN, *args], env=env, cwd=data_dir.parent, capture_output=True, text=True, timeout=300
    )


class HalfBroken(Providers):
    """Every second source fails in another way, and repeats the key where it can."""

    def __init__(self) -> None:
        super().__init__()
        echo = json.dumps({"error": {"message": f"no such key {KEY}", "header": f"Bearer {KEY}"}}).encode()
        ways = cycle([answer_status(403, echo), reset, answer_status(500, echo), _html, _moved])
        self.broken = dict(zip(sorted(source.name for source in discover())[::2], ways, strict=False))
        self.faults = self

    def get(self, number: int):
        """The fault of a request, if it has one."""
        return self.broken.get(self.asked[number].split("/")[1])


def _html(handler, body) -> None:
    send(handler, 200, f"<html>login with {KEY}</html>".encode())


def _moved(handler, body) -> None:
    send(handler, 302, KEY.encode(), Location=f"/elsewhere?key={KEY}")


def hostile_run(folder: Path) -> Hostile:
    """Make the company below a folder and plan its next month."""
    data_dir = folder / HOME / "data"
    data_dir.mkdir(parents=True)
    write_org(folder / HOME / "org")
    tokens = write_logs(folder / HOME / "logs")
    assert tokens == len(NAMES) * DAYS * 15
    providers, slack = HalfBroken(), FakeSlack(time.time())
    slack.faults["chat.postMessage"] = [status(403, body=f"<html>Bearer {TOKEN}</html>"), status(500, body=TOKEN)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_cloud_credentials(monkeypatch, folder, providers.address)
        cloud = {name: os.environ[name] for name in ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_ACCESS_KEY_ID")}
    assert cloud["AWS_ACCESS_KEY_ID"] == AWS_KEY
    variables = {
        **wanted_by_anyone(providers.address),
        **providers.environ,
        **providers.gateway_environ,
        **providers.other_environ,
        **cloud,
        **CLOUD_SECRETS,
        "LITELLM_LOGS": str(folder / HOME / "logs"),
        "PACELINE_ORG_DIR": str(folder / HOME / "org"),
        "PACELINE_AS_OF": str(AS_OF),
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_API_URL": slack.url,
        "SLACK_APP_TOKEN": "xapp-1-secret-of-the-test",
        "SLACK_ORG_CHANNEL": "C0ORG",
        "SLACK_OPS_CHANNEL": "C0OPS",
    }
    for name in DATABASES:
        variables.pop(name)  # SQLite's own has no password
    done = command(data_dir, variables, "replan")
    untold = {"PACELINE_LEDGER_URL": f"sqlite:///{data_dir}/untold.sqlite"}
    shown = [command(data_dir, variables | untold, "alerts", "--preview"), command(data_dir, variables, "sources")]
    elsewhere = variables | DATABASES
    shown.append(command(data_dir, elsewhere, "alerts"))
    providers.stop()
    return Hostile(data_dir, done, tuple(shown), slack, elsewhere)


def wanted_by_anyone(address: str) -> dict[str, str]:
    """Everything that any source could want, so that one without a stand-in is asked and fails, too."""
    variables = {name: KEY for name in secret_variables()}
    for source in discover():
        for feed in source.feeds:
            if isinstance(feed, ApiFeed):
                variables |= {name: "x" for name in feed.api.settings.values()}
                variables[feed.api.base_url_variable] = f"{address}/{source.name}"
    return variables


def write_org(folder: Path) -> None:
    """Every table of the org CSVs, every name in every column that takes one."""
    folder.mkdir(parents=True)
    for table, columns in org._TABLES.items():
        with (folder / f"{table}.csv").open("w", newline="") as file:
            out = csv.writer(file, quoting=csv.QUOTE_ALL)
            out.writerow(columns)
            # The names of assumptions are ours.
            count = {"assumptions": 1, "teams": len(TEAMS), "scenarios": len(TEAMS)}.get(table, len(NAMES))
            out.writerows([_cell(table, column, rule, n) for column, rule in columns.items()] for n in range(count))


def _cell(table: str, column: str, rule: org.Rule, n: int) -> str:
    if table == "holidays" and column == "holiday_date":
        return f"2026-12-{n + 1:02}"
    if table == "assumptions" and column == "name":
        return "working_days"
    if table == "assumptions" and column == "value":
        return "22"
    if column in ("valid_from", "month"):
        return "2026-01-01" if column == "valid_from" else "2026-11"
    if column == "valid_to":
        return ""
    if column == "team_id" or (table == "scenarios" and column == "scope_id"):
        return TEAMS[n % len(TEAMS)]
    if rule.expected == org.TEXT.expected:
        return NAMES[n]
    like = re.search(r"like ([\d.-]+)", rule.expected) or re.search(r"one of (\w+)", rule.expected)
    if column == "cap_tokens":
        return "200"  # of 300 that are used
    return like[1] if like else {org.NAME.expected: "x", org.FLAG.expected: "true"}.get(rule.expected, "22")


def write_logs(folder: Path) -> int:
    """A call a day of each person, every text in it a name, as are those of folders; returns the tokens."""
    sample = json.loads(
        (Path(__file__).parent / "data/litellm/standard_logging_payload.jsonl").read_text().split("\n")[0]
    )
    for n, name in enumerate(NAMES):
        where = folder / (name.replace("/", "\u2215")[:60]) / "2026-11-22"
        where.mkdir(parents=True)
        with (where / f"{FOLDER}.jsonl").open("w") as out:
            for day in range(DAYS):
                at = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 12, tzinfo=UTC) - timedelta(days=day)
                call = named(sample, name) | record(at=at, id=f"{n}-{day}-{name}", model=name, custom_llm_provider=name)
                call["metadata"] = named(sample["metadata"], name) | {"usage_object": {}}
                call["request_tags"] = [f"task:{name}", f"task_type:{name}"]
                out.write(json.dumps(call) + "\n")
    return len(NAMES) * DAYS * 15


def named(value, name: str):
    """The value with a name in place of every text."""
    if isinstance(value, dict):
        return {key: named(part, name) for key, part in value.items()}
    if isinstance(value, list):
        return [named(part, name) for part in value]
    return name if isinstance(value, str) else None if isinstance(value, int | float) and value is not True else value
