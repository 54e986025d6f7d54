"""Everything Dagster knows of Paceline, assembled. `build_defs` takes settings, so tests replace parts, never patch."""

import warnings

import dagster as dg

from pipelines import dbt
from pipelines.assets.budgets import budget_assets
from pipelines.assets.choices import list_prices, org_csvs
from pipelines.assets.feeds import feed_assets
from pipelines.assets.models import model_assets
from pipelines.assets.outcome import outcome_assets
from pipelines.assets.report import report
from pipelines.jobs import jobs
from pipelines.partitions import daily
from pipelines.progress import progress_logger
from pipelines.resources import Deployment
from pipelines.schedules import daily_schedule, monthly_schedule
from pipelines.sensors import due_alerts
from pipelines.settings import Settings, load_settings

# Back-fill policies and code references are marked beta; the tests cover what we use of them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)


def build_defs(settings: Settings) -> dg.Definitions:
    """The definitions for one deployment."""
    partitions = daily(settings)
    models = model_assets(dbt.manifest_path(settings))
    return dg.Definitions(
        assets=[
            *dg.with_source_code_references(
                [
                    *feed_assets(settings, partitions),
                    org_csvs,
                    list_prices,
                    *outcome_assets(models),
                    report,
                    *budget_assets(settings),
                ]
            ),
            models,
        ],
        jobs=jobs(),
        schedules=[daily_schedule(settings.timezone), monthly_schedule(settings.timezone)],
        sensors=[due_alerts],
        resources={"deployment": Deployment()},
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
        # Steps are short and Python's start-up is long: one process per run.
        executor=dg.in_process_executor,
    )


defs = build_defs(load_settings())
