"""The dbt project as assets: staging, intermediate, core, plan, alerts, ops. Tests of the project are asset checks.

https://docs.dagster.io/integrations/libraries/dbt
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DbtProject, dbt_assets
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from sqlalchemy.exc import DBAPIError

from pipelines import columns, dbt
from pipelines.assets.looks import looks
from pipelines.assets.translator import Translator, name_checks
from pipelines.cluster import ClusterFailed, build_on_cluster
from pipelines.cluster_days import days_for_cluster, leave_cluster
from pipelines.functions import create_arithmetic
from pipelines.lake import LakeDamaged
from pipelines.ledger_feeds import export_ledger
from pipelines.loading import Load, record_load
from pipelines.raw import built_days, create_raw, damaged_files, days_of, days_to_build, write_model_names
from pipelines.resources import Deployment
from pipelines.run_context import RunContext
from pipelines.settings import DBT_PROJECT, Settings, utc_now

SLOW_SECONDS = 5  # a model that took longer is named, so that who waited knows for what
DBT_IDS = ("unique_id", "invocation_id", "status")  # of no use to who reads the page


def model_assets(settings: Settings) -> dg.AssetsDefinition:
    """One step that builds all models (or those that were selected) in this process."""
    manifest = dbt.manifest_path(settings)
    parsed = json.loads(manifest.read_text())
    name_checks(parsed)
    translator = Translator(settings, parsed)
    project = DbtProject(DBT_PROJECT, target_path=manifest.parent)

    @dbt_assets(manifest=parsed, dagster_dbt_translator=translator, name="models", project=project)
    def models(context: dg.AssetExecutionContext, deployment: Deployment) -> Iterator[Any]:
        days = prepare_build(deployment.run, whole=not context.is_subset)
        context.log.info(f"{days} days to build")
        selection: list[str] = []
        if context.is_subset:
            selection, _ = get_subset_selection_for_context(context, parsed, None, None, None, translator, None)
        events: list[Any] = []

        def hear(event: Any) -> None:
            events.append(event)
            if event.info.name == "LogModelResult" and event.data.execution_time >= SLOW_SECONDS:
                name, took = event.data.node_info.node_name, event.data.execution_time
                deployment.run.say(f"models: {name} took {took:.0f} s")

        failure = None
        try:
            dbt.build(deployment.run.settings, selection, hear)
        except dbt.BuildFailed as error:
            failure = error
            if damaged := deployment.run.lake.damaged(deployment.run.lake.files("raw")):
                failure = LakeDamaged(damaged)
        shown = what_is_shown(deployment.run)
        for event in dagster_events(events, parsed, context, project, translator):
            kept = {name: value for name, value in event.metadata.items() if name not in DBT_IDS}
            if isinstance(event, dg.Output):
                key = context.asset_key_for_output(event.output_name).to_user_string()
                kept |= shown.get(key, {})
            yield event.with_metadata(kept)
        if failure:
            raise dg.Failure(str(failure), allow_retries=False)

    return models


def prepare_build(run: RunContext, whole: bool) -> int:
    """Point the build file's raw relations at the lake; returns how many days are to be built.

    A build by other models is thrown away first, for everything is in the lake, when the whole of it is made anew.
    """
    if run.settings.spark_master:
        try:
            run.say(build_on_cluster(run.settings))
        except ClusterFailed as error:
            raise dg.Failure(str(error), allow_retries=False) from None
    elif count := leave_cluster(run.lake):
        run.say(f"{count} days that Spark built are built from their calls again: PACELINE_SPARK_MASTER is not set")
    file = run.settings.build_file
    file.parent.mkdir(parents=True, exist_ok=True)
    _remove_broken(file)
    with duckdb.connect(str(file)) as db:
        built = built_days(db)
    days = days_to_build(run.lake, run.settings, built)
    if days.code_changed:
        if not whole:
            raise dg.Failure("Models have changed since the last build. Run the daily job, then parts of it.")
        file.unlink()
        built = {}
        days = days_to_build(run.lake, run.settings, built)
    elif days.fingerprints and not whole:  # a part of the models would take these days as built
        raise dg.Failure("Days have been loaded and are not built yet. Run the daily job, then parts of it.")
    # What Spark has left, it left for a damaged file.
    to_look_at = days_for_cluster(run.lake, run.settings) if run.settings.spark_master else days
    if damaged := damaged_files(run.lake, to_look_at):
        _record_damage(run, damaged)
        days = days_to_build(run.lake, run.settings, built, but_for=days_of(damaged))
    write_model_names(run.lake, days)
    try:
        export_ledger(run.settings, run.lake)
    except DBAPIError as error:  # the plan does without the latest decisions; the delivery will fail and say why
        run.say(f"the delivery ledger cannot be read ({type(error.orig).__name__}); decisions since the last run wait")
    with duckdb.connect(str(file)) as db:
        if run.lake.is_remote:
            db.register_filesystem(run.lake.fs)
        db.execute("set TimeZone = 'UTC'")
        create_raw(db, run.lake, run.settings, days, run.as_of, run.plan_month, utc_now())
        create_arithmetic(db)
    return len(days.fingerprints)


def _record_damage(run: RunContext, damaged: Mapping[str, list[str]]) -> None:
    """As a failed load of the feed, which makes the run red and is told; the other days go on."""
    for feed, paths in damaged.items():
        load = Load(feed, run.run_id, utc_now(), run.as_of, "failed", error=str(LakeDamaged(paths)))
        load.finished_at = load.started_at
        run.say(f"{feed}: {load.error}")
        record_load(run.lake, load)


def _remove_broken(file: Path) -> None:
    """A run that was killed while it made the build file may leave none that can be opened; the lake has it all."""
    try:
        duckdb.connect(str(file)).close()
    except duckdb.IOException as error:
        if "not a valid DuckDB database file" not in str(error):
            raise
        file.unlink()
        file.with_name(f"{file.name}.wal").unlink(missing_ok=True)


def what_is_shown(run: RunContext) -> dict[str, dict[str, Any]]:
    """Asset key -> metadata of what was built: rows of every table, tables and plots of those that people look at.

    Nothing where the build file cannot be looked at: it decides nothing, and a failed build has its own error.
    """
    try:
        return _looked_at(run)
    except Exception as error:
        run.say(f"what was built cannot be shown: {type(error).__name__}: {error}")
        return {}


def _looked_at(run: RunContext) -> dict[str, dict[str, Any]]:
    # Not read-only: dbt's own connection in this process is not, and DuckDB wants them alike.
    with duckdb.connect(str(run.settings.build_file)) as db:
        columns.note_types(run.settings, db)
        tables = db.execute("select schema_name, table_name from duckdb_tables() where schema_name != 'raw'").fetchall()
        counted = [f"select '{schema}/{name}', count(*) from {schema}.{name}" for schema, name in tables]
        counts = db.execute(" union all ".join(counted)).fetchall() if counted else []
        shown: dict[str, dict[str, Any]] = {key: {"dagster/row_count": rows} for key, rows in counts}
        for key in shown:
            shown[key] |= looks(db, key)
    return shown


def dagster_events(
    events: list[Any],
    manifest: dict,
    context: dg.AssetExecutionContext,
    project: DbtProject,
    translator: Translator,
) -> Iterator[Any]:
    """dbt's own events in Dagster's words, as dagster-dbt translates them."""
    from google.protobuf.json_format import MessageToDict

    for event in events:
        if event.info.name not in ("LogTestResult", "NodeFinished", "LogModelResult", "LogSeedResult"):
            continue
        raw_event = MessageToDict(event, preserving_proto_field_name=True)
        message = DbtCoreCliEventMessage(raw_event=raw_event, event_history_metadata={})
        yield from message.to_default_asset_events(
            manifest=manifest,
            dagster_dbt_translator=translator,
            context=context,
            target_path=project.target_path,
            project=project,
        )
