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


def test_below_alike_lines_stands_once_what_can_be_done():
    within = r.developer_row("dev-07", projected_ratio=0.93, crosses_cap_on=None)
    carried = r.developer_row("dev-08", 100, status="drawing_from_pool", pool_left_tokens=1_100_000)
    block = said([within, r.developer_row("dev-01"), carried, r.developer_row("dev-02")]).split("\n\n")[1]
    assert [text if text.startswith("Next") else text.split()[1] for text in block.splitlines()[1:]] == [
        "dev-08",
        "Next step: none is needed while the pool lasts.",
        "dev-07",
        "Next step: none is needed at this pace; if more work is planned, raise the cap.",
        "dev-01",
        "dev-02",
        "Next step: raise the cap or agree what waits until 1 Dec 2026.",
    ]


def test_sql_is_the_last_small_thing_that_a_lead_reads():
    for message in (digest("C0", DAY, MANY, INCIDENTS, [], WORDS), summary("summary/1", MANY, WORDS)):
        *above, small_print = message.blocks
        assert "select" not in str(above)
        assert ["select" in part["text"] for part in small_print["elements"]] == [False, True]


def test_of_500_findings_20_are_told_and_the_others_are_counted():
    text = said(MANY)
    assert text.count("📈") == text.count("⚡") == 10
    assert "and 390 more" in text and "and 90 more" in text


def test_a_kind_with_few_findings_leaves_its_room_to_the_others():
    text = said([*MANY[:400], *MANY[400:403]])
    assert text.count("⚡") == 3 and text.count("📈") == 17


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
