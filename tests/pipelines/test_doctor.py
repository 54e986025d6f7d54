"""What `paceline doctor` finds, and that it says what to do and no secret."""

import json
import os
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr, ValidationError

from alerts._checkup import SCOPES
from connectors.litellm import requests
from pipelines import doctor
from pipelines.loading import load_log_feed
from pipelines.run_context import lake_of
from pipelines.settings import load_settings
from pipelines.versions import bring_up_to_date
from tests.alerts.fake_slack import TOKEN, FakeSlack, error, status
from tests.gateway import NOW, record, write_lines
from tests.hostile import secret_variables
from tests.runs import NEUTRAL, paceline

ADDRESS = "expected an address like postgresql+psycopg://user:password@host/database"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A deployment with one day of logs in its lake, and nothing else configured."""
    for name in set(os.environ) - {*NEUTRAL, "PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LITELLM_LOGS", str(tmp_path / "logs"))
    monkeypatch.setenv("PACELINE_ORG_DIR", str(tmp_path / "org"))
    (tmp_path / "logs" / "2026-11-20").mkdir(parents=True)
    (tmp_path / "org").mkdir()
    (tmp_path / "org" / "teams.csv").write_text("team_id,slack_channel\nplatform,C0PLATFORM\n")
    write_lines(tmp_path / "logs" / "2026-11-20" / "a.jsonl", record(id="a"), record(id="b"))
    (tmp_path / "data").mkdir(mode=0o700)
    made = load_settings(PACELINE_DATA_DIR=tmp_path / "data")
    lake = lake_of(made)
    bring_up_to_date(lake, say=print)
    load_log_feed(lake, requests, str(tmp_path / "logs"), date(2026, 11, 22), lambda: NOW, say=lambda text: None)
    return made


@pytest.fixture
def slack():
    fake = FakeSlack(0.0)
    yield fake
    fake.stop()


def found(settings, *checks) -> dict[str, tuple[str, str]]:
    """{what: (state, words)} of these checks, or of all."""
    names = {f"_{check}" for check in checks}
    doctor_checks = [check for check in doctor.CHECKS if not names or check.__name__ in names]
    return {one.what: (one.state, one.words) for check in doctor_checks for one in check(settings)}


def days_of(settings) -> list[str]:
    return [path for path in lake_of(settings).files("raw/litellm__requests") if "/from_" in path]


def test_a_deployment_in_order_has_nothing_that_fails(settings):
    states = {finding.what: finding.state for finding in doctor.examine(settings)}

    assert "fail" not in states.values()
    assert states["source litellm__requests"] == states["lake's content"] == states["org CSVs"] == "ok"


def test_rows_that_the_lake_lost_are_found_by_feed_and_day(settings):
    (path,) = days_of(settings)
    (settings.data_dir / "lake" / path).unlink()

    state, words = found(settings, "lake")["lake's content"]

    assert state == "fail"
    assert "0 rows instead of 2" in words and "paceline run --from D --to D" in words


def test_a_file_that_cannot_be_read_is_named(settings):
    (path,) = days_of(settings)
    file = settings.data_dir / "lake" / path
    file.write_bytes(file.read_bytes()[:100])

    state, words = found(settings, "lake")["lake's content"]

    assert state == "fail" and path in words


def test_a_lake_of_a_later_version_is_found(settings):
    (settings.data_dir / "lake" / "lake_version.json").write_text(json.dumps({"version": 99}))

    assert found(settings, "lake")["lake"][0] == "fail"


def test_a_source_that_is_not_there_is_found(settings, monkeypatch):
    monkeypatch.setenv("LITELLM_LOGS", "/no/such/folder")

    assert found(settings, "sources")["source litellm__requests"][0] == "fail"


@pytest.mark.parametrize(
    ("variable", "right", "wrong"),
    [
        ("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-x", "sk-ant-api03-x"),
        ("OPENAI_ADMIN_KEY", "sk-admin-x", "sk-proj-x"),
        ("SLACK_BOT_TOKEN", "xoxb-1", "xoxp-1"),
        ("SLACK_APP_TOKEN", "xapp-1", "xoxb-1"),
    ],
)
def test_a_key_of_another_kind_is_found(settings, monkeypatch, variable, right, wrong):
    monkeypatch.setenv(variable, right)
    assert found(settings, "keys")[variable][0] == "ok"
    monkeypatch.setenv(variable, wrong)
    assert found(settings, "keys")[variable][0] == "fail"


def test_a_mapping_with_mistakes_is_found_with_all_of_them(settings, monkeypatch, tmp_path):
    (tmp_path / "own.yml").write_text("name: own\nlocation: .\nrecorded: at\n")
    monkeypatch.setenv("GENERIC_LOGS", str(tmp_path / "own.yml"))

    state, words = found(settings, "sources")["source generic_jsonl__own"]

    assert state == "fail"
    assert "own.yml, line 3: recorded:" in words


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not an address", ADDRESS),
        ("nonsense://me:pass-word@host/db", ADDRESS),
        ("oracle://me:pass-word@host/db", "its driver is not installed: pip install oracledb"),
    ],
)
@pytest.mark.parametrize("variable", ["PACELINE_LEDGER_URL", "PACELINE_DAGSTER_URL"])
def test_an_address_of_a_database_that_cannot_be_used_is_refused_in_words(variable, url, words):
    with pytest.raises(ValidationError) as refused:
        load_settings(**{variable: url})

    assert [(one["loc"], one["msg"]) for one in refused.value.errors()] == [((variable,), f"Value error, {words}")]


def test_dagster_s_runs_can_be_in_postgresql_only():
    with pytest.raises(ValidationError, match="in PostgreSQL only"):
        load_settings(PACELINE_DAGSTER_URL="sqlite:////tmp/dagster.sqlite")

    assert load_settings(PACELINE_DAGSTER_URL="postgresql+psycopg2://me:pass-word@host/db").dagster_url


def test_a_mistake_in_an_org_file_is_found_with_its_line(settings):
    (settings.org_dir / "teams.csv").write_text("team_id,monthly_pool_tokens\nplatform,many\n")

    state, words = found(settings, "org")["org CSVs"]

    assert state == "fail" and "teams.csv line 2" in words


def test_who_changed_the_team_is_one_developer(settings):
    (settings.org_dir / "developers.csv").write_text(
        "developer_id,team_id,valid_from,valid_to\n"
        "ada,platform,2026-01-01,2026-06-30\nada,mobile,2026-07-01,\nbob,mobile,2026-01-01,\n"
    )
    (settings.org_dir / "teams.csv").write_text("team_id\nplatform\nmobile\n")

    assert found(settings, "org")["org CSVs"] == ("ok", "2 teams, 2 developers")


def test_a_data_folder_open_to_everybody_is_found(settings):
    assert found(settings, "folders")["data folder"][0] == "ok"
    settings.data_dir.chmod(0o755)
    assert found(settings, "folders")["data folder"][0] == "warn"


def test_a_full_disk_is_found(settings, monkeypatch):
    usage = doctor.shutil.disk_usage(settings.data_dir)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage._replace(free=10**6))

    assert found(settings, "disk")["disk"][0] == "fail"


def test_a_run_that_was_killed_is_found(settings):
    (settings.data_dir / "writer.json").write_text(json.dumps({"run_id": "abc"}))

    assert found(settings, "lock")["runs"] == (
        "warn",
        "abc was killed while it wrote. The next run mends it: paceline run",
    )


def test_a_ledger_of_a_later_version_is_found(settings):
    (settings.data_dir / "ledger.sqlite").write_bytes(b"no database")

    assert found(settings, "ledger")["ledger"][0] == "fail"


def with_slack(settings, slack, scopes=SCOPES):
    slack.always["auth.test"] = status(
        200, json.dumps({"ok": True, "user": "paceline"}), x_oauth_scopes=",".join(scopes)
    )
    return settings.model_copy(update={"slack_token": SecretStr(TOKEN), "slack_api_url": slack.url})


def test_scopes_that_the_token_lacks_are_named_and_nothing_is_posted(settings, slack):
    whole = found(with_slack(settings, slack), "slack")
    lacking = found(with_slack(settings, slack, scopes=("chat:write", "files:write")), "slack")

    assert {what: state for what, (state, _) in whole.items()} == {"Slack": "ok", "Slack scopes": "ok"}
    assert lacking["Slack scopes"][0] == "fail" and "im:history" in lacking["Slack scopes"][1]
    assert slack.messages == []


def test_a_channel_without_the_bot_is_found(settings, slack):
    slack.always["conversations.history"] = error("not_in_channel")
    there = with_slack(settings, slack).model_copy(update={"slack_ops_channel": "C0OPS"})

    state, words = found(there, "slack")["Slack C0OPS"]

    assert state == "fail" and "invite the bot" in words


def test_a_clock_that_went_wrong_is_found(settings, slack, monkeypatch):
    there = with_slack(settings, slack)
    assert found(there, "clock")["clock"][0] == "ok"
    monkeypatch.setattr(doctor, "utc_now", lambda: datetime.now(UTC) + timedelta(hours=1))
    assert found(there, "clock")["clock"][0] == "fail"


def test_packages_other_than_the_locked_ones_are_named(settings, monkeypatch):
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "0.0.1")

    state, words = found(settings, "versions")["versions"]

    assert state == "warn" and "duckdb 0.0.1 instead of" in words


def test_a_check_that_breaks_is_a_finding_without_secrets(settings, monkeypatch):
    for name in secret_variables():
        monkeypatch.setenv(name, f"canary-{name}")

    def broken(settings):
        raise OSError(" ".join(f"canary-{name}" for name in secret_variables()))
        yield

    monkeypatch.setattr(doctor, "CHECKS", (broken,))

    stars = " ".join("***" for _ in secret_variables())
    assert [tuple(one) for one in doctor.examine(settings)] == [
        ("broken", "fail", f"could not be checked: OSError: {stars}")
    ]


def test_the_command_ends_with_1_when_something_fails(settings):
    variables = {"LITELLM_LOGS": "/no/such/folder", "SLACK_APP_TOKEN": "xoxb-canary"}
    done = paceline(settings.data_dir, "doctor", **variables)

    assert done.returncode == 1
    assert "fail  SLACK_APP_TOKEN: has to be an app-level token" in done.stdout
    assert "there is no such folder" in done.stdout
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("owner", "mode", "is_refused"),
    [(0, 0o600, False), (0, 0o640, False), (0, 0o644, True), (1000, 0o600, False), (1000, 0o640, True)],
)
def test_keys_are_read_by_their_user_and_those_of_root_by_the_group_of_the_service_too(
    settings, monkeypatch, tmp_path, owner, mode, is_refused
):
    env_file = tmp_path / ".env"
    env_file.touch(mode)
    env_file.chmod(mode)
    if env_file.stat().st_uid != owner:
        try:
            os.chown(env_file, owner, -1)
        except PermissionError:
            pytest.skip("only root gives files away")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)

    assert (".env" in found(settings, "folders")) is is_refused
