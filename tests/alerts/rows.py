"""Rows as `alerts.alerts_due` gives them."""

from datetime import UTC, date, datetime
from decimal import Decimal

from alerts import Clock

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def at(now, digest=True):
    """The clock at a moment, which is in the hours of the digest or not."""
    return Clock(now, now.date(), now.date() if digest else None)


def developer_row(scope_id="dev-03", level=80, **changes):
    """dev-03 of the Platform team at 80 % of a token cap that was carried over, with a dollar cap beside it."""
    row = {
        "alert_key": f"cap_level/developer/{scope_id}/2026-11/{level}",
        "incident_key": f"cap_level/developer/{scope_id}/2026-11",
        "kind": "cap_level",
        "level": level,
        "urgency": "immediate" if level >= 100 else "digest",
        "is_firing": True,
        "scope": "developer",
        "scope_id": scope_id,
        "scope_name": scope_id,
        "team_id": "platform",
        "team_name": "Platform",
        "month": date(2026, 11, 1),
        "as_of_date": date(2026, 11, 22),
        "slack_channel": "C0PLATFORM",
        "lead_slack_id": "U0LEAD",
        "slack_id": None,
        "cap_tokens": 4_000_000,
        "cap_usd": Decimal("20.00"),
        "cap_source": "carried",
        "used_tokens": 3_214_000,
        "used_usd": Decimal("12.30"),
        "used_ratio": 0.8035,
        "binding_measure": "tokens",
        "estimated_tokens": 310_000,
        "unobserved_tokens": None,
        "reached_on": date(2026, 11, 21),
        "projected_tokens": 4_372_000,
        "projected_usd": Decimal("16.7"),
        "projected_ratio": 1.093,
        "crosses_cap_on": date(2026, 11, 27),
        "status": "near",
        "pool_left_tokens": None,
        "data_through_at": datetime(2026, 11, 22, 16, 40, tzinfo=UTC),
        "data_age_days": 0,
        "drivers": [
            {"what": "model", "name": "opus-4.5", "tokens": 2_100_000, "share_ratio": 0.653},
            {"what": "task", "name": "PAY-118", "tokens": 1_200_000, "share_ratio": 0.373},
            {"what": "task_type", "name": "refactoring", "tokens": 900_000, "share_ratio": 0.28},
            {"what": "model", "name": "haiku-4.5", "tokens": 12_000, "share_ratio": 0.003},
        ],
        "query": "select * from marts.usage_daily where developer_id = 'dev-03' and tokens > 0",
    }
    return {**row, **changes}


def team_row(level=100, **changes):
    """The Platform team over its token cap for the month, with data of the day before yesterday."""
    row = developer_row(
        scope_id="platform",
        level=level,
        alert_key=f"cap_level/team/platform/2026-11/{level}",
        incident_key="cap_level/team/platform/2026-11",
        scope="team",
        scope_name="Platform",
        lead_slack_id="U0LEAD",
        cap_tokens=25_000_000,
        cap_usd=None,
        cap_source="set",
        used_tokens=26_100_000,
        used_usd=Decimal("98.12"),
        used_ratio=1.044,
        estimated_tokens=0,
        reached_on=date(2026, 11, 19),
        projected_tokens=36_400_000,
        projected_usd=None,
        projected_ratio=1.456,
        crosses_cap_on=date(2026, 11, 19),
        status="over",
        data_through_at=datetime(2026, 11, 20, 23, 59, tzinfo=UTC),
        data_age_days=2,
        drivers=[{"what": "developer", "name": "dev-03", "tokens": 9_900_000, "share_ratio": 0.379}],
        query="select * from marts.team_usage where team_id = 'platform'",
    )
    return {**row, **changes}


def finding(kind, scope, scope_id, level=0, period="2026-11", **changes):
    """The columns that every finding has, with its own ones."""
    incident_key = f"{kind}/{scope}/{scope_id}/{period}"
    row = {
        "alert_key": f"{incident_key}/{level}" if level else incident_key,
        "incident_key": incident_key,
        "kind": kind,
        "level": level,
        "urgency": "digest",
        "is_firing": True,
        "scope": scope,
        "scope_id": scope_id,
        "scope_name": scope_id,
        "team_id": "platform" if scope in ("developer", "team", "pool") else None,
        "team_name": "Platform" if scope in ("developer", "team", "pool") else None,
        "month": date(2026, 11, 1),
        "as_of_date": date(2026, 11, 12),
        "slack_channel": "C0PLATFORM",
        "lead_slack_id": "U0LEAD",
        "slack_id": None,
        "shares_developers": False,
        "data_through_at": datetime(2026, 11, 12, 16, 40, tzinfo=UTC),
        "data_age_days": 0,
    }
    return {**row, **changes}


CAP = {
    "cap_tokens": 4_000_000,
    "cap_usd": None,
    "cap_source": "set",
    "binding_measure": "tokens",
    "used_tokens": 2_100_000,
    "used_usd": Decimal("8.05"),
    "used_ratio": 0.525,
    "estimated_tokens": 0,
    "unobserved_tokens": None,
    "projected_tokens": 4_720_000,
    "projected_usd": Decimal("18.09"),
    "projected_ratio": 1.18,
    "projected_ratio_p10": 1.03,
    "projected_ratio_p90": 1.4,
    "probability_over": 0.87,
    "crosses_cap_on": date(2026, 11, 25),
}
PARTS = [
    {"what": "model", "name": "opus-4.5", "tokens": 2_000_000, "share_ratio": 0.953},
    {"what": "task", "name": "PAY-118", "tokens": 900_000, "share_ratio": 0.429},
]
QUERY = "select usage_date, model, total_tokens from core.fct_usage_daily where developer_id = 'dev-03'"


