"""`paceline push-caps`: approved caps become LiteLLM's budgets, when told so, and are read back."""

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pytest

from alerts import open_ledger
from pipelines.assets.budgets import BUDGETS, budget_assets
from pipelines.settings import load_settings
from tests.runs import paceline, rows

MASTER_KEY = "sk-master-secret-of-the-test"


class LiteLLM:
    """A proxy's /user and /team endpoints, which answer as LiteLLM 1.95 does. `is_deaf`: it takes budgets and keeps
    the old ones; `asked` lists (method and path, body)."""

    def __init__(self):
        self.users = {"dev-03": {"user_id": "dev-03", "max_budget": 2.5, "budget_duration": "30d"}}
        self.teams = {"platform": {"team_id": "platform", "max_budget": None, "budget_duration": None}}
        self.keys, self.asked, self.is_deaf, self.broken = [], [], False, None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.proxy = self
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def written(self):
        """What was set: {(kind, name): body}."""
        posts = [body for asked, body in self.asked if asked.startswith("POST")]
        return {
            next((kind, body[f"{kind}_id"]) for kind in ("user", "team") if f"{kind}_id" in body): body
            for body in posts
        }

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        at = urlsplit(self.path)
        self.handle_one("GET", at.path, dict(parse_qsl(at.query)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.handle_one("POST", self.path, json.loads(body))

    def handle_one(self, method, path, given):
        proxy = self.server.proxy
        proxy.asked.append((f"{method} {path}", given))
        if self.headers["Authorization"] != f"Bearer {MASTER_KEY}":
            return self.answer(401, {"error": {"message": "Authentication Error, Invalid proxy server token passed"}})
        if proxy.broken:
            return self.answer(proxy.broken, {"error": {"message": "database is down"}})
        kind = path.split("/")[1]
        known = {"user": proxy.users, "team": proxy.teams}[kind]
        name = given[f"{kind}_id"]
        if method == "POST":
            if not proxy.is_deaf:
                known[name] = {**known.get(name, {}), **given}  # like LiteLLM's, this makes who is not there
            return self.answer(200, {"data": known[name]})
        if name not in known:
            return self.answer(404, {"error": {"message": f"{kind.title()} {name} not found", "code": "404"}})
        keys = [key for key in proxy.keys if key[f"{kind}_id"] == name]
        return self.answer(200, {f"{kind}_id": name, f"{kind}_info": known[name], "keys": keys, "teams": []})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def litellm():
    proxy = LiteLLM()
    yield proxy
    proxy.stop()


@pytest.fixture
def data_dir(example, tmp_path):
    """The example company, in whose warehouse two caps of November were approved: dev-03's in tokens at 2 USD per
    million, and platform's in USD."""
    shutil.copytree(example, tmp_path, dirs_exist_ok=True)
    change(tmp_path, "update plan.cap_recommendations set usd_per_mtok = 2 where scope_id = 'dev-03'")
    approve(tmp_path, "developer", "dev-03", 3_000_000, "null")
    approve(tmp_path, "team", "platform", 9_000_000, 40)
    return tmp_path


def change(data_dir, sql):
    file = data_dir / "warehouse.duckdb"
    file.chmod(0o644)
    with duckdb.connect(str(file)) as db:
        assert db.execute(sql).fetchall() == [(1,)]


def approve(data_dir, scope, scope_id, tokens, usd):
    change(
        data_dir,
        f"update plan.caps_effective set cap_source = 'approved', cap_tokens = {tokens}, cap_usd = {usd} "
        f"where scope = '{scope}' and scope_id = '{scope_id}' and month = '2026-11-01'",
    )


def push(data_dir, litellm, *args, **variables):
    at = {"LITELLM_BASE_URL": litellm.address, "LITELLM_MASTER_KEY": MASTER_KEY, "PACELINE_AS_OF": "2026-11-22"}
    done = paceline(data_dir, "push-caps", *args, **{**at, **variables})
    assert MASTER_KEY not in done.stdout + done.stderr and "Traceback" not in done.stderr
    return done


def pushes(data_dir):
    """(subject, outcome, what) of every push in the ledger."""
    found = open_ledger(f"sqlite:///{data_dir / 'ledger.sqlite'}").export()["alert_actions"]
    return [(row["subject"], row["outcome"], json.loads(row["detail"])) for row in found if row["action"] == "push"]


def test_without_apply_it_is_only_shown(data_dir, litellm):
    done = push(data_dir, litellm)

    assert done.returncode == 0, done.stderr
    lines = {
        line.split()[1]: line for line in done.stdout.splitlines() if line.strip().startswith(("team", "developer"))
    }
    assert set(lines) == {"platform", "dev-03"}
    for words in ("$2.50 30d", "$6.00 1mo", "3,000,000 tokens at $2.0000 per million", "planned"):
        assert words in lines["dev-03"]
    assert "the team's pool may have room" in lines["dev-03"]
    assert "none" in lines["platform"] and "$40.00 1mo" in lines["platform"] and "USD cap" in lines["platform"]
    assert litellm.written() == {} and pushes(data_dir) == []


def test_with_apply_budgets_are_set_once_and_written_down(data_dir, litellm):
    first, again = push(data_dir, litellm, "--apply"), push(data_dir, litellm, "--apply")

    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert litellm.written() == {
        ("team", "platform"): {"team_id": "platform", "max_budget": 40.0, "budget_duration": "1mo"},
        ("user", "dev-03"): {"user_id": "dev-03", "max_budget": 6.0, "budget_duration": "1mo"},
    }
    assert len([asked for asked, _ in litellm.asked if asked.startswith("POST")]) == 2
    assert again.stdout.count("in step") == 2
    begun, team, also_begun, developer = pushes(data_dir)
    assert (begun[:2], also_begun[1]) == (("budget/team/platform", "begun"), "begun")
    assert team[:2] == ("budget/team/platform", "done")
    assert developer == (
        "budget/developer/dev-03",
        "done",
        {
            "month": "2026-11",
            "user": "dev-03",
            "old": "$2.50 30d",
            "new": "6.00",
            "basis": "3,000,000 tokens at $2.0000 per million",
        },
    )


def test_who_litellm_does_not_know_is_not_made_there(data_dir, litellm):
    litellm.users.clear()

    done = push(data_dir, litellm, "--apply")

    assert done.returncode == 1
    assert "LiteLLM knows no user 'dev-03': correct kind user_id in identities.csv" in done.stderr
    assert set(litellm.written()) == {("team", "platform")}


def test_a_budget_that_does_not_read_back_is_a_failure(data_dir, litellm):
    litellm.is_deaf = True

    done = push(data_dir, litellm, "--apply")

    assert done.returncode == 1
    assert "LiteLLM took the budget of user 'dev-03' and shows $2.50 30d" in done.stderr
    assert {outcome for _, outcome, _ in pushes(data_dir)} == {"begun", "refused"}


def test_a_cap_that_was_pushed_follows_when_its_increase_is_taken_back(data_dir, litellm):
    push(data_dir, litellm, "--apply")
    approve(data_dir, "developer", "dev-03", 2_000_000, "null")
    change(
        data_dir, "update plan.caps_effective set cap_source = 'set' where scope_id = 'dev-03' and month = '2026-11-01'"
    )

    push(data_dir, litellm, "--apply")

    assert litellm.users["dev-03"]["max_budget"] == 4.0
    assert rows(data_dir, "select count(*) from plan.caps_effective where cap_source = 'approved'") == [(1,)]


def test_a_user_whose_keys_belong_to_teams_is_said_not_to_be_held_by_it(data_dir, litellm):
    litellm.keys = [{"user_id": "dev-03", "team_id": "platform"}]

    assert "LiteLLM applies only the budgets of teams" in push(data_dir, litellm).stdout


@pytest.mark.parametrize(
    ("variables", "status", "words"),
    [
        ({"LITELLM_MASTER_KEY": ""}, 2, "LITELLM_MASTER_KEY not set"),
        ({"LITELLM_MASTER_KEY": "sk-another"}, 1, "LITELLM_MASTER_KEY must be the proxy's master key"),
    ],
)
def test_what_stands_in_the_way_is_named(data_dir, litellm, variables, status, words):
    done = push(data_dir, litellm, **variables)

    assert done.returncode == status
    assert words in done.stderr


def test_a_proxy_that_breaks_leaves_the_rest_untried(data_dir, litellm):
    litellm.broken = 503

    done = push(data_dir, litellm, "--apply")

    assert done.returncode == 1
    assert "2 of 2 caps are not in LiteLLM" in done.stderr
    assert {asked for asked, _ in litellm.asked} == {"GET /team/info"} and "not tried" in done.stdout


def test_a_month_that_does_not_run_can_be_looked_at_but_not_set(data_dir, litellm):
    assert push(data_dir, litellm, "--month", "2026-10").stdout == "No cap of October 2026 was approved.\n"
    done = push(data_dir, litellm, "--month", "2026-12", "--apply")

    assert done.returncode == 2 and "only those of 2026-11" in done.stderr


def test_the_daily_job_pushes_only_where_it_is_told_to(tmp_path):
    on, off = (load_settings(PACELINE_DATA_DIR=tmp_path, LITELLM_PUSH_BUDGETS=given) for given in (True, False))

    assert budget_assets(off) == []
    assert [asset.key for asset in budget_assets(on)] == [BUDGETS]
