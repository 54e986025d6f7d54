"""No secret stands in anything that is written or told, whether its source answers or fails."""

import gzip
import json
import sqlite3
import zlib
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from connectors import _api, vllm
from connectors._errors import SourceError
from tests.hostile import CLOUD_SECRETS, DATABASES, Hostile, secret_variables
from tests.secret_scan import found, written


def secrets(hostile: Hostile) -> set[str]:
    """Everything secret that the run was given."""
    key = json.loads(Path(hostile.variables["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())["private_key"]
    given = {hostile.variables[name] for name in secret_variables()} - {*DATABASES.values()}
    return given | {*CLOUD_SECRETS.values(), "password-of-the-test", key.splitlines()[3]}


def test_every_secret_that_the_code_knows_was_given_to_the_run(hostile):
    assert {"ANTHROPIC_ADMIN_KEY", "AZURE_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"} < secret_variables()
    assert secret_variables() <= hostile.variables.keys()
    # Some sources answered, some repeated the key while they refused: both were looked at.
    assert hostile.printed.count("***") > 10
    with duckdb.connect(str(hostile.data_dir / "warehouse.duckdb"), read_only=True) as db:
        states = db.execute("select last_status, count(*) from ops.source_freshness group by 1").fetchall()
    assert {state for state, count in states if count > 2} >= {"loaded", "failed"}


def test_no_secret_stands_in_anything_that_was_written_printed_or_told(hostile):
    told = json.dumps([hostile.slack.messages, hostile.slack.files], default=repr)
    elsewhere = [("printed", hostile.printed.encode()), ("slack", told.encode())]

    files = {where.partition("/")[0] for where, _ in written(hostile.data_dir)}

    assert files >= {"lake", "build", "dagster", "dbt", "ledger.sqlite", "warehouse.duckdb", "preview"}
    assert found(secrets(hostile), [*elsewhere, *written(hostile.data_dir)]) == set()


SECRET = "a+secret/of?the test"


@pytest.mark.parametrize("text", [SECRET, quote(SECRET), b64encode(f"x{SECRET}yz".encode()).decode()])
@pytest.mark.parametrize("kind", ["txt", "gz", "parquet", "duckdb", "sqlite", "packed.sqlite"])
def test_a_secret_is_found_in_every_kind_of_file_and_form(tmp_path, kind, text):
    file, content = tmp_path / f"file.{kind}", f"before {text} after"
    if kind == "txt":
        file.write_text(content)
    elif kind == "gz":
        file.write_bytes(gzip.compress(content.encode()))
    elif kind == "parquet":
        duckdb.execute(f"copy (select $${content}$$ as words) to '{file}' (compression zstd)")
    elif kind == "duckdb":
        with duckdb.connect(str(file)) as db:
            db.execute("create table words as select ? as word from range(9)", [content])
    else:
        with sqlite3.connect(file) as db:
            db.execute("create table words (word)")
            packed = zlib.compress(content.encode()) if "packed" in kind else content
            db.execute("insert into words values (?)", [packed])

    assert found([SECRET, "another"], written(tmp_path)) == {(SECRET, file.name)}


def test_a_login_in_an_address_is_not_repeated(monkeypatch):
    monkeypatch.setattr(_api, "TRIES", 0)
    address = "http://reader:hidden-word@127.0.0.1:1/base"  # nobody is there

    with pytest.raises(SourceError) as caught:
        _api.Client(vllm.API, {"VLLM_PROMETHEUS_URL": address}).ask(vllm.served, "/x", {})

    assert "GET http://127.0.0.1:1/base/x" in str(caught.value)
    assert "hidden-word" not in str(caught.value)
