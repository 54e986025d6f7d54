"""Jobs: what is run by hand, by schedule or from the command line."""

import dagster as dg

from pipelines.assets.outcome import TOLD

DAILY = "daily"
DELIVER = "deliver_alerts"


def jobs() -> list:
    """`daily` does everything; `deliver_alerts` only tells what is due."""
    return [
        dg.define_asset_job(
            DAILY,
            selection=dg.AssetSelection.all(),
            description=(
                "Load what is new, build the models, publish the warehouse, tell what is due. Running it twice "
                "changes nothing. Tags: paceline/as_of=YYYY-MM-DD, paceline/again=FIRST...LAST, paceline/no_alerts."
            ),
        ),
        dg.define_asset_job(
            DELIVER,
            selection=dg.AssetSelection.assets(TOLD),
            description="Tell what is due and not told yet. The sensor starts it, for example after Slack was down.",
        ),
    ]
