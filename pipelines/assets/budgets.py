"""LiteLLM's budgets as an asset: approved caps become budgets after publishing, with LITELLM_PUSH_BUDGETS=true."""

import dagster as dg

from pipelines.assets.groups import GROUP_OF
from pipelines.assets.outcome import WAREHOUSE
from pipelines.pushing import push_caps, running_month
from pipelines.resources import Deployment
from pipelines.settings import Settings

BUDGETS = dg.AssetKey(["published", "litellm_budgets"])


def budget_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The asset, where the deployment wants it; else none."""
    return [litellm_budgets] if settings.push_budgets else []


@dg.asset(
    key=BUDGETS,
    deps=[WAREHOUSE],
    group_name=GROUP_OF["published"],
    kinds={"litellm"},
    owners=["team:data"],
    description=(
        "LiteLLM's monthly budgets of users and teams: those whose cap was approved in Slack are set to it, and read "
        "back. `paceline push-caps` shows what would change."
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "pushed", asset=BUDGETS, description="LiteLLM holds every approved cap. The message says who must act."
        )
    ],
)
def litellm_budgets(deployment: Deployment) -> dg.MaterializeResult:
    """Set what differs."""
    run = deployment.run
    pushes = push_caps(run.settings, running_month(run.as_of), apply=True)
    wrong = [one for one in pushes if one.state not in ("pushed", "in step")]
    run.say(f"LiteLLM's budgets: {sum(one.state == 'pushed' for one in pushes)} set, {len(wrong)} not")
    return dg.MaterializeResult(
        metadata={"set": sum(one.state == "pushed" for one in pushes), "approved": len(pushes)},
        check_results=[
            dg.AssetCheckResult(
                check_name="pushed",
                passed=not wrong,
                description="; ".join(f"{one.scope} {one.scope_id}: {one.problem or one.state}" for one in wrong),
            )
        ],
    )
