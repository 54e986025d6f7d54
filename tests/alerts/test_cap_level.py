"""The words of a cap_level message."""

from datetime import date
from decimal import Decimal

import pytest

from alerts import discover, render_text
from tests.alerts.rows import developer_row, team_row

DEVELOPER_AT_80 = """\
🟡 dev-03 has reached 80 % of its November 2026 cap
==================================================

Used: 3.21 M of 4.00 M tokens (80 %) and $12.30 of $20.00 (61 %); 310 k of the tokens are estimated
Cap: the token cap binds; both are carried over from an earlier month
Pace: at this pace November ends at 4.37 M tokens (109 % of the cap) and $16.70 (83 %); the cap is passed on 27 Nov 2026
Data: measured through 22 Nov 2026

Main drivers:
• model opus-4.5: 2.10 M tokens (65 %)
• task PAY-118: 1.20 M tokens (37 %)
• task type refactoring: 900 k tokens (28 %)

Next step: raise the cap or agree what waits until 1 Dec 2026. Who keeps caps.csv can add the row \
developer,dev-03,2026-11.

Look it up:
    select * from marts.usage_daily where developer_id = 'dev-03' and tokens > 0

Team Platform. 80 % was reached on 21 Nov 2026. This is sent once per level and month.
"""

TEAM_AT_100 = """\
🔴 Team Platform has used all of its November 2026 cap
=====================================================

Used: 26.1 M of 25.0 M tokens (104 %)
Cap: token cap, set for this month
Pace: at this pace November ends at 36.4 M tokens (145 % of the cap); the cap was reached on 19 Nov 2026
Data: measured through 20 Nov 2026, 2 days ago; later use is not counted yet

Main drivers:
• developer dev-03: 9.90 M tokens (37 %)

Next step: raise the cap or agree what waits until 1 Dec 2026. Who keeps caps.csv can change the row \
team,platform,2026-11.

Look it up:
    select * from marts.team_usage where team_id = 'platform'

100 % was reached on 19 Nov 2026. This is sent once per level and month.
"""


def words(row):
    return render_text(discover()["cap_level"].message(row))


def line(row, label):
    return next(text for text in words(row).splitlines() if text.startswith(f"{label}: "))


def test_a_developers_lead_reads_this_at_80_percent():
    assert words(developer_row()) == DEVELOPER_AT_80


def test_a_teams_channel_reads_this_at_100_percent():
    assert words(team_row()) == TEAM_AT_100


def test_the_fallback_text_is_one_sentence_with_the_essence():
    assert discover()["cap_level"].message(developer_row()).text == (
        "dev-03 has reached 80 % of its November 2026 cap: 3.21 M of 4.00 M tokens (80 %), at this pace 109 % "
        "by the end of the month (measured through 22 Nov 2026)."
    )


def test_with_a_pool_the_next_step_names_what_is_left_of_it():
    row = developer_row(level=100, status="drawing_from_pool", pool_left_tokens=1_100_000, used_ratio=1.02)
    assert line(row, "Next step") == (
        "Next step: none is needed while the pool lasts: drawing from the Platform pool, 1.10 M tokens left."
    )
    empty = {**row, "pool_left_tokens": 0}
    assert "raise the cap or agree what waits" in line(empty, "Next step")

    short = {**row, "pool_projected_ratio": 1.06}
    assert line(short, "Next step").startswith(
        "Next step: the pool will probably not last: raise the cap or agree what"
    )
    assert line(short, "Next step").endswith("drawing from the Platform pool, 1.10 M tokens left.")

    in_digest = discover()["cap_level"].line
    assert in_digest(row).endswith("; not stopped: drawing from the Platform pool, 1.10 M tokens left.")
    assert "not stopped" not in in_digest(empty)
    assert "not stopped" not in in_digest({**row, "as_of_date": date(2026, 12, 1)})  # nobody draws any more


def test_a_cap_that_is_more_likely_than_not_passed_asks_for_a_step_though_less_is_expected():
    within = developer_row(
        projected_ratio=0.93, crosses_cap_on=None, projected_tokens=3_720_000, probability_over=0.6, is_likely_over=True
    )

    assert "Next step: raise the cap or agree what waits" in line(within, "Next step")
    assert "that is within the cap, but by how past forecasts missed it is passed more often than not" in line(
        within, "Pace"
    )
    assert discover()["cap_level"].line(within).endswith("by the end of the month (chance of reaching it 60 %).")
    unlikely = within | {"probability_over": 0.4, "is_likely_over": False}
    assert "none is needed at this pace" in line(unlikely, "Next step")
    assert "passed more often" not in line(unlikely, "Pace")


def test_a_month_that_stays_within_its_cap_needs_no_step():
    row = developer_row(projected_ratio=0.93, crosses_cap_on=None, projected_tokens=3_720_000)
    assert line(row, "Pace").endswith("3.72 M tokens (93 % of the cap) and $16.70 (83 %); it stays within the cap")
    assert line(row, "Next step").startswith("Next step: none is needed at this pace; if more work is planned, ")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("set", "set for this month"),
        ("carried", "carried over from an earlier month"),
        ("approved", "approved for this month"),
        ("baseline", "derived from the measured baseline"),
    ],
)
def test_it_says_where_the_cap_comes_from(source, said):
    assert line(developer_row(cap_source=source), "Cap").endswith(said)


