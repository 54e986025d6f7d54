"""How long the decision half takes for 10,000 developers and 18 months: every model's own SQL, on two threads.

The rows are made up in what the event half hands over; core, plan and alerts are built from them as dbt would.
`python -m benchmarks.plan_scale [developers] [days]`
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from string import Template

import duckdb

from benchmarks.models import rendered
from connectors import genai_prices, org
from pipelines.functions import create_arithmetic
from pipelines.lake import Lake
from pipelines.raw import PRICES, DaysToBuild, create_raw
from pipelines.run_context import next_month
from pipelines.settings import DBT_PROJECT, load_settings

AS_OF = date(2026, 11, 15)

# A working day is worked with a chance of 70 %, with one to three models; tasks last some days. 200 teams.
MADE_UP = """
    create macro usd(tokens, usd_per_mtok) as (tokens * usd_per_mtok / 1e6)::decimal(38, 12);
    create macro chance(a, b, c) as (hash(a, b, c) % 1000000 + 0.5) / 1000000;
    create table people as
    select n, 'dev-' || n as user_id, 'team-' || n % 200 as team_id, md5(user_id) as identity_key,
        if(chance(n, 0, 'since') < 0.6, 0, floor(chance(n, 1, 'since') * $days)::int) as first_day,
        exp(2.4 * (chance(n, 2, 'size') + chance(n, 3, 'size') + chance(n, 4, 'size') - 1.5)) as size
    from range($developers) as numbers (n);
    create table dev_days as
    select people.*, $as_of::date - d::int as usage_date, ($days - d)::int as day
    from people, range($days) as days (d)
    where $days - d > first_day and chance(n, d, 'at work') < if(isodow($as_of::date - d::int) <= 5, 0.7, 0.06);
    create table int_usage_daily as
    select usage_date as utc_date, usage_date, 'litellm__requests' as source, 'litellm__requests' as observers,
        'gateway' as observer_layers, 'gateway' as route, identity_key, user_id, null::varchar as agent_user,
        null::varchar as device,
        null::varchar as user_email, null::varchar as key_alias, null::varchar as key_hash, team_id as gateway_team_id,
        'anthropic' as provider, ['claude-opus-4-7', 'claude-sonnet-4-6', 'claude-haiku-4-5'][k] as model,
        provider as price_provider, model as price_model, false as is_unpriced, 'tag' as task_source,
        if(chance(n, day, k) < 0.1, null, 'T-' || n || '-' || (day + n + k) // 5) as task_id,
        ['bugfix', 'feature', 'refactor', 'tests', 'docs', 'review'][1 + (hash(task_id) % 6)::int] as task_type,
        1 + (hash(n, day, k) % 40)::bigint as requests, requests // 30 as failed_requests, 0 as cache_hit_requests,
        (size * -ln(chance(n, day, k)) * 60000 / k)::bigint as input_tokens, input_tokens // 2 as cache_read_tokens,
        input_tokens // 20 as cache_write_tokens, 0 as cache_write_1h_tokens, input_tokens // 20 as output_tokens,
        0 as reasoning_tokens, input_tokens + output_tokens as total_tokens, 0 as estimated_tokens,
        usd(input_tokens * 9 // 20, 5) as fresh_input_list_usd, usd(cache_read_tokens, 0.5) as cache_read_list_usd,
        usd(cache_write_tokens, 6) as cache_write_5m_list_usd, usd(output_tokens, 25) as output_list_usd,
        usd(0, 0) as cache_write_1h_list_usd, usd(0, 0) as request_list_usd, usd(0, 0) as reported_usd,
        usage_date + interval 9 hours as first_used_at, usage_date + interval 17 hours as last_used_at
    from dev_days, range(1, 4) as models (k)
    where k = 1 + (n % 2) or chance(n, day, 10 + k) < 0.4;
    create table int_sessions_daily as
    select utc_date, usage_date, md5(task_id || utc_date) as session_id, task_id, identity_key,
        sum(requests) as requests from int_usage_daily where task_id is not null group by all;
    create table int_usage_hourly as
    select utc_date, usage_date, 8 + hour as usage_hour, identity_key, sum(requests) as requests,
        sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(total_tokens) as total_tokens
    from int_usage_daily, range(10) as hours (hour) where hash(identity_key, usage_date, hour) % 10 < 6 group by all;
    insert into raw.org__teams by name select distinct team_id, 1000000 as monthly_pool_tokens from people;
    insert into raw.org__developers by name select user_id as developer_id, team_id, date '2020-01-01' as valid_from,
        if(n % 50 = 0, 'service', 'human') as role from people;
    insert into raw.org__caps by name select 'developer' as scope, user_id as scope_id, date '2026-01-01' as month,
        5000000 as cap_tokens from people;
"""


def prepare(db: duckdb.DuckDBPyConnection, folder: Path, developers: int, days: int) -> None:
    """Every raw relation, empty but for prices and what is made up; seeds; and what the event half hands over."""
    lake = Lake(f"{folder}/lake", folder / "tmp")
    lake.write_rows(genai_prices.prices(), genai_prices.PRICES_SCHEMA, PRICES)
    create_raw(db, lake, load_settings(), DaysToBuild({}, False), AS_OF, next_month(AS_OF), datetime.now(UTC))
    create_arithmetic(db)
    for table in org.SCHEMAS:
        db.execute(f"create table raw.made_up as from raw.org__{table}")
        db.execute(f"drop view raw.org__{table}; alter table raw.made_up rename to org__{table}")
    for seed in DBT_PROJECT.glob("seeds/*.csv"):
        db.execute(f"create table {seed.stem} as from read_csv('{seed}')")
    db.execute(Template(MADE_UP).substitute(developers=developers, days=days, as_of=f"'{AS_OF}'"))


def build(db: duckdb.DuckDBPyConnection, target: str | None = None) -> Iterator[tuple[str, str, bool, float]]:
    """Build every model that is not there yet, or those that one rests on, as dbt would.

    Gives (room, name, whether it is a view, seconds) of each.
    """
    paths = {path.stem: path for path in DBT_PROJECT.glob("models/**/*.sql")}
    models = {name: rendered(path) for name, path in paths.items()}
    there = {name for (name,) in db.execute("select table_name from duckdb_tables()").fetchall()}
    needed = [target] if target else list(models)
    for name in needed:
        needed += (models[name][2] & models.keys()) - set(needed)  # seeds are there
    order = TopologicalSorter({name: models[name][2] for name in needed}).static_order()
    for name in (name for name in order if name not in there):
        (sql, is_view, _), start = models[name], time.perf_counter()
        db.execute(f"create {'view' if is_view else 'table'} {name} as {sql}")
        yield paths[name].parent.name, name, is_view, time.perf_counter() - start


def main() -> None:
    """Make up the rows, build every model, print its seconds."""
    developers, days = (int(each) for each in (*sys.argv[1:], 10_000, 548)[:2])
    together: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/scale.duckdb", config={"threads": 2}) as db:
        prepare(db, Path(folder), developers, days)
        ((made_up,),) = db.execute("select count(*) from int_usage_daily").fetchall()
        print(f"{developers:,} developers, {days} days, {made_up:,} daily rows, DuckDB {duckdb.__version__}")
        for room, name, is_view, took in build(db):
            together[room] += took
            if room in ("intermediate", "core", "plan", "alerts") and not is_view:
                ((rows,),) = db.execute(f"select count(*) from {name}").fetchall()
                print(f"{room:>12}  {name:<28}{took:8.2f} s{rows:>14,} rows", flush=True)
        for room, took in together.most_common(4):
            print(f"{room:>12}  {'together':<28}{took:8.2f} s")


if __name__ == "__main__":
    main()
