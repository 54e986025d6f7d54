"""Numbers, dates and names from outside."""

import json
import re
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import Message, discover, render_text
from alerts import _message as m
from tests.alerts.rows import developer_row, team_row

PINGS = ["<!channel>", "<!here|here>", "<@U0LEAD>", "<#C0PLATFORM>", "<https://evil.example|invoice>", "<!subteam^S1>"]


@pytest.mark.parametrize("name", PINGS)
def test_a_name_cannot_ping_a_channel(name):
    drivers = [{"what": "task", "name": name, "tokens": 1, "share_ratio": 1}]
    named = dict.fromkeys(["scope_name", "scope_id", "team_name", "team_id"], name)
    for row in (developer_row(**named, drivers=drivers, query=f"-- {name}"), team_row(**named, drivers=drivers)):
        message = discover()["cap_level"].message(row)
        sent = json.dumps([message.text, message.blocks], ensure_ascii=False)
        assert "<" not in sent and ">" not in sent
        assert all(part["verbatim"] for part in mrkdwn_parts(message))  # no links made of plain addresses either


def mrkdwn_parts(message):
    parts = [part for b in message.blocks for part in [b.get("text"), *b.get("elements", []), *b.get("fields", [])]]
    return [part for part in parts if part and part["type"] == "mrkdwn"]


def test_a_name_cannot_change_the_formatting():
    assert m.escape("*bold* _it_ ~gone~ `code`") == "∗bold∗ ˍitˍ ∼gone∼ ˋcodeˋ"
    assert m.escape("dev_03_a") == "dev_03_a"  # Slack leaves these alone, so a copied id stays usable
    assert m.escape("R&D <x>") == "R&amp;D &lt;x&gt;"
    assert m.escape(":fire: 12:30 it is") == "꞉fire: 12:30 it is"
    assert m.escape("a :fire") == "a ꞉fire"  # a colon of ours may follow
    assert m.escape("two\nlines\u202e\x1b[31m\x00") == "two lines [31m"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_no_name_ever_keeps_markup(name):
    written = m.escape(name)
    assert not re.search(r"[<>*~`\n\x00-\x1f]", written)
    assert not re.search(r"&(?!(amp|lt|gt);)", written)
    assert "<" not in m.plain(name) and ">" not in m.plain(name)
    written.encode()


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (3_214_000, "3.21 M tokens"),
        (Decimal("4000000"), "4.00 M tokens"),
        (812_345, "812 k tokens"),
        (12_345, "12.3 k tokens"),
        (999_499, "999 k tokens"),
        (999_500, "1.00 M tokens"),
        (9_996_000, "10.0 M tokens"),
        (1_400_000_000, "1.40 B tokens"),
        (950, "950 tokens"),
        (1, "1 token"),
        (0, "0 tokens"),
        (None, "an unknown number of tokens"),
        (float("nan"), "an unknown number of tokens"),
    ],
)
def test_tokens_are_written_with_three_digits(count, said):
    assert m.tokens(count) == said


@pytest.mark.parametrize(
    ("sum_", "said"),
    [(12.3, "$12.30"), (Decimal("1234.5"), "$1,234.50"), (0.005, "$0.01"), (-3, "-$3.00"), (None, "an unknown sum")],
)
def test_money_is_written_in_cents(sum_, said):
    assert m.usd(sum_) == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(0.8, "80 %"), (0.29, "29 %"), (0.999, "99 %"), (1.224, "122 %"), (0.004, "under 1 %"), (0, "0 %")],
)
def test_a_share_is_rounded_down(ratio, said):
    assert m.percent(ratio) == said


def test_dates_are_written_in_words():
    assert m.day(date(2026, 11, 2)) == m.day(datetime(2026, 11, 2, 23, 59)) == m.day("2026-11-02") == "2 Nov 2026"
    assert m.month_name(date(2026, 3, 1)) == "March 2026"
    assert m.next_month(date(2026, 12, 1)) == date(2027, 1, 1)


def test_a_query_can_be_copied_and_run():
    query = "select *, a * b from t where x < 3 and y > 4 -- R&D *bold*"
    assert f"    {query}\n" in render_text(discover()["cap_level"].message(developer_row(query=query)))


def test_a_message_beyond_slacks_limits_does_not_come_to_be():
    fine = m.section("x" * 5000)
    assert len(fine["text"]["text"]) == 3000
    assert len(m.header("x" * 500)["text"]["text"]) == 150
    assert m.section("x" * 2996 + "&amp;")["text"]["text"].endswith("x…")  # no half of an escape at the cut
    too_long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    for text, blocks in (("", [fine]), ("x", []), ("x", [fine] * 51), ("x", [too_long])):
        with pytest.raises(ValueError):
            Message("key", text, blocks)


def test_every_module_without_underscore_is_a_kind_of_message():
    rules = discover()
    assert {"cap_level", "plan", "pipeline_stale"} <= set(rules)
    assert rules["cap_level"].message(developer_row()).alert_key == "cap_level/developer/dev-03/2026-11/80"
