"""What lies in deploy/: the image, the compose file and the units, as far as they can be held to their word without an
engine and without systemd running."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from pipelines.settings import ROOT
from tests.runs import environment

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNITS = sorted((DEPLOY / "systemd").iterdir())
HOME = "/opt/paceline"
START_SECONDS = 120


def lines(file: Path, name: str) -> list[str]:
    """The values of a setting in a unit."""
    return re.findall(rf"^{name}=(.*)$", file.read_text(), re.MULTILINE)


def command(unit: str) -> list[str]:
    """What a unit starts, with this environment and checkout in place of the deployed ones."""
    [line] = lines(DEPLOY / "systemd" / f"paceline-{unit}.service", "ExecStart")
    here = line.replace(f"{HOME}/.venv/bin/", f"{Path(sys.executable).parent}/").replace(HOME, str(ROOT))
    return [part.replace("$$", "$").replace("%%", "%") for part in shlex.split(here)]


def test_the_image_copies_what_is_there_and_nothing_that_is_kept_out():
    copied = [source for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]]
    let_in = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]

    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / source).exists() for source in copied)
    # Everything that a run reads of the checkout.
    assert set(copied) >= {
        "alerts",
        "connectors",
        "pipelines",
        "dbt_project",
        "examples",
        "dagster.yaml",
        "workspace.yaml",
        "requirements-image.lock",
    }
    assert not any(fnmatch(source, pattern) for source in copied for pattern in (".env*", "org", "data", "tests"))


def test_the_image_installs_by_hash_and_runs_as_nobody_who_matters():
    assert "--require-hashes -r requirements-image.lock" in DOCKERFILE
    [user] = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert int(user) > 999
    assert DOCKERFILE.index("\nUSER") < DOCKERFILE.index("\nCMD")


def pins(lock: str) -> dict[str, str]:
    """Package -> version of a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==([^\s;\\]+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_image_holds_what_is_tested_and_nothing_that_only_tests_need():
    image, tested = pins("requirements-image.lock"), pins("requirements.lock")

    assert {name: tested.get(name) for name in image} == image
    assert image.keys() >= {"dagster", "duckdb", "dbt-duckdb", "psycopg", "setuptools"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dev = {re.match(r"[a-z0-9-]+", one)[0] for one in project["optional-dependencies"]["dev"]}
    needed = {re.match(r"[a-z0-9-]+", one)[0] for one in project["dependencies"]}
    assert dev & image.keys() <= {"pillow", "setuptools"} | needed  # matplotlib brings pillow


def test_processes_of_the_compose_file_are_those_of_the_units():
    services = COMPOSE["services"]
    image = yaml.safe_load(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[0])

    def plain(parts: list[str]) -> list[str]:
        return [Path(part).name for part in parts]

    # The container's port is published on loopback; see tests/test_security.py.
    assert [part.replace("0.0.0.0", "127.0.0.1") for part in image] == plain(command("webserver"))
    assert services["daemon"]["command"] == plain(command("daemon"))
    assert services["slack"]["command"] == plain(command("slack"))
    assert sorted(services) == ["daemon", "postgres", "slack", "webserver"]


def test_containers_have_no_more_rights_than_they_need_and_no_secret_in_the_file():
    ours = [service for name, service in COMPOSE["services"].items() if name != "postgres"]

    for service in ours:
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "network_mode", "pid"} & service.keys()
    for name in ("webserver", "daemon", "postgres"):
        assert COMPOSE["services"][name]["healthcheck"]["test"][0] == "CMD"
    secrets = re.findall(r"PASSWORD\S*?[:=]\s*(\S+)|://\w+:([^@]+)@", (DEPLOY / "compose.yaml").read_text())
    assert secrets
    assert all((before or after).startswith("${POSTGRES_PASSWORD:?") for before, after in secrets)


def test_every_variable_of_the_compose_file_means_something_to_paceline():
    known = "".join(file.read_text() for file in (ROOT / "pipelines").rglob("*.py"))
    ours = [name for name in COMPOSE["x-paceline"]["environment"] if name.startswith("PACELINE_")]

    assert [name for name in ours if name not in known] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_every_unit(tmp_path):
    for file in UNITS:
        # Its programs have to exist for it.
        here = file.read_text().replace(f"{HOME}/.venv/bin/", f"{Path(sys.executable).parent}/")
        (tmp_path / file.name).write_text(here.replace(HOME, str(ROOT)))

    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())], capture_output=True, text=True
    )

    assert (said.returncode, said.stderr) == (0, "")


