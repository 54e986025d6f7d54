"""Everything Dagster knows of Paceline, assembled. `build_defs` takes settings, so tests replace parts, never patch."""

import warnings
from datetime import timedelta

import dagster as dg

from pipelines.assets.budgets import budget_assets
from pipelines.assets.choices import kept_records, list_prices, org_csvs
from pipelines.assets.feeds import feed_assets, sources_not_configured
from pipelines.assets.models import model_assets
from pipelines.assets.outcome import PLAN, outcome_assets
from pipelines.assets.report import report
from pipelines.jobs import jobs
from pipelines.partitions import daily
from pipelines.progress import progress_logger
from pipelines.resources import Deployment
from pipelines.schedules import daily_schedule, monthly_schedule
from pipelines.sensors import due_alerts
from pipelines.settings import Settings, load_settings

# A day, and two hours for a late or long run; a day missed is for somebody to look at.
FRESH_FOR_A_DAY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))

# Back-fill policies and code references are marked beta; the tests cover what we use of them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)


def build_defs(settings: Settings) -> dg.Definitions:
    """The definitions for one deployment."""
    partitions = daily(settings)
    models = model_assets(settings)
    assets = dg.with_source_code_references(
        [
            *feed_assets(settings, partitions),
            org_csvs,
            list_prices,
            *outcome_assets(models),
            report,
            *budget_assets(settings),
        ]
    )
    return dg.Definitions(
        assets=[
            *dg.map_asset_specs(_is_made_every_day, [*assets, models]),
            kept_records(),
            *sources_not_configured(settings),
        ],
        jobs=jobs(),
        schedules=[daily_schedule(settings.timezone), monthly_schedule(settings.timezone)],
        sensors=[due_alerts],
        resources={"deployment": Deployment()},
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
        # Steps are short and Python's start-up is long: one process per run.
        executor=dg.in_process_executor,
    )


def _is_made_every_day(spec: dg.AssetSpec) -> dg.AssetSpec:
    """What the daily job makes; a plan is issued once a month."""
    return spec if spec.key == PLAN else dg.apply_freshness_policy(spec, FRESH_FOR_A_DAY)


defs = build_defs(load_settings())
