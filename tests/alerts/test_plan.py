"""What a plan says, from a row of `alerts.plans_due`.

After changing words on purpose: `RENEW_GOLDEN=1 pytest tests/alerts/test_plan.py`, then read the difference.
"""

import csv
import io
import json
import os
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from alerts import render_text
from alerts.plan import line, message

GOLDEN = Path(__file__).parent / "golden"
NAN = float("nan")


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


def one(name, recommended, current=None, change=None, scope="developer", **more):
    """A proposal; its scope_id is its name."""
    given = {"scope": scope, "scope_id": name, "name": name, "recommended_cap_tokens": recommended}
    given |= {"recommended_cap_usd": Decimal("3.50"), "current_cap_tokens": current, "current_cap_usd": None}
    return {**given, "change_ratio": change, "reason": "Measured over 56 days.", **more}


MEMBERS = [one("dev-11", 2_180_000, 1_420_000, 0.535211), one("dev-12", 1_000_000, 1_250_000, -0.2)]
TEAM = one("mobile", 8_860_000, 6_221_000, 0.424208, "team", current_cap_usd=Decimal("10.94"))
LEAD = {
    "alert_key": "plan/2026-12/draft/team/mobile/lead",
    "incident_key": "plan/2026-12/draft/team/mobile/lead",
    "audience": "lead",
    "issued_at": datetime(2026, 11, 25, 6),
    "lead_slack_id": "U0LEAD",
    "shares_developers": False,
    "expected_tokens": 7_382_000,
    "current_cap_usd": Decimal("10.94"),
    "this_month_cap_usd": Decimal("10.94"),
    "this_month_used_tokens": 4_863_000,
    "this_month_used_usd": Decimal("6.00"),
    "this_month_projected_usd": Decimal("8.40"),
    "this_month_probability_over": 0.6667,
    "this_month_projected_p10_tokens": 5_900_000,
    "this_month_projected_p90_tokens": 7_530_000,
    "this_month_planned_tokens": 5_980_000,
    "this_month_difference_ratio": 0.050167,
    "members_count": 2,
    "members_raised": 1,
    "members_lowered": 1,
    "members_new": 0,
    "members": MEMBERS,
    "proposals": [TEAM, *MEMBERS],
    "pool_recommended_tokens": 5_610_000,
    "pool_recommended_usd": Decimal("8.89"),
    "pool_of_caps_ratio": 0.631757,
    "pool_chance_ratio": 0.05,
    "pool_current_tokens": 933_000,
    "pool_used_tokens": 120_000,
    "pool_backtest_months": 2,
    "pool_blocked_tokens": 410_000,
    "pool_covered_tokens": 390_000,
    "daily_path": [
        {
            "usage_date": date(2026, 11, 1) + timedelta(day),
            "used_tokens": 221_045 * (day + 1) if day < 22 else None,
            "projected_tokens": 209_333 * (day + 1),
            "projected_p10_tokens": 196_667 * (day + 1),
            "projected_p90_tokens": 251_000 * (day + 1),
        }
        for day in range(30)
    ],
    "monthly_totals": [
        {
            "month": date(2026, 9, 1),
            "used_tokens": 1_780_000,
            "projected_tokens": 1_780_000,
            "cap_tokens": None,
            "is_measured_whole": False,
        },
        {
            "month": date(2026, 10, 1),
            "used_tokens": 5_240_000,
            "projected_tokens": 5_240_000,
            "cap_tokens": 5_100_000,
            "is_measured_whole": True,
        },
        {
            "month": date(2026, 11, 1),
            "used_tokens": 4_863_000,
            "projected_tokens": 6_280_000,
            "cap_tokens": 6_221_000,
            "is_measured_whole": True,
        },
    ],
    "complete_months": 1,
    "model_mix": [
        {"model": "claude-sonnet-4-6", "models": 1, "token_ratio": 0.6, "cost_ratio": 0.4},
        {"model": "claude-opus-4-7", "models": 1, "token_ratio": 0.3, "cost_ratio": 0.6},
        {"model": None, "models": 3, "token_ratio": 0.1, "cost_ratio": 0.0},
    ],
    "cache_read_ratio": 0.45,
    "cache_saved_usd": Decimal("6.95"),
    "cache_saved_of_bill_ratio": 0.531,
    "cache_target_ratio": 0.6,
    "cache_target_saves_usd": Decimal("9.10"),
    "routing_moved_cost_usd": Decimal("0.86"),
    "routing_saved_usd": 0.62,
    "routing_rules": [
        {
            "task_type": "docs",
            "to_model": "haiku",
            "share_ratio": Decimal("0.8"),
            "saved_usd": 0.39,
            "quality_risk": "wording",
        },
        {
            "task_type": "test",
            "to_model": "haiku",
            "share_ratio": Decimal("0.5"),
            "saved_usd": 0.23,
            "quality_risk": None,
        },
    ],
}
CHANNEL = {
    **LEAD,
    "alert_key": "plan/2026-12/draft/team/mobile",
    "incident_key": "plan/2026-12/draft/team/mobile",
    "audience": "channel",
    "members": None,
    "proposals": [TEAM],
}
ORG = {
    **LEAD,
    "alert_key": "plan/2026-12/final/org/org",
    "incident_key": "plan/2026-12/final/org/org",
    "audience": "channel",
    "stage": "final",
    "scope": "org",
    "scope_id": "org",
    "scope_name": "The organisation",
    "team_id": None,
    "team_name": None,
    "as_of_date": date(2026, 11, 30),
    "this_month_used_tokens": 6_280_000,
    "this_month_projected_p10_tokens": 6_280_000,
    "this_month_projected_p90_tokens": 6_280_000,
    "daily_path": [
        {**day, **dict.fromkeys(LEAD["daily_path"][0].keys() - {"usage_date"}, day["projected_tokens"])}
        for day in LEAD["daily_path"]
    ],
    "monthly_totals": [{**month, "used_tokens": month["projected_tokens"]} for month in LEAD["monthly_totals"]],
    "members": [TEAM],
    "members_count": 1,
    "proposals": [one("org", 8_860_000, scope="org"), TEAM],
    "pool_used_tokens": None,
    "gpu_demand_tokens": 24_000_000,
    "gpu_api_usd": 31.78,
    "gpu_best_break_even_tokens": 397_000_000,
    "gpu_best_model": "gpt-oss-120b",
    "gpu_best_gpu": "h100-80gb",
    "gpu_prudent_break_even_tokens": 3_060_000_000,
    "gpu_staff_hours": 40.0,
}


