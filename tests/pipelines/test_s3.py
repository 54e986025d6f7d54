"""Logs and lake on S3, and the lake's own tools, which behave alike in a folder and on S3.

moto plays S3 on the loopback interface; nothing here leaves the machine.
"""

import gzip
import logging
import os
import shutil
import time
from datetime import date

import boto3
import pytest
from moto.server import ThreadedMotoServer

from connectors._errors import SourceRefused
from connectors._files import list_files
from connectors.litellm import requests
from pipelines import loading
from pipelines.lake import Lake
from pipelines.loading import load_log_feed
from pipelines.retention import Removal, remove_calls
from pipelines.run_context import lake_of
from pipelines.settings import EXAMPLES, load_settings
from tests.gateway import NOW, json_lines, record, write_lines
from tests.runs import content as content_of
from tests.runs import paceline

D20, D22 = date(2026, 11, 20), date(2026, 11, 22)
FEED = "raw/litellm__requests"
SCHEMA = {"name": "VARCHAR", "count": "BIGINT", "days": "DATE[]"}


def start_server() -> ThreadedMotoServer:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return server


@pytest.fixture(scope="module")
def server():
    server = start_server()
    yield server
    server.stop()


def use_server(monkeypatch, server: ThreadedMotoServer):
    """Send this process's AWS calls to the server, with retries that do not wait; returns a client with two buckets."""
    host, port = server.get_host_and_port()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    client = boto3.client("s3")
    for bucket in ("logs", "lake"):
        client.create_bucket(Bucket=bucket)
    return client


@pytest.fixture
def s3(monkeypatch, server):
    """A client of an S3 with two empty buckets: logs and lake."""
    client = use_server(monkeypatch, server)
    yield client
    for bucket in ("logs", "lake"):
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])


@pytest.fixture(params=["folder", "s3"])
def any_lake(request, tmp_path) -> Lake:
    """An empty lake, once in a folder and once on S3."""
    if request.param == "folder":
        return Lake(str(tmp_path / "lake"), tmp_path / "scratch")
    request.getfixturevalue("s3")
    return Lake("s3://lake/some/prefix", tmp_path / "scratch")


def load(lake: Lake, location: str, **more):
    return load_log_feed(lake, requests, location, D22, lambda: NOW, say=lambda text: None, **more)


def content(lake: Lake) -> dict[str, list]:
    """Every row of the feed's days and of the quarantine."""
    paths = [path for path in lake.files("raw") if "day=2026-11-2" in path or path.startswith(loading.QUARANTINE)]
    return {path: lake.read_rows(path) for path in paths if not path.startswith(loading.LOADS)}


LONG_ID = "resp_" + "A" * 395
OBJECTS = {
    # LiteLLM names an object after the id: longer than a file system allows.
    f"2026-11-20/time-12-00-00-000000_{LONG_ID}.json": json_lines([record(id=LONG_ID)]),
    "2026-11-20/ü [1] *? #%20+&'.json": json_lines([record(id="odd name")]),
    "2026-11-20/batch.jsonl": json_lines([record(id="a"), "bad", record(id="b", prompt_tokens=-1)]),
    "team//2026-11-20/packed.jsonl.gz": gzip.compress(json_lines([record(id="packed"), "bad"])),
    "/top.jsonl": json_lines([record(id="top")]),
}


@pytest.fixture
def objects(s3):
    """Objects below the prefix `gateway`, and some that are none of it."""
    for key, body in OBJECTS.items():
        s3.put_object(Bucket="logs", Key=f"gateway/{key}", Body=body)
    s3.put_object(Bucket="logs", Key="gateway/readme.txt", Body=b"no log")
    s3.put_object(Bucket="logs", Key="gateway/2026-11-20/", Body=b"")  # the console's idea of a folder
    s3.put_object(Bucket="logs", Key="gateway2/2026-11-20/a.json", Body=json_lines([record(id="another prefix")]))
    return s3


def test_logs_on_s3_are_loaded_into_a_lake_on_s3_and_a_second_load_reads_nothing(objects, tmp_path):
    lake = Lake("s3://lake/prefix", tmp_path / "scratch")

    done = load(lake, "s3://logs/gateway")

    assert (done.status, done.error) == ("loaded", None)
    assert (done.folders_read, done.files_read, done.records, done.quarantined) == (3, 5, 5, 4)
    found = [row for path, rows in content(lake).items() if path.startswith(FEED) for row in rows]
    assert {row["_file"]: row["id"] for row in found} == dict(
        zip(OBJECTS, [LONG_ID, "odd name", "a", "packed", "top"], strict=True)
    )
    before = lake.files(FEED)

    again = load(lake, "s3://logs/gateway/")

    assert (again.status, again.files_read, again.changed_days, again.quarantined) == ("loaded", 0, [], 4)
    assert lake.files(FEED) == before


