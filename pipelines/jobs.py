"""Jobs: what is run by hand, by schedule or from the command line."""

import dagster as dg
from pydantic import Field

from pipelines.assets.outcome import PLAN, REPLAN, TOLD
from pipelines.resources import Deployment
from pipelines.retention import CannotRetain, plan_removal, remove_calls

DAILY = "daily"
DELIVER = "deliver_alerts"
RETENTION = "retention"


class Retention(dg.Config):
    """Without `apply`, the job only says what would go."""

    apply: bool = Field(default=False, description="true: remove them. false: only say what would go.")


@dg.op(description="Removes calls older than PACELINE_KEEP_MONTHS from the lake and keeps their daily rows.")
def remove_old_calls(config: Retention, deployment: Deployment) -> None:
    """Like `paceline retain`."""
    run = deployment.run
    if run.settings.keep_months is None:
        raise dg.Failure("PACELINE_KEEP_MONTHS is not set: for how many whole months calls are kept.")
    removal = plan_removal(run.lake, run.as_of, run.settings.keep_months)
    if config.apply:
        try:
            remove_calls(run.lake, run.settings, removal)
        except CannotRetain as error:
            raise dg.Failure(str(error), allow_retries=False) from error
    run.say(removal.in_words(config.apply))


@dg.job(
    name=RETENTION,
    description=(
        "Removes calls older than PACELINE_KEEP_MONTHS; every daily number stays. A dry run, unless the run config of "
        "remove_old_calls says apply: true. The next daily run builds those days from the rows that were kept."
    ),
)
def retention() -> None:
    """One step."""
    remove_old_calls()


def jobs() -> list:
    """`daily` does everything but issue a plan, `monthly_replan` does that too; `deliver_alerts` only tells;
    `retention` removes old calls."""
    return [
        dg.define_asset_job(
            DAILY,
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets(PLAN),
            description=(
                "Load what is new, build the models, publish the warehouse, tell what is due. Running it twice "
                "changes nothing. In the launchpad take the last partition; every field of the run config may stay "
                "empty. To read days again, back-fill their partitions of a feed, or give read_again_from. "
                "Until a plan was issued, Dagster asks whether to go on without published/issued_plan: confirm."
            ),
        ),
        dg.define_asset_job(
            REPLAN,
            selection=dg.AssetSelection.all(),
            description=(
                "The daily job, and then the plan of a month: issued in the lake and posted to each team and the "
                "organisation. In the launchpad take the last partition; plan_month of the run config says which month "
                "(default: the one after the last day included)."
            ),
        ),
        dg.define_asset_job(
            DELIVER,
            selection=dg.AssetSelection.assets(TOLD),
            description="Tell what is due and not told yet. The sensor starts it, for example after Slack was down.",
        ),
        retention,
    ]
