"""Every kind of message as it is sent (JSON) and as it reads (text), kept in `golden/`.

After changing words on purpose: `RENEW_GOLDEN=1 pytest tests/alerts/test_golden.py`, then read the difference.
"""

import json
import os
import re
from datetime import date
from pathlib import Path

import pytest

from alerts import discover, render_text
from alerts._digest import digest, summary
from tests.alerts import rows as r

GOLDEN = Path(__file__).parent / "golden"
WORDS = discover()

BAD_LINES = {"new_quarantined": 1_204, "quarantined_ratio": 0.034, "limit_ratio": 0.01, "urgency": "digest"}
ROWS = {
    "cap_level_80": r.developer_row(),
    "cap_level_100": r.team_row(),
    "cap_level_pool": r.developer_row(level=100, status="drawing_from_pool", pool_left_tokens=1_100_000),
    "cap_forecast": r.forecast_row(),
    "burn_rate_fast": r.burn_row(),
    "burn_rate_slow": r.burn_row(level=1, window_days=7, cap_share_ratio=0.41, burn_7d_ratio=1.6),
    "spike": r.spike_row(),
    "source_health_failed": r.source_row(),
    "source_health_late": r.source_row(state="late", last_error=None),
    "source_health_silent": r.source_row(state="silent", last_error=None, data_age_days=0),
    "source_health_bad_lines": r.source_row(state="bad_lines", last_error=None, **BAD_LINES),
    "pipeline_stale": r.stale_row(),
    "unknown_share_unpriced": r.unknown_row(),
    "unknown_share_unattributed": r.unknown_row("unattributed", names=[{"name": "key 9f2c11aa", "tokens": 1_200_000}]),
    "bill_gap": r.gap_row(),
    "bill_gap_of_a_closed_month": r.gap_row(is_closed=True, days=12, limit_ratio=0.02),
    "plan_due": r.plan_due_row(),
}
DAY = date(2026, 11, 23)
INCIDENTS = [
    {"kind": "cap_level", "scope": "developer", "scope_id": "dev-09", "level": 80, "state": "acknowledged"},
    {"kind": "cap_forecast", "scope": "team", "scope_id": "mobile", "level": 0, "state": "open"},
]
MIXED = [ROWS["spike"], ROWS["cap_forecast"], r.forecast_row("dev-04"), ROWS["cap_level_80"], ROWS["bill_gap"]]
MANY = [r.forecast_row(f"dev-{n:03}") for n in range(400)] + [r.spike_row(f"dev-{n:03}") for n in range(100)]

MESSAGES = {name: WORDS[row["kind"]].message(row) for name, row in ROWS.items()} | {
    "digest_1": digest("C0PLATFORM", DAY, MIXED[:1], [], [], WORDS),
    "digest_5": digest("C0PLATFORM", DAY, MIXED, INCIDENTS, INCIDENTS[1:], WORDS),
    "digest_500": digest("C0PLATFORM", DAY, MANY, INCIDENTS * 20, INCIDENTS * 50, WORDS),
    "summary_1": summary("summary/1", [r.burn_row()], WORDS),
    "summary_500": summary("summary/500", [r.burn_row(f"dev-{n:03}") for n in range(500)], WORDS),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_sent_and_reads_as_it_did(name):
    message = MESSAGES[name]
    sent = json.dumps({"text": message.text, "blocks": message.blocks}, ensure_ascii=False, indent=1) + "\n"
    files = {GOLDEN / f"{name}.json": sent}
    if not name.endswith("_500"):
        files[GOLDEN / f"{name}.txt"] = render_text(message)
    if os.environ.get("RENEW_GOLDEN"):
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
    for file, text in files.items():
        assert text == file.read_text(encoding="utf-8")


def test_every_kind_of_message_has_a_golden_file():
    assert {row["kind"] for row in ROWS.values()} | {"plan"} == set(WORDS)  # a plan's are in test_plan.py


@pytest.mark.parametrize("name", MESSAGES)
def test_the_fallback_text_is_one_full_sentence(name):
    text = MESSAGES[name].text
    assert text.endswith(".") and "\n" not in text and not any(mark in text for mark in "*`<>!")


@pytest.mark.parametrize("name", ROWS)
def test_a_message_says_how_old_the_data_is_what_to_do_and_when_it_is_sent(name):
    ages = "easured through ", "as of ", " old, last loaded", "read through "
    row, said = ROWS[name], render_text(MESSAGES[name])
    assert said.count("Next step: ") == 1
    assert any(words in said for words in ages)
    assert f"    {row['query']}\n" in said
    assert re.search("This is sent once|Sent at once, because |Sent with ", said.splitlines()[-1])


@pytest.mark.parametrize("name", ROWS)
def test_a_line_is_one_line_of_at_most_300_characters(name):
    line = WORDS[ROWS[name]["kind"]].line(ROWS[name])
    assert 0 < len(line) <= 300 and "\n" not in line