def test_the_lake_is_the_same_from_s3_and_from_a_folder_and_in_either(objects, logs, tmp_path):
    lakes = [
        Lake("s3://lake/a", tmp_path / "scratch"),
        Lake(str(tmp_path / "b"), tmp_path / "scratch"),
        Lake(str(tmp_path / "c"), tmp_path / "scratch"),
    ]
    # No file system has names this long, and double slashes mean nothing there.
    for key in [key for key in OBJECTS if LONG_ID in key or "//" in f"/{key}"]:
        objects.delete_object(Bucket="logs", Key=f"gateway/{key}")
    for key, body in OBJECTS.items():
        if LONG_ID not in key and "//" not in f"/{key}":
            write_lines(logs / key).write_bytes(body)
    (logs / "readme.txt").write_text("no log")

    done = [load(lakes[0], str(logs)), load(lakes[1], "s3://logs/gateway"), load(lakes[2], str(logs))]

    assert [(one.records, one.quarantined) for one in done] == [(2, 3)] * 3
    assert content(lakes[0]) == content(lakes[1]) == content(lakes[2])


def test_a_late_object_on_s3_reads_its_folder_only(s3, tmp_path):
    for day in ("2026-11-20", "2026-11-21"):
        s3.put_object(Bucket="logs", Key=f"gateway/{day}/a.json", Body=json_lines([record(id=day)]))
    lake = Lake(str(tmp_path / "lake"), tmp_path / "scratch")
    load(lake, "s3://logs")
    s3.put_object(Bucket="logs", Key="gateway/2026-11-20/late.json", Body=json_lines([record(id="late")]))
    s3.delete_object(Bucket="logs", Key="gateway/2026-11-20/a.json")

    done = load(lake, "s3://logs")

    assert (done.folders_read, done.files_read, done.changed_days) == (1, 1, [D20])
    found = [row["id"] for path, rows in content(lake).items() if path.startswith(FEED) for row in rows]
    assert sorted(found) == ["2026-11-20", "2026-11-21", "late"]


def test_a_bucket_that_does_not_exist_is_refused_by_the_name_of_the_variable(s3, lake):
    done = load(lake, "s3://loggs/gateway")

    assert (done.status, done.retry_helps) == ("failed", False)
    assert done.error == (
        "Listing LITELLM_LOGS = s3://loggs/gateway: there is no such bucket. "
        "Retrying does not help: correct LITELLM_LOGS."
    )
    assert lake.files(FEED) == {}


def test_a_prefix_without_objects_is_no_error(s3):
    assert list_files("s3://logs/nothing/here", "LITELLM_LOGS") == ([], [])


