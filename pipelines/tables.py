"""Tables on the console: the rows of a query, and the caps that a run ends with."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import click

from pipelines.console import visible
from pipelines.settings import Settings

SHOWN_SCOPES = 60  # the organisation first, then whom it is about most
# Percentages are cut as in messages; rounded before, for 0.29 * 100 is 28.999999999999996.
WHOLE_PERCENT = "create temp macro whole_percent(ratio) as trunc(round(ratio * 100, 6))"
# Both end with the table's title and the number of all scopes.
CAPS = """
    select
        scope, scope_id, format('{:,}', used_tokens) as used_tokens,
        coalesce(format('{:,}', cap_tokens), '') as cap_tokens,
        coalesce(cast(round(cap_usd, 2) as varchar), '') as cap_usd,
        coalesce(cap_source, '') as cap_source,
        coalesce(if(binding_measure = 'usd', 'USD', binding_measure), '') as binds,
        coalesce(format('{:.0f} %', whole_percent(used_ratio)), '') as used,
        coalesce(format('{:.0f} %', whole_percent(projected_ratio_p50)), '') as month_end,
        coalesce(
            format('{:.0f}-{:.0f} %', whole_percent(projected_ratio_p10), whole_percent(projected_ratio_p90)), ''
        ) as range_80,
        coalesce(format('{:.0f} %', whole_percent(probability_over)), '') as chance_over,
        coalesce(cast(crosses_cap_on as varchar), '') as crosses_cap_on,
        status,
        strftime(as_of_date, 'Caps of %B %Y, measured through %Y-%m-%d') as title,
        count(*) over () as scopes
    from plan.cap_utilization
    where month = date_trunc('month', as_of_date)
    qualify
        row_number() over (
            order by scope != 'org', coalesce(probability_over, used_ratio) desc nulls last, scope, scope_id
        )
        <= $shown
    order by array_position(['org', 'team', 'pool', 'developer'], scope), scope_id"""
PLAN = """
    select
        scope, scope_id, format('{:,}', expected_tokens) as expected,
        format('{:,}', recommended_cap_tokens) as cap, format('${:,.2f}', recommended_cap_usd) as usd,
        coalesce(format('{:,}', current_cap_tokens), '') as cap_now,
        coalesce(format('{:+.0f} %', whole_percent(change_ratio)), '') as change,
        case
            when decided_cap_source is not null
                then coalesce(format('{:,}', decided_cap_tokens), format('${:,.2f}', decided_cap_usd), 'no cap')
            else ''
        end as decided,
        reason,
        strftime(plan_month, 'Recommended caps of %B %Y, in tokens') as title,
        count(*) over () as scopes
    from plan.cap_recommendations
    where plan_month = $month
    qualify
        row_number() over (
            order by
                scope != 'org', change_ratio is null desc, abs(change_ratio) desc, recommended_cap_tokens desc, scope,
                scope_id
        )
        <= $shown
    order by array_position(['org', 'team', 'developer'], scope), scope_id"""


def print_caps(settings: Settings) -> None:
    """The caps of the as-of month, as the last published warehouse knows them."""
    _print_scopes(settings, CAPS, {}, "less likely to be passed: plan.cap_utilization")


def print_plan(settings: Settings, month: date) -> None:
    """The caps of a planned month, as the last published warehouse knows them."""
    _print_scopes(settings, PLAN, {"month": month}, "which change less: plan.cap_recommendations")


def _print_scopes(settings: Settings, sql: str, parameters: Mapping[str, Any], others: str) -> None:
    import duckdb

    from pipelines.publish import read_warehouse

    if not settings.warehouse_file.exists():
        return
    with read_warehouse(settings.warehouse_file) as db:
        db.execute(WHOLE_PERCENT)
        try:
            cursor = db.execute(sql, {"shown": SHOWN_SCOPES, **parameters})
        except duckdb.BinderException:  # of an earlier version: the run that would have made a new one failed
            return
        *names, _, _ = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    if rows:
        *_, title, scopes = rows[0]
        click.echo(f"\n{title}")
        print_rows(names, [row[:-2] for row in rows], "table")
        if scopes > len(rows):
            click.echo(f"{scopes - len(rows):,} more, {others}")


def print_rows(names: Sequence[str], rows: Sequence[tuple], style: str) -> None:
    """Rows for people (table) or programs (csv, json)."""
    if style == "csv":
        csv.writer(sys.stdout).writerows([names, *rows])
    elif style == "json":
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str, indent=1))
    else:
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(*names, box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(*("" if value is None else visible(str(value), one_line=True) for value in row))
        # A terminal folds long cells; a pipe gets whole lines.
        console = Console(width=None if sys.stdout.isatty() else 10_000, markup=False)
        console.print(table)
