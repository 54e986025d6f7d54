"""The `paceline` command: thin doors to the Dagster jobs and the SQL that the UI offers, too.

Exit status: 0 done, 1 failed, 2 wrong usage. Errors go to stderr in one readable paragraph.
"""

import math
import re
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.command import run_command, say
from pipelines.console import visible
from pipelines.home import keep_private
from pipelines.settings import ROOT, Settings, load_settings
from pipelines.tables import print_caps, print_plan, print_rows

if TYPE_CHECKING:
    from pipelines.run_context import Days, RunChoices

DAY = click.DateTime(formats=["%Y-%m-%d"])
# Fields of the run config, and the options that set them.
OPTIONS = {"read_again_from": "--from", "read_again_to": "--to", "plan_month": "--month", "as_of": "--as-of"}


class Finite(click.FloatRange):
    """A number in a range; nan and inf are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails for what is none."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class Failed(click.ClickException):
    """Something that the user should read; exit status 1."""

    def show(self, file=None) -> None:
        """Print the message to stderr."""
        say(f"paceline: {self.format_message()}")


def main() -> None:
    """Run `paceline`."""
    run_command(commands)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Measure what coding agents use, compare it with caps, and plan the next month."""
    keep_private()


@commands.command()
@click.option("--from", "first", type=DAY, help="Read this day and later again; load reports from this day on.")
@click.option("--to", "last", type=DAY, help="Last day to read again (default: the as-of day).")
@click.option("--as-of", "as_of", type=DAY, help="Last day included, as if it had just ended.")
@click.option("--no-alerts", is_flag=True, help="Tell nobody, neither by Slack nor in the outbox.")
def run(first: datetime | None, last: datetime | None, as_of: datetime | None, no_alerts: bool) -> None:
    """Run the daily job: load what is new, build, publish, tell what is due."""
    settings = load_settings(**({"PACELINE_AS_OF": as_of.date()} if as_of else {}))
    from pipelines.run_context import RunChoices

    read_again = (str(day.date()) if day else "" for day in (first, last))
    choices = RunChoices("", *read_again, no_alerts=no_alerts)
    _days(settings, choices)
    from pipelines.jobs import DAILY
    from pipelines.remarks import remarks
    from pipelines.running import run_job

    ok = run_job(settings, DAILY, choices, say)
    if not ok and settings.warehouse_file.exists():
        say("What follows is of the last run that was published.")
    print_caps(settings)
    for remark in remarks(settings):
        say(f"note: {remark}")
    if not ok:
        sys.exit(1)


@commands.command()
@click.option("--month", type=click.DateTime(formats=["%Y-%m"]), help="Month to plan for (default: the next).")
@click.option("--as-of", "as_of", type=DAY, help="Last day included, as if it had just ended.")
@click.option("--no-alerts", is_flag=True, help="Post the plan nowhere, neither to Slack nor to the outbox.")
def replan(month: datetime | None, as_of: datetime | None, no_alerts: bool) -> None:
    """Write the next plan: run the daily job, issue the caps it recommends, post them to teams and organisation."""
    settings = load_settings(**({"PACELINE_AS_OF": as_of.date()} if as_of else {}))
    from pipelines.run_context import RunChoices

    planned = _days(settings, RunChoices(plan_month=f"{month:%Y-%m}" if month else "")).plan_month
    from pipelines.jobs import REPLAN
    from pipelines.running import run_job

    ok = run_job(settings, REPLAN, RunChoices(plan_month=f"{planned:%Y-%m}", no_alerts=no_alerts), say)
    print_plan(settings, planned)
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
            statements = db.extract_statements(sql)
            if len(statements) != 1:
                few = "the query is empty" if not statements else f"these are {len(statements)} queries"
                raise click.UsageError(f"{few}: one is run at a time")
            cursor = db.execute(statements[0])
            names = [column[0] for column in cursor.description or []]
            rows = cursor.fetchall() if names else []
        except duckdb.Error as error:
            raise Failed(str(error)) from error
    print_rows(names, rows, style)


