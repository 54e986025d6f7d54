"""Jobs: what is run by hand, by schedule or from the command line."""

import dagster as dg

from pipelines.assets.outcome import PLAN, TOLD

DAILY = "daily"
REPLAN = "monthly_replan"
DELIVER = "deliver_alerts"


def jobs() -> list:
    """`daily` does everything but issue a plan, `monthly_replan` does that too; `deliver_alerts` only tells."""
    return [
        dg.define_asset_job(
            DAILY,
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets(PLAN),
            description=(
                "Load what is new, build the models, publish the warehouse, tell what is due. Running it twice "
                "changes nothing. Runs the last partition. Tags: paceline/as_of=YYYY-MM-DD, "
                "paceline/again=FIRST...LAST, paceline/no_alerts."
            ),
        ),
        dg.define_asset_job(
            REPLAN,
            selection=dg.AssetSelection.all(),
            description=(
                "The daily job, and then the plan of a month: issued in the lake and posted to each team and the "
                "organisation. Runs the last partition. Tag: paceline/plan_month=YYYY-MM-01 "
                "(default: the month after the as-of date's)."
            ),
        ),
        dg.define_asset_job(
            DELIVER,
            selection=dg.AssetSelection.assets(TOLD),
            description="Tell what is due and not told yet. The sensor starts it, for example after Slack was down.",
        ),
    ]
