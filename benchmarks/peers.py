"""A day's sums from the same calls: LiteLLM's SQL on PostgreSQL, a query by hand, and Paceline.

`python -m benchmarks.peers [calls]`. LiteLLM 1.106.2 answers `GET /spend/logs` from one GROUP BY over
"LiteLLM_SpendLogs" (litellm/proxy/spend_tracking/spend_management_endpoints.py, MIT; table and indexes from its
schema.prisma). It is given every advantage: `metadata`, 10 kB a row in reality, is empty; everything is in memory; only
the server's own time counts.
"""

import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.company import daily_job
from benchmarks.generate import LAST_DAY, month, write_logs
from benchmarks.measure import Row, best, count, least, show
from benchmarks.plan_scale import build
from pipelines.raw import create_raw, days_to_build
from pipelines.run_context import lake_of, next_month
from pipelines.settings import load_settings, utc_now
from tests.postgres import postgres, programs

SPEND_LOGS = """
    create table "LiteLLM_SpendLogs" (
        request_id text primary key, call_type text not null, api_key text not null default '',
        spend double precision not null default 0, total_tokens int not null default 0,
        prompt_tokens int not null default 0, completion_tokens int not null default 0,
        "startTime" timestamp(3) not null, "endTime" timestamp(3) not null, request_duration_ms int,
        "completionStartTime" timestamp(3), model text not null default '', model_id text default '',
        model_group text default '', custom_llm_provider text default '', api_base text default '',
        "user" text default '', metadata jsonb default '{}', cache_hit text default '', cache_key text default '',
        request_tags jsonb default '[]', team_id text, organization_id text, end_user text, requester_ip_address text,
        messages jsonb default '{}', response jsonb default '{}', session_id text, status text,
        mcp_namespaced_tool_name text, billing_agent_id text, agent_id text, proxy_server_request jsonb default '{}',
        litellm_call_id text, created_at timestamp(3) not null default now(),
        updated_at timestamp(3) not null default now()
    );
    create index on "LiteLLM_SpendLogs" ("startTime");
    create index on "LiteLLM_SpendLogs" ("startTime", request_id);
    create index on "LiteLLM_SpendLogs" (end_user);
    create index on "LiteLLM_SpendLogs" (session_id);
    create index on "LiteLLM_SpendLogs" (litellm_call_id);
    create index on "LiteLLM_SpendLogs" (api_key, "startTime");"""
SERVER = "-c shared_buffers=2GB -c work_mem=256MB -c max_wal_size=8GB"
COLUMNS = (
    "request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens", '"startTime"',
    '"endTime"', "model", "model_group", "custom_llm_provider", '"user"', "team_id", "request_tags", "session_id",
    "status", "litellm_call_id",
)  # fmt: skip
# The same calls, once each, as the proxy would have stored them.
FROM_LAKE = """
    select id, call_type, key_hash, coalesce(response_cost_usd, 0), prompt_tokens + completion_tokens, prompt_tokens,
        completion_tokens, started_at, ended_at, model, model_group, custom_llm_provider, user_id, team_id,
        to_json(request_tags), trace_id, status, litellm_call_id
    from read_parquet($files) qualify row_number() over (partition by id) = 1"""
LITELLM_SQL = """
    SELECT
        to_char(date_trunc('day', "startTime"), 'YYYY-MM-DD') AS day,
        api_key,
        "user",
        model,
        SUM(spend) AS spend
    FROM "LiteLLM_SpendLogs"
    WHERE "startTime" >= ('2000-01-01'::timestamptz AT TIME ZONE 'UTC')
        AND "startTime" <= ('2100-01-01'::timestamptz AT TIME ZONE 'UTC')
    GROUP BY 1, 2, 3, 4
    ORDER BY 1"""
BY_HAND = """
    select day, key_hash, user_id, model, sum(response_cost_usd) as spend from (
        from read_parquet($files, hive_partitioning = true) qualify row_number() over (partition by day, id) = 1)
    group by all order by day"""
# The same question to the models' result, which knows the key's identity, each kind of token and its price.
FROM_DAYS = """
    select utc_date, key_hash, user_id, model, sum(reported_usd) as spend from intermediate.int_usage_daily
    group by all order by utc_date"""


