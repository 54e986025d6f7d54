"""What `paceline init` writes is what the run had derived; what maps to nobody is proposed as what it is."""

import csv

import duckdb
import pytest

from benchmarks.models import path_of, rendered
from connectors import org
from pipelines.proposals import UNKNOWN_NAMES, propose_org


@pytest.fixture
def db():
    """A warehouse in which dev-07 is known by a folder of transcripts, b@x.test by telemetry behind a shared key."""
    db = duckdb.connect()
    db.execute("create schema core; create schema intermediate; create schema raw")
    db.execute("""
        create table core.dim_teams(team_id text, name text, slack_channel text, lead_slack_id text,
            monthly_pool_tokens bigint, monthly_pool_usd double);
        create table core.dim_developers as
            select unnest(['dev-07', 'b@x.test', 'team-key']) as developer_id,
                unnest([null, 'b@x.test', null]) as email, null as name,
                'unattributed' as team_id, 'human' as role, null as slack_id;
        create table core.fct_usage_daily as select date '2026-11-02' as usage_date;
        create table core.dim_provider_api_keys(key_kind text, provider_api_key_id text, proposed_developer_id text,
            developer_id text, first_billed_date date, billed_tokens bigint);
        insert into core.dim_provider_api_keys values
            ('github', 'octo', null, null, '2026-11-04', 5), ('cursor', 'known', null, 'dev-07', '2026-11-04', 9);
        create table intermediate.int_usage_daily(identity_key text, usage_date date, user_email text, user_id text,
            key_alias text, agent_user text, device text, total_tokens bigint);
        insert into intermediate.int_usage_daily values
            ('a', '2026-11-02', null, null, null, null, 'dev-07', 10),
            ('b', '2026-11-02', null, null, null, 'b@x.test', 'hash-1', 10),
            ('c', '2026-11-02', null, null, 'team-key', 'd@x.test', 'hash-2', 10),
            ('n', '2026-11-03', null, null, 'sandbox', 'e@x.test', 'hash-3', 10),
            ('n', '2026-11-02', null, null, 'sandbox', null, null, 10);
        create table intermediate.int_identities_resolved as
            select identity_key, usage_date,
                case identity_key
                    when 'a' then 'dev-07' when 'b' then 'b@x.test' when 'c' then 'team-key' else 'unattributed'
                end as developer_id
            from intermediate.int_usage_daily""")
    return db


def test_who_was_known_by_a_machine_or_an_agents_word_still_is_after_init(db, tmp_path):
    propose_org(db, tmp_path)

    with (tmp_path / "identities.csv").open() as file:
        proposed = [(row["kind"], row["value"], row["developer_id"]) for row in csv.DictReader(file)]
    assert proposed == [
        ("device", "dev-07", "dev-07"),
        ("key_alias", "team-key", "team-key"),
    ]
    # Beside developers that are stated, not derived, a machine is known by these rows alone.
    columns = ", ".join(f"{name} {kind}" for name, kind in org.SCHEMAS["identities"].items())
    db.execute(f"create table raw.org__identities ({columns})")
    db.executemany("insert into raw.org__identities (kind, value, developer_id) values (?, ?, ?)", proposed)
    db.execute("""
        create table int_developers_dated as
        select developer_id, email, date '2026-11-02' as valid_from, date '9999-12-31' as valid_to, false as is_derived
        from core.dim_developers""")
    known = set(db.execute(f"select kind, value from ({rendered(path_of('int_identities_dated'))[0]})").fetchall())
    assert {("device", "dev-07"), ("email", "b@x.test"), ("key_alias", "team-key")} <= known


def test_keys_users_and_machines_of_nobody_are_listed_from_their_first_day(db):
    rows = [tuple(map(str, row)) for row in db.execute(UNKNOWN_NAMES).fetchall()]

    assert rows == [
        ("github", "octo", "None", "2026-11-04", "None"),
        ("key_alias", "sandbox", "None", "2026-11-02", "None"),
        ("device", "hash-3", "None", "2026-11-03", "None"),
        ("email", "e@x.test", "None", "2026-11-03", "None"),
    ]