def said(**changes) -> str:
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

    assert text.split(" ", 1)[1].startswith("Plan for December 2026: Mobile")
    assert "6.00 M were planned" in text
    assert "say what does not fit" not in text
    assert "caps.csv for 2026-12" in text


def test_a_cap_in_dollars_is_a_cap_and_a_month_that_is_over_came_to_something():
    dollars = {"current_cap_tokens": None, "change_ratio": 0.2834, "current_cap_usd": Decimal("10.94")}
    this_month = {
        "this_month_cap_tokens": None,
        "this_month_cap_usd": Decimal("10.94"),
        "this_month_projected_usd": Decimal("8.40"),
        "as_of_date": date(2026, 11, 30),
    }

    text = said(**dollars, **this_month)

    assert "Recommended cap: 8.86 M tokens, about $14.04 (up 28 % from $10.94)" in text
    assert "November came to 6.28 M tokens, about $8.40; the cap is $10.94 (76 % of it)" in text


def test_what_was_planned_and_what_happened_stand_beside_each_other_with_their_range():
    text = said(**LEAD)

    assert "November is heading for 6.28 M tokens, about $8.40 (80 % range 5.90 M to 7.53 M)" in text
    assert "5.98 M were planned, so 5 % more" in text
    assert "the cap is 6.22 M tokens (100 % of it) and $10.94 (76 % of it), chance of reaching it 66 %" in text
    assert "November came to 6.28 M tokens, about $8.40; 5.98 M were planned" in said(**ORG)
    assert "so 5 % less" in said(**LEAD | {"this_month_difference_ratio": -0.05})


