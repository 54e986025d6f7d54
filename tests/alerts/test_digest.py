"""The digest of a day and the summary of many urgent alerts."""

from datetime import UTC, datetime

from alerts import discover, render_text
from alerts._digest import _KINDS, digest, summary
from tests.alerts import rows as r
from tests.alerts.test_golden import DAY, INCIDENTS, MANY, MIXED

WORDS = discover()


def said(rows, still_open=(), resolved=()):
    return render_text(digest("C0PLATFORM", DAY, rows, still_open, resolved, WORDS))


def test_a_digest_has_the_day_and_the_recipient_in_its_key():
    assert digest("C0PLATFORM", DAY, MIXED, [], [], WORDS).alert_key == "digest/2026-11-23/C0PLATFORM"


def test_the_fallback_text_counts_what_is_new_and_what_became_of_the_rest():
    assert digest("C0PLATFORM", DAY, MIXED, INCIDENTS, INCIDENTS[1:], WORDS).text == (
        "Daily digest, 23 Nov 2026: 5 new (1 × cap, 2 × forecast, 1 × spike, 1 × bill), 2 still open, 1 resolved."
    )


def test_findings_stand_by_kind_and_what_is_new_comes_first():
    text = said(MIXED, INCIDENTS)
    order = ["Caps reached", "Caps that will not last", "Unusual days", "Bills and logs", "Still open: 2."]
    assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)


def test_the_highest_level_comes_first_and_the_widest_scope_before_narrower_ones():
    team = r.finding("burn_rate", "team", "mobile", 3, **r.CAP)
    text = said([r.burn_row("dev-01", level=1), r.burn_row("dev-02", level=3), team])
    assert text.index("Team mobile") < text.index("dev-02") < text.index("dev-01")


def test_of_500_findings_20_are_told_and_the_others_are_counted_with_the_query_that_lists_them():
    text = said(MANY)
    assert text.count("📈") == text.count("⚡") == 10
    assert "and 390 more" in text and "and 90 more" in text
    assert (
        "    select kind, scope, scope_id, level, query from alerts.alerts_due "
        "where kind in ('cap_forecast', 'spike') and team_id = 'platform'\n"
    ) in text


def test_a_kind_with_few_findings_leaves_its_room_to_the_others():
    text = said([*MANY[:400], *MANY[400:403]])
    assert text.count("⚡") == 3 and text.count("📈") == 17
    assert "where kind in ('cap_forecast') and" in text


def test_the_query_of_several_teams_names_none():
    assert "where kind in ('cap_forecast')\n" in said([*MANY[:30], r.forecast_row(team_id="mobile")])


def test_ten_open_incidents_are_named_and_the_others_counted():
    assert "Still open: 40. dev-09 (cap 80 %, acknowledged), team mobile (forecast), " in said(MIXED, INCIDENTS * 20)
    assert " and 30 more\n" in said(MIXED, INCIDENTS * 20)
    assert "Still open" not in said(MIXED) and "Resolved" not in said(MIXED)


def test_a_digest_says_how_old_its_oldest_numbers_are():
    old = r.spike_row(data_through_at=datetime(2026, 11, 9, 23, tzinfo=UTC))
    assert "Measured through 9 Nov 2026. Sent at most once on each working day" in said([*MIXED, old])


def test_a_summary_has_the_key_it_is_given_and_says_why_it_is_one_message():
    message = summary("summary/1", [r.burn_row(f"dev-{n}") for n in range(4)], WORDS)
    assert message.alert_key == "summary/1"
    assert message.text == "4 urgent alerts at once (4 × burn rate)."
    assert "Sent at once and as one message" in render_text(message)


def test_every_kind_has_a_name_in_the_digest():
    assert set(WORDS) <= set(_KINDS)