@commands.command()
def report() -> None:
    """Write the published warehouse as one page, report.html in the data directory; every run does that, too."""
    settings = load_settings()
    _warehouse(settings).close()
    from pipelines.report import write_report

    page = write_report(settings)
    click.echo(f"{page} ({page.stat().st_size / 1e6:.1f} MB). Open it in a browser; it needs nothing from elsewhere.")


@commands.command()
@click.option(
    "--propose-identities",
    is_flag=True,
    help="Print rows for identities.csv: keys, users and machines that map to nobody.",
)
def sources(propose_identities: bool) -> None:
    """Show every source: whether it is configured, what it needs, and how old its data are."""
    settings = load_settings()
    if propose_identities:
        from alerts._format import as_cell
        from pipelines.proposals import UNKNOWN_NAMES

        with _warehouse(settings) as db:
            cursor = db.execute(UNKNOWN_NAMES)
            rows = [tuple(map(as_cell, row)) for row in cursor.fetchall()]
            return print_rows([column[0] for column in cursor.description], rows, "csv")
    from connectors import discover
    from connectors._contract import in_words, is_set

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
        for feed in source.feeds_in(settings.environ):
            configured = is_set(feed.needs, settings.environ)
            state = "not configured" if not configured else "examples" if settings.uses_examples else "configured"
            note = getattr(feed, "refusal", None) or "" if configured else f"needs {in_words(feed.needs)}"
            *facts, error = known.get(feed.table, (None,) * 6)
            first, *more = (error or note).strip().splitlines() or [""]
            rows.append((feed.table, state, *facts, f"{first} (more: paceline doctor)" if more else first))
    print_rows(
        ["feed", "state", "loaded_through", "newest_record", "rows", "age_days", "quarantined", "note"], rows, "table"
    )


@commands.command("alerts")
@click.option(
    "--preview", is_flag=True, help="Render what would be sent now and with the next digest: text, Block Kit, a page."
)
def list_alerts(preview: bool) -> None:
    """List open alerts and what is waiting to be told, or show the messages themselves. Sends nothing."""
    settings = load_settings()
    _warehouse(settings).close()
    from alerts import digest_name
    from pipelines import telling

    if not preview:
        names = ["incident_key", "level", "state", "changed_by", "opened_at", "snoozed_until"]
        rows = [tuple(row[name] or "" for name in names) for row in telling.open_alerts(settings)]
        print_rows(["alert", *names[1:]], rows, "table")
        now, later = telling.pending_alerts(settings), telling.waiting_alerts(settings)
        see = ": paceline alerts --preview" if now or later else ""
        digest = digest_name(telling.alert_clock(settings).next_digest_at)
        return click.echo(f"{len(now)} waiting to be told now, {len(later)} with {digest}{see}")
    page, due = telling.write_preview(settings)
    for when, messages in due.items():
        for recipient, text in messages:
            click.echo(visible(f"To: {visible(recipient, one_line=True)}, {when}\n\n{text}"))
    counts = [
        f"{len(messages)} {'message' if len(messages) == 1 else 'messages'} {when}" for when, messages in due.items()
    ]
    click.echo(f"Would be sent: {', '.join(counts)}. As Slack shows them: {page}")
    if not settings.slack_token:
        click.echo(f"Without Slack nothing is sent: what was told already lies in {settings.data_dir / 'outbox'}")