def test_a_lead_reads_of_developers_and_a_channel_only_how_many_caps_go_which_way():
    lead, channel = said(**LEAD), said(**CHANNEL)

    assert "dev-12: 1.00 M (down 20 % from 1.25 M)" in lead
    assert "to you as the team's lead; the channel reads it without developers" in lead
    assert "dev-1" not in channel and "dev-1" not in str(message(row(**CHANNEL)).files)
    assert "Developers: 2 caps (1 raised, 1 lowered); the lead has the list." in channel
    assert "the list is in plan.cap_recommendations" in said(**CHANNEL | {"lead_slack_id": None})


def test_the_pool_says_what_it_is_for_and_what_it_would_have_done():
    text = said(**LEAD)

    assert (
        "Pool: 5.61 M tokens, about $8.89, beyond the caps of people (63 % of these), enough in 95 % of months"
        " as far as past ones tell" in text
    )
    assert "now it is 933 k, 120 k of it used in November so far" in text
    assert "In 2 past months a pool of that share would have covered 390 k of 410 k tokens beyond caps." in text
    assert "too little history to recommend a size; now it is 933 k" in said(**LEAD | {"pool_recommended_tokens": None})
    assert "Pool: 5.61 M tokens beyond the caps of people" in said(**LEAD | {"pool_recommended_usd": None})
    assert "Approving caps does not set a pool" in text
    as_it_is = {"pool_current_tokens": LEAD["pool_recommended_tokens"]}
    assert "Approving caps does not set a pool" not in said(**LEAD | as_it_is)


def test_the_organisation_reads_of_the_pools_of_its_teams_together_and_who_sets_them():
    text = said(**ORG)

    assert (
        "Pools of the teams: 5.61 M tokens, about $8.89, beyond the caps of people (63 % of these), each enough in 95 %"
        " of months as far as past ones tell; now they are 933 k. In 2 past months pools of that share would have"
        " covered 390 k of 410 k tokens beyond caps. Approving caps does not set a pool: who keeps teams.csv does, by"
        " monthly_pool_tokens or monthly_pool_usd of each team."
    ) in text
    assert "Pool" not in said(**ORG | {"pool_recommended_tokens": None, "pool_current_tokens": None})


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (0, "Growth of no month: no range yet."),
        (1, "Growth of one month: no range yet."),
        (2, "Growth of two months: no range yet."),
        (3, ""),
        (None, ""),
    ],
)
def test_growth_says_that_it_has_no_range_before_the_third_complete_month(months, words):
    [growth] = [
        block["alt_text"]
        for block in message(row(**LEAD | {"complete_months": months})).blocks
        if block["type"] == "image" and block["slack_file"]["id"] == "growth.png"
    ]

    assert growth.partition("(cap 8.86 M).")[2].strip() == words


def test_savings_say_what_they_assume():
    text = said(**LEAD)

    assert "45 % of the input of November so far was read from a cache. At list prices that saved $6.95, 53 %" in text
    assert "with 60 % it would be up to $9.10 (assumed: writing costs nothing)" in text
    assert (
        "about $0.62 on work that cost $0.86 in November so far (at list prices, with as many tokens, the team's part"
        in text
    )
    assert "80 % of docs to haiku: $0.39 (risk: wording); 50 % of test to haiku: $0.23." in text
    assert "cost $2.00 more than it saved" in said(**LEAD | {"cache_saved_usd": Decimal(-2)})
    assert "it would be" not in said(**LEAD | {"cache_read_ratio": 0.7})