def forecast_row(scope_id="dev-03", **changes):
    """dev-03 has used half of its cap on 12 November and is likely to pass it on the 25th."""
    row = finding("cap_forecast", "developer", scope_id, **CAP, drivers=PARTS, query=QUERY)
    return {**row, "limit_probability": 0.8, **changes}


def burn_row(scope_id="dev-03", level=3, **changes):
    """dev-03 used 24 % of its cap in one day; the rest lasts two days."""
    row = finding("burn_rate", "developer", scope_id, level, urgency="immediate" if level == 3 else "digest", **CAP)
    return {
        **row,
        "window_days": 1,
        "window_tokens": 960_000,
        "window_usd": Decimal("3.68"),
        "cap_share_ratio": 0.24,
        "burn_1d_ratio": 6.31,
        "burn_3d_ratio": 3.44,
        "burn_7d_ratio": 1.92,
        "would_last_days": 1.98,
        "drivers": PARTS,
        "query": QUERY,
        **changes,
    }


def spike_row(scope_id="dev-03", **changes):
    """On 12 November dev-03 used 1.2 M tokens where 230 k are usual."""
    row = finding("spike", "developer", scope_id, period="2026-11-12", query=QUERY)
    return {
        **row,
        "drivers": [{"what": "task", "name": "PAY-118", "tokens": 900_000, "share_ratio": 0.75}],
        "usage_date": date(2026, 11, 12),
        "tokens": 1_200_000,
        "usual_tokens": 230_000,
        "largest_before_tokens": 510_000,
        "above_tokens": 970_000,
        "times_usual_ratio": 5.217,
        "cost_usd": Decimal("4.60"),
        "usual_usd": Decimal("0.88"),
        "above_usd": Decimal("3.72"),
        "cap_share_ratio": 0.2425,
        **changes,
    }


def source_row(scope_id="litellm__requests", **changes):
    """The gateway's log cannot be read since 11 November."""
    row = finding("source_health", "pipeline", scope_id, period="2026-11-11", urgency="immediate", data_through_at=None)
    return {
        **row,
        "state": "failed",
        "since_date": date(2026, 11, 11),
        "data_age_days": 2,
        "last_error": "no such bucket: the folder in LITELLM_LOGS does not exist.",
        "last_loaded_at": datetime(2026, 11, 11, 5, 1, tzinfo=UTC),
        "last_record_at": datetime(2026, 11, 10, 17, 0, tzinfo=UTC),
        "new_quarantined": 0,
        "query": "select * from ops.source_freshness where feed = 'litellm__requests'",
        **changes,
    }


def stale_row(**changes):
    """Nothing was published for three days."""
    row = finding("pipeline_stale", "pipeline", "warehouse", urgency="immediate", data_through_at=None)
    return {
        **row,
        "published_at": datetime(2026, 11, 13, 5, 4, tzinfo=UTC),
        "age_days": 3,
        "limit_days": 2,
        "last_error": "the build failed: 1 test of fct_usage_daily",
        "query": "select * from ops.loads order by started_at desc",
        **changes,
    }


def unknown_row(scope_id="unpriced", **changes):
    """7 % of the tokens of November have no price."""
    row = finding("unknown_share", "pipeline", scope_id)
    return {
        **row,
        "share_ratio": 0.0706,
        "limit_ratio": 0.01,
        "tokens": 1_200_000,
        "total_tokens": 17_000_000,
        "usd": Decimal("9.10"),
        "names": [{"name": "glm-5.2", "tokens": 1_150_000}, {"name": "qwen-4", "tokens": 40_000}],
        "names_in_all": 2,
        "query": "select model, sum(total_tokens) from core.fct_usage_daily where is_unpriced group by model",
        **changes,
    }


def gap_row(scope_id="anthropic", **changes):
    """Anthropic bills 14 % more than the logs know."""
    row = finding("bill_gap", "pipeline", scope_id)
    return {
        **row,
        "apart_ratio": 0.141,
        "limit_ratio": 0.1,
        "billed_tokens": 9_900_000,
        "billed_usd": Decimal("38.20"),
        "observed_tokens": 8_500_000,
        "observed_usd": Decimal("32.90"),
        "remaining_tokens": 1_400_000,
        "days": 3,
        "worst_date": date(2026, 11, 9),
        "causes": "unexplained, unpriced_model",
        "is_closed": False,
        "query": "select * from core.fct_reconciliation_daily where provider = 'anthropic'",
        **changes,
    }


def plan_due_row(scope_id="platform", **changes):
    """Four of nine proposed caps of Platform wait, two days before December."""
    row = finding("plan_due", "team", scope_id, period="2026-12", month=date(2026, 12, 1), scope_name="Platform")
    return {
        **row,
        "as_of_date": date(2026, 11, 29),
        "data_through_at": None,
        "audience": "lead",
        "undecided": 4,
        "decided": 5,
        "plan_stage": "draft",
        "plan_issued_at": datetime(2026, 11, 25, 6, 0, tzinfo=UTC),
        "begins_in_days": 2,
        "query": "select * from plan.issued_plans where plan_month = '2026-12-01' and team_id = 'platform'",
        **changes,
    }
