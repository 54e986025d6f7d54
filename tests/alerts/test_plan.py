"""What a plan says, from a row of `alerts.plans_due`."""

from datetime import date
from decimal import Decimal

import pytest

from alerts.plan import message


def row(**changes):
    """The draft for Mobile: up 42 %."""
    plan = {
        "alert_key": "plan/2026-12/draft/team/mobile",
        "kind": "plan",
        "level": 0,
        "scope": "team",
        "scope_id": "mobile",
        "scope_name": "Mobile",
        "team_id": "mobile",
        "team_name": "Mobile",
        "month": date(2026, 12, 1),
        "stage": "draft",
        "as_of_date": date(2026, 11, 22),
        "slack_channel": "C0MOBILE",
        "recommended_cap_tokens": 8_860_000,
        "recommended_cap_usd": Decimal("14.04"),
        "current_cap_tokens": 6_221_000,
        "change_ratio": 0.424208,
        "reason": "6.71 M of 4 people, for 23 working days; 10 % growth (assumed), 20 % buffer.",
        "change_reason": "First plan.",
        "this_month": date(2026, 11, 1),
        "this_month_cap_tokens": 6_221_000,
        "this_month_projected_ratio": 1.0095,
        "this_month_projected_tokens": 6_280_000,
        "this_month_planned_tokens": None,
        "members": [
            {
                "name": "dev-11",
                "recommended_cap_tokens": 2_180_000,
                "current_cap_tokens": 1_420_000,
                "change_ratio": 0.53,
            },
            {"name": "new <!channel>", "recommended_cap_tokens": 1_000_000, "current_cap_tokens": None},
        ],
        "query": "select 1",
    }
    return {**plan, **changes}


def said(**changes) -> str:
    from alerts import render_text

    return render_text(message(row(**changes)))


def test_a_draft_says_what_is_recommended_why_and_until_when_to_object():
    text = said()

    assert "Draft plan for December 2026: Mobile" in text
    assert "Recommended cap: 8.86 M tokens, about $14.04 (up 42 % from 6.22 M)" in text
    assert "6.71 M of 4 people" in text
    assert "November is heading for 6.28 M tokens; the cap is 6.22 M tokens (100 % of it)" in text
    assert "say what does not fit before 1 Dec 2026" in text
    assert "dev-11: 2.18 M (up 53 % from 1.42 M)" in text


def test_a_final_plan_asks_for_the_caps_and_tells_what_was_planned():
    text = said(stage="final", this_month_planned_tokens=6_000_000)

    assert text.startswith("Plan for December 2026")
    assert "6.00 M were planned" in text
    assert "say what does not fit" not in text
    assert "caps.csv for 2026-12" in text


def test_a_cap_in_dollars_is_a_cap_and_a_month_that_is_over_came_to_something():
    dollars = {"current_cap_tokens": None, "change_ratio": 0.2834, "current_cap_usd": Decimal("10.94")}
    this_month = {
        "this_month_cap_tokens": None,
        "this_month_cap_usd": Decimal("10.94"),
        "as_of_date": date(2026, 11, 30),
    }

    text = said(**dollars, **this_month)

    assert "Recommended cap: 8.86 M tokens, about $14.04 (up 28 % from $10.94)" in text
    assert "November came to 6.28 M tokens; the cap is $10.94 (100 % of it)" in text


def test_names_from_outside_ping_nobody():
    blocks = str(message(row()).blocks)

    assert "<!channel>" not in blocks
    assert "&lt;!channel&gt;" in blocks


def test_fifteen_members_are_named_and_the_others_counted():
    many = [
        {"name": f"dev-{n}", "recommended_cap_tokens": 1, "current_cap_tokens": 1, "change_ratio": 0} for n in range(40)
    ]

    text = said(members=many)

    assert "dev-14" in text and "dev-15" not in text
    assert "and 25 more" in text


def test_a_row_without_a_cap_is_no_plan():
    with pytest.raises(ValueError, match="no recommended cap"):
        message(row(recommended_cap_tokens=None))