@pytest.mark.parametrize(
    ("best", "prudent", "verdict"),
    [
        (397_000_000, 3_060_000_000, "medium use: not yet."),
        (20_000_000, 90_000_000, "medium use: perhaps."),
        (20_000_000, None, "nobody's time counted): perhaps."),
        (20_000_000, 24_000_000, "medium use: yes."),
        (None, None, "at the assumed prices and use they pay at no volume."),
    ],
)
def test_own_gpus_are_one_sentence_to_the_organisation_with_both_ends(best, prudent, verdict):
    text = said(**ORG | {"gpu_best_break_even_tokens": best, "gpu_prudent_break_even_tokens": prudent})

    assert "Own GPUs: at best 24.0 M tokens a month could run on them ($31.78 by API)" in text
    assert verdict in text
    assert "Own GPUs" not in said(**ORG | {"scope": "team"})


def test_a_chart_says_its_numbers_in_words():
    pictures = {
        block["slack_file"]["id"]: block["alt_text"]
        for block in message(row(**LEAD)).blocks
        if block["type"] == "image"
    }

    assert pictures["use.png"] == (
        "Line chart of November 2026: 4.86 M tokens used by 22 Nov 2026, 6.28 M expected by the end of the month "
        "(80 % range 5.90 M to 7.53 M); the cap is 6.22 M."
    )
    assert pictures["growth.png"] == (
        "Bar chart of tokens a month: September 2026 1.78 M measured in part; October 2026 5.24 M (cap 5.10 M); "
        "November 2026 6.28 M expected, 4.86 M used so far (cap 6.22 M); December 2026 7.38 M planned (cap 8.86 M). "
        "Growth of one month: no range yet."
    )
    assert pictures["models.png"] == (
        "Bar chart of models in November 2026: claude-sonnet-4-6 60 % of tokens and 40 % of cost; claude-opus-4-7 30 % "
        "of tokens and 60 % of cost; 3 others 10 % of tokens and 0 % of cost."
    )


def test_without_data_there_is_no_chart_and_no_empty_paragraph():
    plan = message(row())

    assert plan.images == {} and "image" not in [block["type"] for block in plan.blocks]
    for word in ("Pool:", "Cache:", "Routing:", "Models in"):
        assert word not in render_text(plan)


def sheet(**changes):
    """The CSV of a plan: its name, and its rows."""
    [(name, content)] = message(row(**changes)).files.items()
    return name, list(csv.DictReader(io.StringIO(content.decode())))


def test_the_csv_has_the_columns_of_caps_csv_and_states_what_is_stated_now():
    dollars = one("dev-13", 900_000, None, 0.1, current_cap_usd=Decimal("3.00"))
    name, rows = sheet(**LEAD | {"proposals": [TEAM, *MEMBERS, dollars, one("org", 1, scope="org")]})

    assert name == "caps_2026-12_team_mobile.csv"
    assert list(rows[0])[:5] == ["scope", "scope_id", "month", "cap_tokens", "cap_usd"]
    assert [tuple(one.values())[:5] for one in rows] == [
        ("team", "mobile", "2026-12", "8860000", "3.5"),
        ("developer", "dev-11", "2026-12", "2180000", ""),
        ("developer", "dev-12", "2026-12", "1000000", ""),
        ("developer", "dev-13", "2026-12", "", "3.5"),
        ("org", "", "2026-12", "1", ""),
    ]
    assert tuple(rows[2].values())[5:] == ("dev-12", "1250000", "", "-0.2", "Measured over 56 days.")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\n@x", "\u00a0=1"])
def test_no_name_is_a_formula_for_a_spreadsheet(name):
    hostile = one(name, 1, reason=name)
    _, rows = sheet(**LEAD | {"scope_id": "../x y", "proposals": [hostile]})

    assert {rows[0][column][0] for column in ("scope_id", "name", "reason")} == {"'"}


