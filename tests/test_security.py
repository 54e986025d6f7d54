"""What a deployment is given: listeners on loopback, private files, least rights for keys, pinned dependencies."""

import gzip
import os
import re
import subprocess
import sys
import tracemalloc
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
import yaml

from alerts import SlackSettings
from alerts._message import Message, header
from alerts._slack import Slack
from alerts._slack_client import send_bytes
from alerts._slack_errors import DeliveryFailed
from connectors import _api, openai
from connectors._errors import SourceChanged, SourceRefused
from connectors.github_copilot import users_daily
from connectors.vllm import served
from pipelines.settings import ROOT
from tests.alerts.fake_slack import TOKEN
from tests.hostile import CLOUD_SECRETS, secret_variables
from tests.runs import environment


@pytest.fixture
def elsewhere():
    """A server; `asked` has the headers of every request, `answer` is (status, headers, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(dict(self.headers))
            status, headers, body = self.server.answer
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args):
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer = [], (200, {}, b'{"ok": true}')
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_whatever_listens_listens_on_loopback():
    units = "".join(file.read_text() for file in (ROOT / "deploy" / "systemd").glob("*.service"))
    commands = re.findall(r"^ExecStart=.*$", units, re.MULTILINE)
    commands += re.findall(r"^\t.*$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    web = [line for line in commands if re.search(r"dagster-webserver|dagster dev", line)]

    assert len(web) == 2
    assert all(re.search(r"\s-h 127\.0\.0\.1\s", line) for line in web), web
    # A container listens to its own network; what of it the machine passes on is loopback's.
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert [port.partition(":")[0] for port in ports] == ["127.0.0.1"]
    for room in ("alerts", "connectors", "pipelines"):
        for file in (ROOT / room).rglob("*.py"):
            assert not re.search(r"http\.server|socketserver|\.bind\(|\.listen\(|0\.0\.0\.0", file.read_text()), file


@pytest.mark.parametrize("variable", sorted(secret_variables() | CLOUD_SECRETS.keys() - {"AWS_SESSION_TOKEN"}))
def test_the_example_says_of_every_secret_which_rights_are_enough(variable):
    about = [block for block in paragraphs() if re.search(rf"\b{variable}\b", block)]

    assert about, f"{variable} is not in .env.example"
    assert any(re.search(r"(?i)\b(scopes?|roles?|rights?)\b", block) for block in about), about


def paragraphs() -> list[str]:
    """Words of .env.example with the variables that follow them."""
    found, before = [], ""
    for line in (ROOT / ".env.example").read_text().splitlines():
        is_variable = bool(re.match(r"#?[A-Z][A-Z0-9_]+=", line))
        if not is_variable and re.match(r"#?[A-Z][A-Z0-9_]+=", before):
            found.append("")
        found = found or [""]
        found[-1] += f"{line}\n"
        before = line
    return found


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-image.lock"])
def test_every_requirement_is_pinned_with_a_hash_and_installed_by_it(lock):
    lock = re.sub(r"\\\n\s*", "", (ROOT / lock).read_text())
    requirements = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "requirements.lock" in line]

    assert len(requirements) > 100
    assert [
        one for one in requirements if not re.match(r"[\w.-]+(\[[\w, -]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", one)
    ] == []
    assert all("--require-hashes" in line for line in installs if " install " in line)


def test_what_paceline_writes_is_for_its_user_and_the_warehouse_for_its_group(tmp_path):
    run = """
