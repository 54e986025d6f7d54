"""The `paceline` command: thin doors to the Dagster jobs and the SQL that the UI offers, too.

Exit status: 0 done, 1 failed, 2 wrong usage. Errors go to stderr in one readable paragraph.
"""

import sys
from datetime import date, datetime

import click

from pipelines.settings import ROOT, Settings, load_settings

DAY = click.DateTime(formats=["%Y-%m-%d"])


class Failed(click.ClickException):
    """Something that the user should read; exit status 1."""

    def show(self, file=None) -> None:
        """Print the message to stderr."""
        click.echo(f"paceline: {self.format_message()}", err=True)


def main() -> None:
    """Run the command; errors of settings are readable, too."""
    import duckdb
    from pydantic import ValidationError

    from pipelines.dbt import BuildFailed

    try:
        commands()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        click.echo(
            f"paceline: the environment is not right: {wrong}. Correct it in the environment or in .env.", err=True
        )
        sys.exit(2)
    except (BuildFailed, duckdb.Error) as error:
        click.echo(f"paceline: {error}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Measure what coding agents use, compare it with caps, and plan the next month."""


@commands.command()
@click.option("--from", "first", type=DAY, help="Read this day and later again; load reports from this day on.")
@click.option("--to", "last", type=DAY, help="Last day to read again (default: the as-of day).")
@click.option("--as-of", "as_of", type=DAY, help="Last day included, as if it had just ended.")
@click.option("--no-alerts", is_flag=True, help="Tell nobody, neither by Slack nor in the outbox.")
def run(first: datetime | None, last: datetime | None, as_of: datetime | None, no_alerts: bool) -> None:
    """Run the daily job: load what is new, build, publish, tell what is due."""
    settings = load_settings(**({"PACELINE_AS_OF": as_of.date()} if as_of else {}))
    again = _range(first, last, settings.as_of)
    from pipelines.jobs import DAILY
    from pipelines.run_context import AGAIN_TAG, NO_ALERTS_TAG
    from pipelines.running import run_job

    tags = {AGAIN_TAG: "...".join(map(str, again))} if again else {}
    ok = run_job(settings, DAILY, tags | ({NO_ALERTS_TAG: "true"} if no_alerts else {}), _say)
    _print_caps(settings)
    if not ok:
        sys.exit(1)


@commands.command()
@click.option("--month", type=click.DateTime(formats=["%Y-%m"]), help="Month to plan for (default: the next).")
@click.option("--as-of", "as_of", type=DAY, help="Last day included, as if it had just ended.")
@click.option("--no-alerts", is_flag=True, help="Post the plan nowhere, neither to Slack nor to the outbox.")
def replan(month: datetime | None, as_of: datetime | None, no_alerts: bool) -> None:
    """Write the next plan: run the daily job, issue the caps it recommends, post them to teams and organisation."""
    settings = load_settings(**({"PACELINE_AS_OF": as_of.date()} if as_of else {}))
    from pipelines.run_context import NO_ALERTS_TAG, PLAN_MONTH_TAG, next_month

    planned = month.date() if month else next_month(settings.as_of)
    first, last = settings.as_of.replace(day=1), next_month(next_month(settings.as_of))
    if not first <= planned <= last:
        raise click.UsageError(
            f"as of {settings.as_of}, plans can be written for {first:%Y-%m} to {last:%Y-%m}, not {planned:%Y-%m}; "
            "for another month give --as-of too"
        )
    from pipelines.jobs import REPLAN
    from pipelines.running import run_job

    tags = {PLAN_MONTH_TAG: str(planned)} | ({NO_ALERTS_TAG: "true"} if no_alerts else {})
    ok = run_job(settings, REPLAN, tags, _say)
    _print_plan(settings, planned)
    if not ok:
        sys.exit(1)


@commands.command()
@click.argument("sql")
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def query(sql: str, style: str) -> None:
    """Run one SQL query on the published warehouse."""
    settings = load_settings()
    import duckdb

    with _warehouse(settings) as db:
        try:
            cursor = db.execute(sql)
            names = [column[0] for column in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise Failed(str(error)) from error
    _print_rows(names, rows, style)


@commands.command()
@click.option(
    "--propose-identities", is_flag=True, help="Print rows for identities.csv: billed keys that map to nobody."
)
def sources(propose_identities: bool) -> None:
    """Show every source: whether it is configured, what it needs, and how old its data are."""
    settings = load_settings()
    if propose_identities:
        from pipelines.proposals import UNKNOWN_KEYS

        with _warehouse(settings) as db:
            cursor = db.execute(UNKNOWN_KEYS)
            return _print_rows([column[0] for column in cursor.description], cursor.fetchall(), "csv")
    from connectors import discover
    from connectors._contract import in_words

    known = {}
    if settings.warehouse_file.exists():
        with _warehouse(settings) as db:
            cursor = db.execute(
                "select feed, loaded_through_date, last_record_at, last_load_records, data_age_days, quarantined, "
                "last_error from ops.source_freshness"
            )
            known = {row[0]: row[1:] for row in cursor.fetchall()}
    rows = []
    for source in discover():
        configured = source.configured_feeds(settings.environ)
        for feed in source.feeds:
            state = (
                "not configured" if feed not in configured else "examples" if settings.uses_examples else "configured"
            )
            note = "" if feed in configured else f"needs {in_words(feed.needs)}"
            *facts, error = known.get(feed.table, (None,) * 6)
            rows.append((feed.table, state, *facts, error or note))
    _print_rows(
        ["feed", "state", "loaded_through", "newest_record", "rows", "age_days", "quarantined", "note"], rows, "table"
    )


@commands.command()
@click.option("--developers", type=click.FloatRange(min=0, min_open=True), help="How many people.")
@click.option("--tasks-per-day", type=click.FloatRange(min=0, min_open=True), help="Of each, on a working day.")
@click.option("--tokens-per-task", type=click.FloatRange(min=0, min_open=True), help="Input and output together.")
@click.option("--input-ratio", type=click.FloatRange(0, 1), help="Input's share of the tokens (default: 0.6).")
@click.option("--cache-read-ratio", type=click.FloatRange(0, 1), help="Share of input read from cache (default: 0).")
@click.option("--working-days", type=click.FloatRange(0, 31, min_open=True), help="Of the month (default: 22).")
@click.option("--as-of", "as_of", type=DAY, help="Day of the price list (default: today).")
@click.option("--measured", is_flag=True, help="Take what is not given from the warehouse (plan.demand).")
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def estimate(measured: bool, as_of: datetime | None, style: str, **given: float | None) -> None:
    """Say what a demand would cost: developers x tasks x tokens x working days, on models from dear to cheap."""
    from pipelines import estimating

    settings = load_settings()
    demand = {name: value for name, value in given.items() if value is not None}
    if measured:
        with _warehouse(settings) as db:
            demand = estimating.measured_demand(db) | demand
    missing = [f"--{name.replace('_', '-')}" for name in estimating.NEEDED if demand.get(name) is None]
    if missing:
        raise click.UsageError(f"{', '.join(missing)} not given" + ("" if measured else " (or take it: --measured)"))
    names, rows = estimating.estimate(demand, as_of.date() if as_of else date.today())
    if style == "table":
        click.echo(estimating.in_words(demand, rows))
        rows = [estimating.readable(row) for row in rows]
        names = ["provider", "model", "input", "output", "a month", "per developer", "times the cheapest"]
    _print_rows(names, rows, style)


@commands.command()
def init() -> None:
    """Write a first version of the org CSVs from what the gateway recorded. Never overwrites a file."""
    settings = load_settings()
    from pipelines.proposals import propose_org

    if settings.uses_examples:
        raise Failed(
            "no source is configured, so there is nobody to propose. Set one (see: paceline sources) and run it."
        )
    folder = settings.org_dir_given or ROOT / "org"
    with _warehouse(settings) as db:
        written, kept = propose_org(db, folder)
    for path in written:
        click.echo(f"written  {path}")
    for path in kept:
        click.echo(f"kept     {path} (there already)")
    click.echo("Read them, correct them, then: paceline run")


def _range(first: datetime | None, last: datetime | None, as_of: date) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    if first is None:
        raise click.UsageError("--to needs --from")
    start, end = first.date(), last.date() if last else as_of
    if start > end:
        raise click.UsageError(f"--from {start} is after --to {end}")
    return start, end


def _say(text: str) -> None:
    click.echo(text, err=True)


def _warehouse(settings: Settings):
    from pipelines.publish import read_warehouse

    if not settings.warehouse_file.exists():
        raise Failed(f"there is no warehouse at {settings.warehouse_file} yet. Make one: paceline run")
    return read_warehouse(settings.warehouse_file)


def _print_caps(settings: Settings) -> None:
    """The caps of the as-of month, as the last published warehouse knows them."""
    if not settings.warehouse_file.exists():
        return
    with _warehouse(settings) as db:
        cursor = db.execute("""
            select
                scope, scope_id, format('{:,}', used_tokens) as used_tokens,
                coalesce(format('{:,}', cap_tokens), '') as cap_tokens,
                coalesce(cast(round(cap_usd, 2) as varchar), '') as cap_usd,
                coalesce(cap_source, '') as cap_source,
                coalesce(format('{:.0f} %', floor(used_ratio * 100)), '') as used,
                coalesce(format('{:.0f} %', floor(projected_ratio_p50 * 100)), '') as month_end,
                coalesce(cast(crosses_cap_on as varchar), '') as crosses_cap_on,
                status
            from plan.cap_utilization
            where month = date_trunc('month', as_of_date)
            order by array_position(['org', 'team', 'pool', 'developer'], scope), scope_id""")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
        as_of = db.execute("select max(as_of_date) from plan.cap_utilization").fetchall()[0][0]
    if rows:
        click.echo(f"\nCaps of {as_of:%B %Y}, measured through {as_of}")
        _print_rows(names, rows, "table")


def _print_plan(settings: Settings, month: date) -> None:
    """The caps of a planned month, as the last published warehouse knows them."""
    if not settings.warehouse_file.exists():
        return
    with _warehouse(settings) as db:
        cursor = db.execute(
            """
            select
                scope, scope_id, format('{:,}', expected_tokens) as expected,
                format('{:,}', recommended_cap_tokens) as cap, format('${:,.2f}', recommended_cap_usd) as usd,
                coalesce(format('{:,}', current_cap_tokens), '') as cap_now,
                coalesce(format('{:+.0f} %', change_ratio * 100), '') as change, reason
            from plan.cap_recommendations
            where plan_month = ?
            order by array_position(['org', 'team', 'developer'], scope), scope_id""",
            [month],
        )
        names, rows = [column[0] for column in cursor.description], cursor.fetchall()
    if rows:
        click.echo(f"\nRecommended caps of {month:%B %Y}, in tokens")
        _print_rows(names, rows, "table")


def _print_rows(names: list[str], rows: list[tuple], style: str) -> None:
    if style == "csv":
        import csv

        out = csv.writer(sys.stdout)
        out.writerows([names, *rows])
    elif style == "json":
        import json

        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str, indent=1))
    else:
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(*names, box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row))
        # A terminal folds long cells; a pipe gets whole lines.
        console = Console(width=None if sys.stdout.isatty() else 10_000, markup=False)
        console.print(table)


if __name__ == "__main__":
    main()