def test_missing_credentials_are_refused_with_what_to_check(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(SourceRefused, match="Retrying does not help: check the AWS credentials of this process"):
        list_files("s3://logs/gateway", "LITELLM_LOGS")


def test_a_right_that_is_missing_is_refused_with_what_to_check(s3, monkeypatch):
    def find(*_, **__):
        raise PermissionError("Access Denied")

    monkeypatch.setattr("s3fs.S3FileSystem.find", find)

    with pytest.raises(
        SourceRefused, match=r"was refused \(Access Denied\).*its s3:ListBucket and s3:GetObject rights"
    ):
        list_files("s3://logs/gateway", "LITELLM_LOGS")


def test_an_s3_that_does_not_answer_fails_the_load_and_trying_again_helps(monkeypatch, lake):
    server = start_server()
    use_server(monkeypatch, server)
    server.stop()
    started = time.monotonic()

    done = load(lake, "s3://logs/gateway")

    assert (done.status, done.retry_helps) == ("failed", True)
    assert done.error.startswith("Listing LITELLM_LOGS = s3://logs/gateway failed (Could not connect to the endpoint")
    assert time.monotonic() - started < 20
    assert lake.files(FEED) == {}


def test_an_s3_that_stops_answering_while_it_is_read_fails_the_load_and_takes_nothing_away(monkeypatch, lake):
    server = start_server()
    client = use_server(monkeypatch, server)
    for name in "abcdef":
        client.put_object(Bucket="logs", Key=f"2026-11-20/{name}.json", Body=json_lines([record(id=name)]))
    load(lake, "s3://logs")
    before = {path: stamp for path, stamp in lake.files("raw").items() if not path.startswith(loading.LOADS)}
    client.put_object(Bucket="logs", Key="2026-11-20/late.json", Body=json_lines([record(id="late")]))
    read_logs = loading.read_logs

    def read_after_the_end(*args):
        server.stop()
        return read_logs(*args)

    monkeypatch.setattr(loading, "read_logs", read_after_the_end)
    started = time.monotonic()

    done = load(lake, "s3://logs")

    assert (done.status, done.retry_helps) == ("failed", True)
    assert done.error.startswith("Reading s3://logs/2026-11-20/a.json failed (Could not connect to the endpoint")
    assert time.monotonic() - started < 20
    assert {path: stamp for path, stamp in lake.files("raw").items() if not path.startswith(loading.LOADS)} == before


# --- The lake's own tools


def test_rows_come_back_as_they_were_written(any_lake):
    rows = [
        {"name": "ü 'quoted' \"日本\"\n", "count": 2**53 + 1, "days": [D20, D22]},
        {"name": None, "count": None, "days": []},
    ]

    assert any_lake.write_rows(rows, SCHEMA, "raw/a/day=2026-11-20/rows.parquet", order_by="count")

    assert any_lake.read_rows("raw/a/day=2026-11-20/rows.parquet") == rows


def test_no_rows_are_an_empty_file_with_its_columns(any_lake):
    assert any_lake.write_rows([], SCHEMA, "raw/a/rows.parquet")

    assert any_lake.read_rows("raw/a/rows.parquet") == []
    with any_lake.connect() as db:
        described = db.execute("describe from read_parquet(?)", [any_lake.path("raw/a/rows.parquet")]).fetchall()
    assert {name: kind for name, kind, *_ in described} == SCHEMA


def test_a_file_that_does_not_exist_has_no_rows(any_lake):
    assert any_lake.read_rows("raw/a/rows.parquet") == []


def test_the_same_rows_change_no_file_and_other_rows_change_its_stamp(any_lake):
    one, two = {"name": "a", "count": 1}, {"name": "b", "count": 2}
    assert any_lake.write_rows([one, two], SCHEMA, "raw/a/rows.parquet")
    before = any_lake.files("raw")

    assert not any_lake.write_rows([two, one], SCHEMA, "raw/a/rows.parquet")
    assert any_lake.files("raw") == before
    assert any_lake.write_rows([one, two, two], SCHEMA, "raw/a/rows.parquet")
    assert any_lake.files("raw") != before


def test_a_file_with_other_columns_or_damaged_is_replaced(any_lake):
    any_lake.write_rows([{"name": "a"}], {"name": "VARCHAR"}, "raw/a/rows.parquet")
    assert any_lake.write_rows([{"name": "a"}], SCHEMA, "raw/a/rows.parquet")
    any_lake.fs.pipe_file(any_lake.path("raw/a/rows.parquet"), b"no parquet")

    assert any_lake.write_rows([{"name": "a"}], SCHEMA, "raw/a/rows.parquet")

    assert any_lake.read_rows("raw/a/rows.parquet") == [{"name": "a", "count": None, "days": None}]


def test_the_files_below_a_folder_are_its_parquet_files_in_order(any_lake):
    for path in ("raw/b/day=2/x.parquet", "raw/b/day=1/x.parquet", "raw/b/top.parquet", "raw/b2/x.parquet"):
        any_lake.write_rows([], SCHEMA, path)
    any_lake.fs.pipe_file(any_lake.path("raw/b/notes.txt"), b"")

    assert list(any_lake.files("raw/b")) == ["raw/b/day=1/x.parquet", "raw/b/day=2/x.parquet", "raw/b/top.parquet"]
    assert any_lake.files("raw/nothing") == {}


def test_a_removed_file_is_gone_and_its_neighbours_are_not(any_lake):
    for name in "ab":
        any_lake.write_rows([], SCHEMA, f"raw/a/{name}.parquet")

    any_lake.remove("raw/a/a.parquet")

    assert list(any_lake.files("raw")) == ["raw/a/b.parquet"]


def test_put_takes_a_local_file_and_says_whether_anything_changed(any_lake, tmp_path):
    local = tmp_path / "local.parquet"
    with any_lake.connect() as db:
        db.execute(f"copy (select 1 as n) to '{local}' (format parquet)")
        assert any_lake.put(db, local, "raw/a/day=2026-11-20/n.parquet")
        assert not any_lake.put(db, local, "raw/a/day=2026-11-20/n.parquet")

    assert any_lake.read_rows("raw/a/day=2026-11-20/n.parquet") == [{"n": 1}]
    assert local.exists()


def test_what_a_run_reads_on_s3_is_copied_once_and_only_while_it_is_wanted(s3, tmp_path, monkeypatch):
    lake, near = Lake("s3://lake/near", tmp_path / "scratch"), tmp_path / "near"
    paths = ["raw/x/day=2026-11-20/a.parquet", "raw/x/day=2026-11-21/b.parquet"]
    for path in paths:
        lake.write_rows([{"name": path}], {"name": "VARCHAR"}, path)

    copies = lake.near([*paths, "raw/x/missing.parquet"], near)

    assert copies.keys() == set(paths)
    read = Lake(str(near), tmp_path / "scratch")
    assert [read.read_rows(os.path.relpath(copies[path], near)) for path in paths] == [[{"name": one}] for one in paths]
    before = os.stat(copies[paths[0]]).st_mtime_ns
    lake.write_rows([{"name": "new"}], {"name": "VARCHAR"}, paths[1])
    again = lake.near(paths, near)
    assert os.stat(again[paths[0]]).st_mtime_ns == before
    assert read.read_rows(os.path.relpath(again[paths[1]], near)) == [{"name": "new"}]
    assert len(list(near.rglob("*.parquet"))) == 2  # the older copy is gone
    os.truncate(again[paths[0]], 0)  # as after a power cut
    whole = lake.near(paths, near)
    assert read.read_rows(os.path.relpath(whole[paths[0]], near)) == [{"name": paths[0]}]
    assert lake.near(paths[:1], near) == {paths[0]: whole[paths[0]]}
    assert not os.path.exists(near / os.path.dirname(paths[1]))  # nor is its folder left
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 10, 0))
    lake.write_rows([{"name": "newer"}], {"name": "VARCHAR"}, paths[1])
    # No room for what is missing: it is read where it is.
    assert lake.near(paths, near) == {paths[0]: whole[paths[0]], paths[1]: lake.path(paths[1])}
    assert Lake(str(tmp_path / "lake"), tmp_path / "scratch").near(paths, near) == {}
    assert not near.exists()  # a lake in a folder needs no copies, and calls are not left in them