class Range(click.ParamType):
    """One number above 0, or two as LOW-HIGH."""

    name = "LOW-HIGH"

    def convert(self, value, param, ctx) -> list[float]:
        """The numbers as a list."""
        try:
            numbers = [float(one) for one in str(value).split("-")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 2 or not all(0 < one < float("inf") for one in numbers):
            self.fail(f"{value!r} is not a number above 0, nor two of them like 2-4", param, ctx)
        return numbers


def _above_0(most: float | None = None) -> Finite:
    return Finite(0, most, min_open=True)


@commands.command()
@click.option("--developers", type=_above_0(), help="How many people.")
@click.option("--tasks-per-day", type=_above_0(), help="Of each, on a working day.")
@click.option("--tokens-per-task", type=_above_0(), help="Input and output together.")
@click.option("--input-ratio", type=Finite(0, 1), help="Input's share of the tokens (default: 0.6).")
@click.option("--cache-read-ratio", type=Finite(0, 1), help="Share of input read from cache (default: 0).")
@click.option("--working-days", type=_above_0(31), help="Of the month (default: 22).")
@click.option("--as-of", "as_of", type=DAY, help="Day of the prices (default: PACELINE_AS_OF, else today).")
@click.option("--measured", is_flag=True, help="Take what is not given from the warehouse (plan.demand).")
@click.option(
    "--gpus",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Own GPUs to compare with; what follows is of each.",
)
@click.option("--gpu-hours", type=_above_0(24), default=10, show_default=True, help="Hours it runs on a working day.")
@click.option("--gpu-usd-per-hour", type=Range(), default="2-4", show_default=True, help="What an hour costs.")
@click.option(
    "--gpu-tokens-per-second",
    type=Range(),
    default="30-50",
    show_default=True,
    help="Output it gives (default: an A100 with a 70 B model).",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="csv and json: one row per model with the columns of estimate(...) and break_even(...).",
)
def estimate(measured: bool, as_of: datetime | None, style: str, **given: Any) -> None:
    """Say what a demand would cost: developers x tasks x tokens x working days, on models from dear to cheap, and on
    own GPUs.
    """
    from pipelines import estimating

    settings = load_settings()
    day = as_of.date() if as_of else settings.as_of_given or date.today()
    gpus = {name: given.pop(name) for name in list(given) if name.startswith("gpu")}
    demand = {name: value for name, value in given.items() if value is not None}
    if measured:
        with _warehouse(settings) as db:
            demand = estimating.measured_demand(db, day) | demand
    missing = [f"--{name.replace('_', '-')}" for name in estimating.NEEDED if demand.get(name) is None]
    if missing:
        raise click.UsageError(f"{', '.join(missing)} not given" + ("" if measured else " (or take it: --measured)"))
    found = estimating.estimate(demand, gpus, day)
    if style != "table":
        names = list(found.models[0]) if found.models else []
        return print_rows(names, [tuple(row.values()) for row in found.models], style)
    click.echo(estimating.demand_line(found))
    if not found.models:
        click.echo("No reference model has a price on that day.")
        return click.echo(estimating.gpu_line(found))
    print_rows(list(estimating.TIERS), estimating.tier_rows(found.models), "table")
    click.echo(estimating.stretch_line(found.models) or "No model is so much cheaper that it stretches the budget 3 x.")
    click.echo(f"\n{estimating.gpu_line(found)}")
    print_rows(list(estimating.OWN), estimating.own_rows(found.models), "table")


@commands.command()
def slack() -> None:
    """Answer what people press in Slack (Socket Mode), until SIGTERM or Ctrl-C. Needs SLACK_APP_TOKEN."""
    settings = load_settings()
    from alerts._socket import WHERE_APP_TOKEN, SocketRefused, is_app_token
    from pipelines.slack_app import serve

    token = settings.slack_app_token.get_secret_value().strip() if settings.slack_app_token else ""
    if not is_app_token(token):
        wrong = "is not set" if not token else "holds no app-level token"
        raise click.UsageError(f"SLACK_APP_TOKEN {wrong}. It is {WHERE_APP_TOKEN}.")
    if not settings.slack_token:
        raise click.UsageError("SLACK_BOT_TOKEN is not set, so nobody could be answered. See .env.example.")
    try:
        serve(settings, say)
    except SocketRefused as error:
        raise Failed(str(error)) from error


@commands.command("push-caps")
@click.option("--month", type=click.DateTime(formats=["%Y-%m"]), help="Month of the caps (default: the one that runs).")
@click.option("--apply", is_flag=True, help="Set the budgets; without it, only show what would change.")
def push_caps(month: datetime | None, apply: bool) -> None:
    """Set LiteLLM's budgets of users and teams to the caps that were approved. Shows only, unless --apply."""
    settings = load_settings()
    from connectors.litellm_budgets import API
    from pipelines import pushing

    running = pushing.running_month(settings.as_of)
    wanted = month.date() if month else running
    if missing := [name for name in API.needs if not settings.environ.get(name)]:
        raise click.UsageError(f"{' and '.join(missing)} not set: the LiteLLM proxy whose budgets are meant.")
    if apply and wanted != running:
        raise click.UsageError(f"LiteLLM's budgets know no months: only those of {running:%Y-%m} can be set now")
    _warehouse(settings).close()
    pushes = pushing.push_caps(settings, wanted, apply)
    if not pushes:
        return click.echo(f"No cap of {wanted:%B %Y} was approved.")
    table = [
        (
            f"{one.scope} {one.scope_id}",
            one.name or "",
            pushing.budget_words(one.old),
            "" if one.budget_usd is None else f"${one.budget_usd:,.2f} {pushing.MONTHLY}",
            one.basis,
            one.state,
            one.note or "",
        )
        for one in pushes
    ]
    print_rows(["cap", "in LiteLLM", "old", "new", "from", "state", "note"], table, "table")
    if not apply and any(one.state == "planned" for one in pushes):
        click.echo("Nothing was changed. To set these budgets: paceline push-caps --apply")
    wrong = [one for one in pushes if one.state in ("failed", "not tried")]
    if wrong:
        reasons = "; ".join(one.problem for one in wrong if one.problem)
        raise Failed(f"{len(wrong)} of {len(pushes)} caps are not in LiteLLM. {reasons}.")


@commands.command()
def doctor() -> None:
    """Check this deployment and say what to do: settings, sources, keys, disk, lake, ledger, Slack, clock."""
    from pipelines.doctor import examine

    failed = 0
    for finding in examine(load_settings()):
        failed += finding.state == "fail"
        click.echo(f"{finding.state:<5} {finding.what}: {finding.words}")
    if failed:
        raise Failed(f"{failed} {'checks' if failed > 1 else 'check'} failed")


@commands.command()
@click.option("--apply", is_flag=True, help="Remove them; without it, only show what would go.")
def retain(apply: bool) -> None:
    """Remove calls older than PACELINE_KEEP_MONTHS from the lake; daily numbers stay. Shows only, unless --apply."""
    settings = load_settings()
    if settings.keep_months is None:
        raise click.UsageError("PACELINE_KEEP_MONTHS is not set: for how many whole months calls are kept.")
    from pipelines.retention import CannotRetain, plan_removal, remove_calls
    from pipelines.run_context import lake_of, writer

    lake = lake_of(settings)
    try:
        with writer(settings, "retain", say):
            removal = plan_removal(lake, settings.as_of, settings.keep_months)
            if apply:
                remove_calls(lake, settings, removal)
    except CannotRetain as error:
        raise Failed(str(error)) from error
    click.echo(removal.in_words(apply))
    if apply and removal.days:
        click.echo("The next run builds these days from their rows: paceline run")
    elif not apply and (removal.days or removal.files):
        click.echo("Nothing was changed. To remove them: paceline retain --apply")


@commands.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
def backup(target: Path) -> None:
    """Write everything that cannot be made anew to one file (TARGET, a .tar). Waits for a run that is going."""
    settings = load_settings()
    if target.exists():
        raise click.UsageError(f"{target} exists; name a file that does not")
    if not target.absolute().parent.is_dir():
        raise click.UsageError(f"{target.absolute().parent} is no folder")
    from pipelines import backup as backups
    from pipelines.run_context import lake_of, writer
    from pipelines.settings import utc_now

    lake = lake_of(settings)
    with writer(settings, "backup", say):
        about = backups.backup(settings, lake, target, utc_now())
    click.echo(f"{about['files']:,} files in {target} ({target.stat().st_size / 1e6:,.1f} MB). Keep .env elsewhere.")
    for what, place in (("lake", about["lake"]), ("ledger", about["ledger"])):
        if place:
            click.echo(f"Not in it: the {what} at {place}. Back it up where it is, at about the same time.")


@commands.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def restore(source: Path) -> None:
    """Put a backup into an empty data directory; then: paceline run."""
    settings = load_settings()
    from pipelines import backup as backups
    from pipelines.versions import LakeTooNew

    try:
        about = backups.restore(settings, source)
    except (backups.CannotRestore, LakeTooNew) as error:
        raise Failed(str(error)) from error
    click.echo(f"{about['files']:,} files of {about['made_at']} are in {settings.data_dir}. Now: paceline run")
    if about["org_kept"]:
        click.echo(f"{settings.org_dir} has CSVs already: they were left as they are.")


@commands.command()
@click.argument("developer_id")
@click.option("--pseudonym", help="Keep the person's numbers under this name (default: they become nobody's).")
@click.option("--apply", is_flag=True, help="Change it; without it, only show where the person stands.")
def forget(developer_id: str, pseudonym: str | None, apply: bool) -> None:
    """Remove a person's ids, addresses and names from everything written. Shows only, unless --apply."""
    settings = load_settings()
    from pipelines import forget as forgetting
    from pipelines.jobs import DAILY
    from pipelines.run_context import RunChoices, lake_of, writer
    from pipelines.running import run_job

    try:
        words, others = forgetting.words_of(settings, developer_id)
        eraser = forgetting.eraser_of(words, others, pseudonym)
    except forgetting.CannotForget as error:
        raise Failed(str(error)) from error
    lake, keep_rows = lake_of(settings), pseudonym is not None
    with writer(settings, "forget", say):
        found = forgetting.together(forgetting.forget(settings, lake, words, eraser, keep_rows, apply))
    click.echo(f"{developer_id} is known as: {', '.join(words)}")
    print_rows(["where", "values"], list(found.items()), "table")
    for place in forgetting.at_the_sources(settings, eraser):
        click.echo(f"{place.where}: {place.values} name the person. Remove them first, or they are read again.")
    if not apply:
        return click.echo("Nothing was changed. To forget: the same with --apply")
    ok = run_job(settings, DAILY, RunChoices(no_alerts=True), say)
    left = forgetting.together(forgetting.forget(settings, lake, words, eraser, keep_rows, apply=False))
    if left or not ok:
        places = "; ".join(f"{where}: {values}" for where, values in left.items()) or "nowhere"
        raise Failed(f"still known in: {places}. Mend what failed, remove the person at the source, forget again.")
    click.echo(
        "Forgotten here. Others have to see to: logs and reports at their sources, messages in Slack, backups, older "
        "versions in s3 and in git."
    )


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


def _days(settings: Settings, choices: "RunChoices") -> "Days":
    """The days that the options ask for. What the run config calls otherwise is named as here."""
    from pipelines.run_context import days_of

    try:
        return days_of(settings, choices)
    except ValueError as error:
        raise click.UsageError(re.sub("|".join(OPTIONS), lambda name: OPTIONS[name[0]], str(error))) from error


def _warehouse(settings: Settings):
    from pipelines.publish import read_warehouse

    if not settings.warehouse_file.exists():
        raise Failed(f"there is no warehouse at {settings.warehouse_file} yet. Make one: paceline run")
    return read_warehouse(settings.warehouse_file)


if __name__ == "__main__":
    main()