def test_units_run_as_a_user_of_their_own_who_may_write_only_its_data():
    for file in UNITS:
        if file.suffix == ".service":
            assert lines(file, "User") == ["paceline"]
            assert lines(file, "WorkingDirectory") == [HOME]
            assert lines(file, "ProtectSystem") == ["strict"]
            assert lines(file, "NoNewPrivileges") == ["true"]
            assert lines(file, "StateDirectory")[0].split()[0] == "paceline"
            assert lines(file, "UMask") == ["0077"]
    assert {file.stem for file in UNITS if file.suffix == ".timer"} <= {
        file.stem for file in UNITS if file.suffix != ".timer"
    }


def test_the_webserver_of_the_unit_answers(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    start = [port if part == "3000" else part for part in command("webserver")]
    log = tmp_path / "said"
    with log.open("w") as said:
        server = subprocess.Popen(start, env=environment(tmp_path / "data"), cwd=ROOT, stdout=said, stderr=said)
    try:
        assert answered(f"http://127.0.0.1:{port}/server_info", server), log.read_text()
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) is not None


def answered(address: str, server: subprocess.Popen) -> bool:
    """Whether the server speaks before it ends or time is up."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.2)
    return False


def test_the_daemon_of_the_unit_lives_and_its_health_check_says_so(tmp_path, is_long):
    if not is_long:
        pytest.skip("with --long: two starts of Dagster")
    env = environment(tmp_path / "data") | {"DAGSTER_HOME": str(tmp_path / "data" / "dagster")}
    check = [
        str(Path(sys.executable).with_name("dagster-daemon")),
        *COMPOSE["services"]["daemon"]["healthcheck"]["test"][2:],
    ]
    log = tmp_path / "said"
    with log.open("w") as said:
        daemon = subprocess.Popen(command("daemon"), env=env, cwd=ROOT, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + START_SECONDS
        while (healthy := subprocess.run(check, env=env, cwd=ROOT, capture_output=True)).returncode:
            assert daemon.poll() is None and time.monotonic() < deadline, log.read_text() + healthy.stderr.decode()
            time.sleep(1)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)


def test_the_listener_of_the_unit_says_what_it_lacks_and_ends(tmp_path):
    done = subprocess.run(
        command("slack"), env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 2
    assert "SLACK_APP_TOKEN is not set" in done.stderr


def test_the_backup_of_the_unit_writes_a_file_and_takes_away_old_ones(tmp_path):
    unit = DEPLOY / "systemd" / "paceline-backup.service"
    (data := tmp_path / "data").mkdir()
    (backups := tmp_path / "backups").mkdir()
    (old := backups / "daily-old.tar").touch()
    os.utime(old, (0, 0))
    places = {"/var/lib/paceline-backups": str(backups)}

    def run(parts: list[str]) -> None:
        here = [part.replace(*place) for part in parts for place in places.items()]
        subprocess.run(here, env=environment(data), cwd=ROOT, check=True, capture_output=True, text=True, timeout=120)

    run(command("backup"))
    run(shlex.split(lines(unit, "ExecStartPost")[0]))

    [kept] = backups.iterdir()
    assert re.fullmatch(r"daily-\d{4}-\d\d-\d\d-\d{6}\.tar", kept.name)


def test_the_workflow_runs_what_every_change_must_pass_on_the_oldest_python_that_is_promised():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text())
    job = workflow["jobs"]["test"]

    assert {"run": ".ci/run"} in job["steps"]
    [oldest] = re.findall(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert job["strategy"]["matrix"]["python"][0] == oldest
    assert workflow["permissions"] == {"contents": "read"}
