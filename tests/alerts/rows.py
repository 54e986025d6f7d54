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