def test_a_file_name_is_a_file_name():
    name, _ = sheet(**LEAD | {"scope_id": "../x y\n"})

    assert name == "caps_2026-12_team_.._x_y_.csv"


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


@pytest.mark.parametrize("plan", [LEAD, CHANNEL, ORG])
def test_a_plan_for_five_hundred_stays_inside_the_limits(plan):
    many = [one("&<*_`~" * 20, 10**15, 10**14, 9.0)] * 500
    long = "&" * 3000

    whole = message(row(**plan | {"members": many, "proposals": many, "scope_name": long, "reason": long}))

    assert len(line(row(**plan | {"scope_name": long}))) <= 300
    assert whole.files[next(iter(whole.files))].count(b"\n") == 501
    shown = next(block["text"]["text"] for block in whole.blocks if "largest change" in str(block.get("text")))
    listed = shown.count("\u2022")
    assert shown.endswith(f"and {500 - listed} more")


@pytest.mark.parametrize("broken", [None, NAN, "many", [None]])
def test_broken_data_never_stops_a_plan(broken):
    kept = {"alert_key", "month", "recommended_cap_tokens", "stage", "scope", "audience", "this_month", "as_of_date"}
    whole = row(**LEAD | ORG | {"pool_recommended_tokens": 5_610_000})

    assert message({name: value if name in kept else broken for name, value in whole.items()})
    assert message({name: value for name, value in whole.items() if name in kept})
    for name, value in whole.items():
        if isinstance(value, list):
            assert message({**whole, name: [dict.fromkeys(part, broken) for part in value]})


@pytest.mark.parametrize(
    "name", ["<!channel>", "<@U0LEAD>", "<https://evil.example|x>", "*b* _i_ ~s~ `c`", "a\n> b", ":fire:", "$x^2$"]
)
def test_nothing_from_outside_is_live(name):
    def named(value, key=None):
        if isinstance(value, dict):
            return {inner: named(part, inner) for inner, part in value.items()}
        if isinstance(value, list):
            return [named(part) for part in value]
        ours = ("alert_key", "scope", "stage", "audience", "query")
        return name if isinstance(value, str) and key not in ours else value

    plan = message(named(row(**ORG)))
    texts = [block["text"]["text"] for block in plan.blocks if block["type"] == "section"]

    assert not any(
        mark in text for text in [plan.text, *texts] for mark in ("<", ">", " _i_ ", "~s~", "*b*", "`c`", ":fire:")
    )
    assert not any(
        "<" in block["alt_text"] or "\n" in block["alt_text"] for block in plan.blocks if block["type"] == "image"
    )


@pytest.mark.parametrize(("name", "plan"), [("plan_lead", LEAD), ("plan_channel", CHANNEL), ("plan_org", ORG)])
def test_a_plan_is_sent_and_reads_as_it_did(name, plan):
    whole = message(row(**plan))
    sent = json.dumps({"text": whole.text, "blocks": whole.blocks}, ensure_ascii=False, indent=1) + "\n"
    for file, text in ((GOLDEN / f"{name}.json", sent), (GOLDEN / f"{name}.txt", render_text(whole))):
        if os.environ.get("RENEW_GOLDEN"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")


def test_a_line_tells_the_cap_and_draws_nothing():
    assert line(row(**LEAD)).endswith(
        "Draft plan for December 2026, Mobile: 8.86 M tokens, about $14.04 (up 42 % from 6.22 M)."
    )


def test_with_buttons_the_next_step_is_to_press_one():
    assert "approve below, change single caps or reject" in said(has_buttons=True)
    assert "put into caps.csv for 2026-12" in said()


def test_the_csv_is_named_where_it_lies_with_slack_and_without():
    assert (
        "have the first five columns of caps_2026-12_team_mobile.csv (in the thread; in the outbox beside this text)"
        in said()
    )