def test_the_binding_measure_comes_first():
    row = developer_row(binding_measure="usd", used_usd=Decimal("16.40"), used_ratio=0.82)
    assert line(row, "Used").startswith("Used: $16.40 of $20.00 (82 %) and 3.21 M of 4.00 M tokens (80 %)")
    assert line(row, "Cap").startswith("Cap: the dollar cap binds")


def test_a_cap_in_dollars_only_is_told_in_dollars():
    row = developer_row(cap_tokens=None, binding_measure="usd", used_usd=Decimal("16.40"), used_ratio=0.82)
    assert "$16.40 of $20.00 (82 %)" in line(row, "Used")
    assert line(row, "Cap") == "Cap: dollar cap, carried over from an earlier month"


@pytest.mark.parametrize(
    ("row", "what", "where"),
    [
        (developer_row(cap_source="set"), "cap", "Who keeps caps.csv can change the row developer,dev-03,2026-11."),
        (developer_row(cap_source="carried"), "cap", "Who keeps caps.csv can add the row developer,dev-03,2026-11."),
        (developer_row(cap_source="baseline"), "cap", "Who keeps caps.csv can add the row developer,dev-03,2026-11."),
        (
            developer_row(cap_source="approved"),
            "cap",
            "It was approved in Slack, which counts before caps.csv: request an increase there.",
        ),
        (team_row(), "cap", "Who keeps caps.csv can change the row team,platform,2026-11."),
        (team_row(scope="org", scope_id="org"), "cap", "Who keeps caps.csv can change the row org,,2026-11."),
        (team_row(scope="pool"), "pool", "Who keeps teams.csv can change monthly_pool_tokens in the row platform."),
        (
            team_row(scope="pool", binding_measure="usd", cap_usd=9),
            "pool",
            "Who keeps teams.csv can change monthly_pool_usd in the row platform.",
        ),
    ],
)
def test_the_next_step_names_the_row_that_exists_or_is_to_be_added_and_whose_file_it_is(row, what, where):
    assert line(row, "Next step") == f"Next step: raise the {what} or agree what waits until 1 Dec 2026. {where}"


def test_each_measure_is_projected_against_its_own_cap():
    row = developer_row(projected_usd=Decimal("23"), projected_ratio=1.15)
    assert "4.37 M tokens (109 % of the cap) and $23.00 (115 %)" in line(row, "Pace")


def test_a_month_that_is_over_is_told_in_the_past():
    row = team_row(as_of_date=date(2026, 12, 1))
    assert line(row, "Pace").startswith("Pace: November ended at 36.4 M tokens")
    assert line(row, "Next step") == "Next step: check the cap of December 2026."


def test_the_pool_and_the_organisation_are_called_by_their_names():
    pool = team_row(scope="pool", scope_id="platform", scope_name="Platform")
    assert "🔴 Platform pool has used all of its November 2026 cap" in words(pool)
    org = team_row(scope="org", scope_id="org", scope_name="Example Ltd", team_id=None, team_name=None)
    assert "🔴 Example Ltd has used all of its November 2026 cap" in words(org)


def test_missing_figures_make_a_shorter_message_not_an_error():
    names = "projected_tokens projected_usd projected_ratio crosses_cap_on drivers query estimated_tokens reached_on"
    row = developer_row(**dict.fromkeys(names.split()), data_age_days=None, used_ratio=float("nan"))
    assert line(row, "Pace") == "Pace: no projection yet: too little has been measured"
    assert "Main drivers" not in words(row) and "Look it up" not in words(row)


def test_the_words_stay_calm():
    for row in (developer_row(), team_row(), team_row(scope="pool"), developer_row(level=100, status="over")):
        assert "!" not in words(row)
        assert sum(words(row).count(mark) for mark in "🟡🔴🔵") == 1


def test_endless_names_stay_within_slacks_limits():
    long = "<&*_~`" * 2000
    row = developer_row(
        **dict.fromkeys(["scope_name", "scope_id", "team_name", "team_id", "query"], long),
        drivers=[{"what": "task", "name": long, "tokens": 10**30, "share_ratio": 1e9}] * 20,
    )
    assert discover()["cap_level"].message(row).blocks  # a Message beyond Slack's limits does not come to be


def test_what_went_past_the_gateway_is_said():
    text = render_text(discover()["cap_level"].message(developer_row(unobserved_tokens=942_564)))

    assert (
        "; 943 k of the tokens went past the gateway, by the provider's bill; 310 k of the tokens are estimated" in text
    )


def test_the_line_is_the_essence_without_the_age_of_the_data():
    assert discover()["cap_level"].line(developer_row()) == (
        "🟡 dev-03 has reached 80 % of its November 2026 cap: 3.21 M of 4.00 M tokens (80 %), "
        "at this pace 109 % by the end of the month."
    )


def test_where_no_record_was_counted_the_as_of_date_is_the_age():
    assert line(developer_row(data_through_at=None), "Data") == "Data: as of 22 Nov 2026"
    assert discover()["cap_level"].message(developer_row(data_through_at=None)).text.endswith("of the month.")
