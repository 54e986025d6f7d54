"""Outcome: the published warehouse, the alerts that follow from it, and the verdict on the run."""

import dagster as dg

from pipelines.assets.groups import GROUP_OF
from pipelines.dbt import good_build
from pipelines.lake import Lake
from pipelines.loading import LOADS
from pipelines.planning import issue_plan
from pipelines.publish import publish, read_warehouse
from pipelines.resources import Deployment
from pipelines.run_context import RunContext
from pipelines.settings import utc_now
from pipelines.telling import deliver_alerts, keep_quiet, plan_posted_at, untold_alerts

WAREHOUSE = dg.AssetKey(["published", "warehouse"])
PLAN = dg.AssetKey(["published", "issued_plan"])
TOLD = dg.AssetKey(["published", "alert_deliveries"])

REPLAN = "monthly_replan"  # the job that issues plans; whoever materializes everything issues none

MONTHS_APART = "select month, provider, apart_ratio from core.reconciliation_monthly where is_apart order by all"


def outcome_assets(models: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    """The assets behind the models."""
    marts = [key for key in models.keys if key.path[0] in ("core", "plan", "alerts", "ops")]

    @dg.asset(
        key=WAREHOUSE,
        deps=marts,
        check_specs=[
            dg.AssetCheckSpec(
                "closed_months_agree",
                asset=WAREHOUSE,
                description="Bill and gateway of every closed month differ by no more than "
                "reconciliation_month_error_ratio after what developers' own keys explain. If not, find the cause in "
                "core.reconciliation_monthly; the plan is published all the same.",
            )
        ],
        group_name=GROUP_OF["published"],
        kinds={"duckdb"},
        owners=["team:data"],
        description=(
            "warehouse.duckdb, the file that everybody reads: a copy of the build file, swapped in by rename, so that "
            "an open session never stops a run. Reconnect to see new data."
        ),
    )
    def warehouse(deployment: Deployment) -> dg.MaterializeResult:
        settings = deployment.run.settings
        if not good_build(settings).exists():
            raise dg.Failure("The last build failed, so there is nothing to publish. Run the daily job.")
        size = publish(settings.build_file, settings.warehouse_file)
        with read_warehouse(settings.warehouse_file) as db:
            caps = db.execute("select count(*), max(as_of_date) from plan.cap_utilization").fetchall()[0]
            apart = db.execute(MONTHS_APART).fetchall()
        return dg.MaterializeResult(
            metadata={"path": str(settings.warehouse_file), "bytes": size, "caps": caps[0], "as_of": str(caps[1])},
            check_results=[
                dg.AssetCheckResult(
                    check_name="closed_months_agree",
                    passed=not apart,
                    description="; ".join(f"{month:%Y-%m} {provider}: {ratio:.1%}" for month, provider, ratio in apart),
                )
            ],
        )

    @dg.asset(
        key=PLAN,
        deps=[WAREHOUSE],
        group_name=GROUP_OF["published"],
        kinds={"parquet"},
        owners=["team:data"],
        description=(
            "Issues what plan.cap_recommendations says of the planned month (plan_month of the run config, by "
            "default the next): append-only in the lake, in plan.issued_plans, and posted to each team's channel and "
            "the organisation's. Only the job monthly_replan does it. A draft until the month before is measured whole."
        ),
    )
    def issued_plan(context: dg.AssetExecutionContext, deployment: Deployment) -> dg.MaterializeResult:
        run = deployment.run
        if context.run.job_name != REPLAN:
            return dg.MaterializeResult(metadata={"issued": f"nothing: only the job {REPLAN} issues plans"})
        stage, rows, is_new = issue_plan(run.settings, run.lake, utc_now())
        posted_at = plan_posted_at(run.settings, run.plan_month, stage) if is_new else None
        not_posted = f"; not posted again: it was posted as {stage} on {posted_at:%Y-%m-%d}" if posted_at else ""
        what = (
            f"{rows} caps{not_posted}"
            if is_new
            else "issued before"
            if rows
            else "nobody to plan for yet, for a baseline needs 14 measured days"
        )
        run.say(f"plan of {run.plan_month:%B %Y}, {stage}: {what}")
        return dg.MaterializeResult(metadata={"month": f"{run.plan_month:%Y-%m}", "stage": stage, "caps": rows})

    @dg.asset(
        key=TOLD,
        deps=[WAREHOUSE, PLAN],
        group_name=GROUP_OF["published"],
        kinds={"slack"},
        owners=["team:data"],
        description=(
            "Delivers what alerts.alerts_due and alerts.plans_due hold: once per entity, month and level, to Slack, or "
            "to the outbox without SLACK_BOT_TOKEN. What Slack did not confirm is tried again."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "told", asset=TOLD, description="Every due alert reached its recipient. The message says who must act."
            )
        ],
    )
    def alert_deliveries(context: dg.AssetExecutionContext, deployment: Deployment) -> dg.MaterializeResult:
        run = deployment.run
        keep_quiet(run.settings, run.no_alerts)
        if run.no_alerts:
            return dg.MaterializeResult(
                metadata={"sent": 0},
                check_results=[dg.AssetCheckResult(check_name="told", passed=True, description="run without alerts")],
            )
        deliveries = deliver_alerts(run.settings, run.lake, run.say)
        untold = [one for one in deliveries if not one.told]
        for one in untold:
            context.log.warning(f"{one.alert_key} to {one.recipient}: {one.reason}. {one.who_must_act}")
        return dg.MaterializeResult(
            metadata={"sent": len(deliveries) - len(untold), "not_sent": len(untold)},
            check_results=[
                dg.AssetCheckResult(
                    check_name="told",
                    passed=not untold,
                    description="; ".join(f"{one.alert_key}: {one.reason}. {one.who_must_act}" for one in untold),
                )
            ],
        )

    @dg.asset(
        key=["published", "verdict"],
        deps=[TOLD],
        group_name=GROUP_OF["published"],
        kinds={"python"},
        owners=["team:data"],
        description=(
            "Fails when a feed of this run could not be loaded or an alert did not reach its recipient, after "
            "everything else is done."
        ),
    )
    def verdict(deployment: Deployment) -> None:
        run = deployment.run
        wrong = []
        if failed := failed_loads(run.lake, run):
            wrong.append("The plan is published with older data. " + " ".join(failed))
        if not run.no_alerts and (untold := untold_alerts(run.settings)):
            wrong.append("Not told yet, and tried again: " + "; ".join(" ".join(one.split()) for one in untold))
        if wrong:
            raise dg.Failure(" ".join(wrong), allow_retries=False)

    return [warehouse, issued_plan, alert_deliveries, verdict]


def failed_loads(lake: Lake, run: RunContext) -> list[str]:
    """What went wrong with the feeds of this run, after their last try."""
    last: dict[str, dict] = {}
    first = f"{LOADS}/day={run.started_at:%Y-%m-%d}/"
    for path in [path for path in lake.files(LOADS) if path >= first]:
        for row in lake.read_rows(path):
            if row["run_id"] == run.run_id:
                last[row["feed"]] = row
    return [f"{feed}: {row['error']}" for feed, row in last.items() if row["status"] == "failed"]
