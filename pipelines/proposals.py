"""A first version of the org CSVs, from what the gateway recorded: something to correct instead of an empty page."""

import csv
from pathlib import Path

import duckdb

from alerts._format import as_cell
from connectors import org

# Everybody counts from the first measured day on; whoever came or left later is for a person to say.
PROPOSALS = {
    "teams": """
        select team_id, name, slack_channel, lead_slack_id, monthly_pool_tokens, monthly_pool_usd
        from core.dim_teams
        order by team_id""",
    "developers": """
        select
            developer_id, email, name, nullif(team_id, 'unattributed') as team_id,
            (select min(usage_date) from core.fct_usage_daily) as valid_from, null as valid_to, role, slack_id
        from core.dim_developers
        order by developer_id""",
    "identities": """
        select
            kind, value, developer_id,
            (select min(usage_date) from core.fct_usage_daily) as valid_from, null as valid_to
        from (
            select distinct unnest([
                {'kind': 'email', 'value': user_email},
                {'kind': 'user_id', 'value': user_id},
                {'kind': 'key_alias', 'value': key_alias},
                -- What an agent says of its user follows from the developer; a machine behind a key that several
                -- people share proves nobody.
                {'kind': 'device', 'value': if(device = developer_id, device, null)}
            ], recursive := true), developer_id
            from intermediate.int_usage_daily
            inner join intermediate.int_identities_resolved using (identity_key, usage_date)
            where developer_id != 'unattributed'
        )
        where value is not null
        -- A name that several people share proves nobody.
        qualify count(distinct developer_id) over (partition by kind, value) = 1
        order by developer_id, kind, value""",
    # Empty: without a row, a cap is the measured baseline and the buffer.
    "caps": "select null where false",
}

# A developer_id that is empty is for a person to fill in: the gateway's own keys belong to nobody and need no row.
UNKNOWN_NAMES = """
    with billed as (
        select
            key_kind as kind, provider_api_key_id as value, proposed_developer_id as developer_id,
            first_billed_date as valid_from, billed_tokens as tokens, 1 as place
        from core.dim_provider_api_keys
        where developer_id is null and first_billed_date is not null
    ),

    nobodys as (
        select unnest([
            {'kind': 'email', 'value': user_email},
            {'kind': 'user_id', 'value': user_id},
            {'kind': 'key_alias', 'value': key_alias},
            {'kind': if(contains(agent_user, '@'), 'email', 'user_id'), 'value': agent_user},
            {'kind': 'device', 'value': device}
        ], recursive := true), usage_date, total_tokens
        from intermediate.int_usage_daily
        inner join intermediate.int_identities_resolved using (identity_key, usage_date)
        where developer_id = 'unattributed'
    ),

    observed as (
        select
            kind, value, null as developer_id, min(usage_date) as valid_from, sum(total_tokens) as tokens, 2 as place
        from nobodys
        where value is not null
        group by kind, value
    )

    select kind, value, developer_id, valid_from, null as valid_to
    from (from billed union all from observed)
    order by place, tokens desc, kind, value"""


def propose_org(db: duckdb.DuckDBPyConnection, folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the CSVs that are missing in the folder; returns (written, kept)."""
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for table, sql in PROPOSALS.items():
        path = folder / f"{table}.csv"
        if path.exists():
            kept.append(path)
            continue
        cursor = db.execute(sql)
        names = [column[0] for column in cursor.description]
        header = [name for name in org.header(table) if name != "note"]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(header)
            out.writerows([as_cell(row.get(name)) for name in header] for row in rows)
        written.append(path)
    return written, kept