def test_a_removal_takes_the_copies_of_calls_with_it(s3, tmp_path):
    settings = load_settings(PACELINE_DATA_DIR=tmp_path / "data", PACELINE_LAKE="s3://lake/copies")
    lake, path = lake_of(settings), f"{FEED}/day=2026-11-20/a.parquet"
    lake.write_rows([{"name": "call"}], {"name": "VARCHAR"}, path)
    lake.near([path], settings.lake_copies)

    remove_calls(lake, settings, Removal(before=D22, files=[path]))

    assert list(lake.files(FEED)) == []
    assert not settings.lake_copies.exists()


def test_old_calls_go_and_a_person_is_forgotten_on_s3_as_in_a_folder(s3, tmp_path, is_long):
    if not is_long:
        pytest.skip("four whole runs: with --long, as make torture does")
    kept = {}
    for name, lake in (("s3", "s3://lake/company"), ("folder", str(tmp_path / "lake"))):
        base = tmp_path / name
        (base / "data").mkdir(parents=True, exist_ok=True)
        shutil.copytree(EXAMPLES / "org", base / "org")
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        variables = {
            "LITELLM_LOGS": str(EXAMPLES / "gateway"), "PACELINE_ORG_DIR": str(base / "org"), "PACELINE_LAKE": lake,
            "PACELINE_AS_OF": "2026-11-22", "PACELINE_KEEP_MONTHS": "1", **aws,
        }  # fmt: skip
        for command in (
            ("run", "--no-alerts"),
            ("retain", "--apply"),
            ("forget", "dev-02", "--pseudonym", "person-17", "--apply"),
        ):
            done = paceline(base / "data", *command, **variables)
            assert done.returncode == 0, done.stdout + done.stderr
        days = Lake(lake, tmp_path / "scratch").files("raw")
        kept[lake] = [path for path in sorted(days) if path.startswith((FEED, "raw/kept__"))], content_of(base / "data")

    on_s3, in_folder = kept.values()
    assert on_s3 == in_folder
    assert min(path for path in on_s3[0] if path.startswith(f"{FEED}/day=")).startswith(f"{FEED}/day=2026-09-30/")
    assert "person-17" in str(on_s3[1]["core.dim_developers"]) and "dev-02" not in str(on_s3[1])