import os, sys
from pathlib import Path
import duckdb
from pipelines import cli, home, publish
cli.commands.callback()
data = Path(sys.argv[1]) / "data"
home.ensure_home(data)
import alerts
alerts.open_ledger(f"sqlite:///{data}/ledger.sqlite")
duckdb.connect(str(data / "build.duckdb")).execute("create schema core; create table core.t (x int)").close()
publish.create_functions = lambda db: None
publish.publish(data / "build.duckdb", data / "warehouse.duckdb")
"""
    done = subprocess.run(
        [sys.executable, "-c", run, str(tmp_path)],
        env=environment(tmp_path / "data"), capture_output=True, text=True, preexec_fn=lambda: os.umask(0),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}

    for name in ("warehouse.duckdb", "parquet/core/t.parquet", "parquet/descriptions.parquet"):
        assert modes.pop(f"data/{name}") == 0o444
    for name in ("parquet", "parquet/core", "parquet/plan", "parquet/alerts", "parquet/ops"):
        assert modes.pop(f"data/{name}") == 0o755
    assert {"data", "data/ledger.sqlite", "data/dagster/history/runs.db"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_the_bot_token_does_not_follow_a_redirect(elsewhere):
    target = f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/stolen"
    elsewhere.answer = (302, {"Location": target}, b"")
    settings = SlackSettings(token=TOKEN, api_url=f"{elsewhere.url}/api/", retries=0, timeout_seconds=5)

    with pytest.raises(DeliveryFailed):
        Slack(settings).post(Message("key", "text", [header("Title")]), "C0")

    first, *others = [headers.get("Authorization", "") for headers in elsewhere.asked]
    assert TOKEN in first and others
    assert not any(TOKEN in header for header in others)


def test_a_file_does_not_follow_a_redirect_to_somebody_else(elsewhere):
    elsewhere.answer = (307, {"Location": f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/stolen"}, b"")

    with pytest.raises(requests.HTTPError):
        send_bytes(f"{elsewhere.url}/upload", b"caps", SlackSettings(token=TOKEN, retries=0, timeout_seconds=5))

    assert len(elsewhere.asked) == 1


def test_a_key_does_not_follow_a_redirect(elsewhere):
    elsewhere.answer = (302, {"Location": f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/stolen"}, b"")
    client = _api.Client(openai.API, {"OPENAI_BASE_URL": elsewhere.url, "OPENAI_ADMIN_KEY": "sk-admin-x"})

    with pytest.raises(SourceRefused, match="answered 302"):
        client.ask(openai.costs, "/x", {})

    assert len(elsewhere.asked) == 1


def test_an_answer_that_unpacks_to_more_than_there_is_memory_for_is_refused(elsewhere, monkeypatch):
    monkeypatch.setattr(_api, "LARGEST_ANSWER_BYTES", 4 * 1024**2)
    bomb = gzip.compress(b" " * (256 * 1024**2), 1)
    elsewhere.answer = (200, {"Content-Encoding": "gzip"}, bomb)
    client = _api.Client(served.api, {"VLLM_PROMETHEUS_URL": elsewhere.url})

    tracemalloc.start()
    with pytest.raises(SourceChanged, match="answered more than 4 MiB"):
        client.ask(served, "/x", {})
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 64 * 1024**2


def test_a_link_of_an_answer_leads_to_https_only_where_the_api_does():
    client = _api.Client(users_daily.api, {"GITHUB_COPILOT_ORG": "o", "GITHUB_COPILOT_TOKEN": "x"})

    for address in ("http://127.0.0.1:1/latest/meta-data", "file:///etc/passwd", "ftp://127.0.0.1/x"):
        with pytest.raises(SourceChanged, match="no https address"):
            client.entries(users_daily, "/x", {users_daily.links: [address]})


def test_an_id_of_an_answer_stays_one_part_of_the_next_path():
    asked = []

    class Recorder(_api.Client):
        def ask(self, feed, path, params, method=None):
            asked.append(path)
            return {"data": [{"id": "p/../../x?y#z"}] if feed is openai.projects else [], "has_more": False}

    client = Recorder(openai.API, {"OPENAI_ADMIN_KEY": "sk-admin-x"})
    _api.read_list(client, openai.api_keys, date(2026, 11, 22))

    assert asked[1] == "/organization/projects/p%2F..%2F..%2Fx%3Fy%23z/api_keys"
