"""The page for leads and finance, written anew after each publishing. It decides nothing and stops nothing."""

import dagster as dg

from pipelines.assets.groups import GROUP_OF
from pipelines.assets.outcome import WAREHOUSE
from pipelines.report import write_report
from pipelines.resources import Deployment

REPORT = dg.AssetKey(["published", "report"])


@dg.asset(
    key=REPORT,
    deps=[WAREHOUSE],
    group_name=GROUP_OF["published"],
    kinds={"html"},
    owners=["team:data"],
    description=(
        "report.html, one page of the published warehouse that needs nothing from elsewhere: data age, this month "
        "against its caps, growth, who uses most, models, bills, recommendations. `paceline report` writes the same."
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "written",
            asset=REPORT,
            description="The page shows the numbers just published. If not, the page before it stays, and the numbers "
            "are published all the same: mend what the message says, then `paceline report`.",
        )
    ],
)
def report(deployment: Deployment) -> dg.MaterializeResult:
    """Write the page."""
    settings = deployment.run.settings
    try:
        page = write_report(settings)
    except Exception as error:  # whatever is wrong with a page, the run's numbers and alerts are right
        problem = f"{type(error).__name__}: {error}"
        deployment.run.say(f"report.html is not written anew: {problem}")
        return dg.MaterializeResult(
            check_results=[
                dg.AssetCheckResult(
                    check_name="written", passed=False, severity=dg.AssetCheckSeverity.WARN, description=problem
                )
            ]
        )
    return dg.MaterializeResult(
        metadata={"path": str(page), "bytes": page.stat().st_size},
        check_results=[dg.AssetCheckResult(check_name="written", passed=True)],
    )