def measure(calls: int = 100_000) -> list[Row]:
    """All over the same calls, in one run; without PostgreSQL what does not need it."""
    at = f"{count(calls)} calls"
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        written = write_logs(folder / "logs", calls, month())
        job = daily_job(folder / "data", LITELLM_LOGS=str(folder / "logs"), PACELINE_AS_OF=str(LAST_DAY))
        files = [str(path) for path in (folder / "data/lake/raw/litellm__requests").glob("day=*/*.parquet")]
        by_hand, groups = _duckdb_seconds(BY_HAND, {"files": files})
        from_days, _ = _duckdb_seconds(FROM_DAYS, {}, folder / "data" / "build" / "warehouse.duckdb")
        in_one_process, of_cpu = least(lambda: _daily_rows(folder / "data"), 3)
        event_half = job.said["parts"]["event half"]
        rows = [
            Row("peers", "a query by hand, lake to sums per day, key, user, model", at, by_hand, "s"),
            Row("peers", "Paceline, lake to daily rows: its models' SQL alone", at, in_one_process, "s"),
            Row("peers", "Paceline, lake to daily rows: its models' SQL alone, CPU", at, of_cpu, "s"),
            Row("peers", "Paceline, event half by dbt (all its tables)", at, event_half, "s"),
            Row("peers", "Paceline, the same question to its daily rows", at, from_days, "s"),
            Row("peers", "Paceline's models' SQL / the query by hand", at, in_one_process / by_hand, "x"),
        ]
        if not shutil.which("psql") or not programs():
            print("peers     LiteLLM's SQL is not measured: PostgreSQL is not there (apt-get install postgresql)")
            return rows
        with postgres(SERVER) as address:
            psql = partial(_psql, address)
            loaded = folder / "spend_logs.csv"
            with duckdb.connect() as db:
                db.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
                db.execute(f"copy ({FROM_LAKE}) to '{loaded}' (header false)", {"files": files})
            psql(SPEND_LOGS)
            copy = f"""\\copy "LiteLLM_SpendLogs" ({", ".join(COLUMNS)}) from '{loaded}' (format csv)"""
            loading = best(lambda: psql(copy), 1)
            psql('vacuum analyze "LiteLLM_SpendLogs"')
            told = psql(f"select count(*) || '/' || (select count(*) from ({LITELLM_SQL}) as sums)"
                        ' from "LiteLLM_SpendLogs"')  # fmt: skip
            assert told.strip() == f"{written.calls}/{groups}", (told, written.calls, groups)
            theirs = min(_server_seconds(psql(f"explain (analyze, timing off) {LITELLM_SQL}")) for _ in range(3))
    return [
        *rows,
        Row("peers", "LiteLLM's SQL on PostgreSQL 15, server's time", at, theirs, "s"),
        Row("peers", "LiteLLM: rows into PostgreSQL by COPY", at, loading, "s"),
        # The same work from the same calls; what is summed already is a question to another table.
        Row("peers", "LiteLLM's SQL / Paceline's models' SQL", at, theirs / in_one_process, "x", ">= 10"),
        Row("peers", "LiteLLM's SQL / Paceline's event half by dbt", at, theirs / event_half, "x"),
        Row("peers", "LiteLLM's SQL / the query by hand", at, theirs / by_hand, "x"),
        Row("peers", "LiteLLM's SQL / a question to Paceline's daily rows", at, theirs / from_days, "x"),
    ]


def _daily_rows(data_dir: Path) -> None:
    """From the lake to int_usage_daily by the models' own SQL: each call once, priced, summed; without dbt."""
    settings = load_settings(PACELINE_DATA_DIR=data_dir)
    lake, days = lake_of(settings), days_to_build(lake_of(settings), settings, {})
    with duckdb.connect(config={"threads": 2}) as db:
        db.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        create_raw(db, lake, settings, days, LAST_DAY, next_month(LAST_DAY), utc_now())
        db.execute("set variable days_to_link = []::date[]")  # as dbt's hook does for who has one source
        for _ in build(db, "int_usage_daily"):
            pass
        assert db.execute("select count(*) from int_usage_daily").fetchall() > [(0,)]


def _duckdb_seconds(sql: str, given: dict, file: Path | None = None) -> tuple[float, int]:
    """Best of three, and how many rows came."""
    with duckdb.connect(str(file) if file else ":memory:", read_only=bool(file)) as db:
        return best(lambda: db.execute(sql, given).fetchall(), 3), len(db.execute(sql, given).fetchall())


def _server_seconds(explained: str) -> float:
    (line,) = (line for line in explained.splitlines() if "Execution Time" in line)
    return float(line.split()[2]) / 1000


def _psql(address: str, sql: str) -> str:
    command = ["psql", f"postgresql://{address}", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    show(measure(*(int(each) for each in sys.argv[1:2])))
