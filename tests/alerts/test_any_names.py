"""Whatever people, models, tasks and providers are called, a message of any kind says what it says and no more."""

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import discover
from alerts._digest import digest, summary
from alerts._format import escape
from tests.alerts.test_golden import DAY, INCIDENTS
from tests.alerts.test_golden import ROWS as SHARED
from tests.alerts.test_plan import row as plan_row

WORDS = discover()
ROWS = SHARED | {"plan": plan_row()}
# What decides the words; everything else may be a name.
OURS = {
    *("alert_key", "incident_key", "kind", "scope", "urgency", "what", "stage", "plan_stage", "audience", "state"),
    *("status", "binding_measure", "cap_source", "causes"),
}
HOSTILE = st.sampled_from(
    [
        *("<!channel>", "<!here|here>", "<@U0LEAD>", "<#C0PLATFORM>", "<https://evil.example|x>", "&lt;!channel&gt;"),
        *(
            "https://evil.example",
            "#general",
            "@here",
            "*b*",
            "_i_",
            "~s~",
            "`c`",
            "```",
            ":fire:",
            ":fire",
            "\U0001f525",
        ),
        *("\n", "\r\n", "\n> quoted\n", "\n```\ncode\n```\n", "\U0001f525", "\u202e", "\u200b", "\x1b[31m", "&", "'"),
        *("x" * 3000, "&" * 3000, "*" * 3000),
    ]
)
NAMES = (
    st.lists(st.one_of(HOSTILE, st.text(min_size=1, max_size=20)), min_size=1, max_size=5).map(" ".join).filter(escape)
)


def named(value, name, key=None):
    """The row with `name` in place of every name and text from outside."""
    if isinstance(value, dict):
        return {inner: named(part, name, inner) for inner, part in value.items()}
    if isinstance(value, list):
        return [named(part, name) for part in value]
    return name if isinstance(value, str) and key not in OURS else value


def marks(message):
    """The formatting of a message block by block, without its code blocks; fails on anything that is live."""
    texts = [message.text]
    for block in message.blocks:
        texts += [part for part in [block.get("text"), *block.get("elements", []), *block.get("fields", [])] if part]
    found = []
    for part in texts:
        text = part if isinstance(part, str) else part["text"]
        is_code = text.startswith("*Look") or text.startswith("*Where the numbers")
        if is_code:
            assert text.count("```") == 2
            text = text.split("```")[0]
        assert "<" not in text and ">" not in text
        if isinstance(part, dict) and part["type"] == "plain_text":
            assert "\n" not in text and part["emoji"] is False
            continue
        assert isinstance(part, str) or part["verbatim"] is True
        assert not re.search(r"&(?!(amp|lt|gt);)", text)
        assert not re.search(r":[a-z0-9_+'-]+:", text)
        assert not re.search(r"(?<![^\W_])_[^_\n]+_(?![^\W_])", text)
        if not is_code:  # a query that cannot be shown as code is left out
            found.append((text.count("*"), text.count("`"), text.count("~"), text.count("\n")))
    return found


@pytest.mark.parametrize("row", ROWS)
@settings(max_examples=30, deadline=None)
@given(name=NAMES)
def test_a_name_cannot_mention_link_or_format_in_a_message(row, name):
    kind = WORDS[ROWS[row]["kind"]]
    assert marks(kind.message(named(ROWS[row], name))) == marks(kind.message(named(ROWS[row], "x y")))


@pytest.mark.parametrize("row", SHARED)  # a plan has its own message and no line in a digest
@settings(max_examples=30, deadline=None)
@given(name=NAMES)
def test_a_name_cannot_make_a_line_longer_or_more_lines(row, name):
    line = WORDS[ROWS[row]["kind"]].line(named(ROWS[row], name))
    assert len(line) <= 300 and not re.search(r"[<>*`~\n]|&(?!(amp|lt|gt);)", line)


@settings(max_examples=60, deadline=None)
@given(name=NAMES, address=st.sampled_from(["C0PLATFORM", "unaddressed"]))
def test_a_name_cannot_mention_link_or_format_in_a_digest_or_a_summary(name, address):
    def both(text):
        rows, incidents = ([named(one, text) for one in many] for many in (ROWS.values(), INCIDENTS * 9))
        return [*marks(digest(address, DAY, rows, incidents, incidents, WORDS)), *marks(summary("key", rows, WORDS))]

    assert [part[:3] for part in both(name)] == [part[:3] for part in both("x y")]


def test_a_row_that_cannot_be_worded_does_not_keep_the_others_back():
    broken = {"kind": "spike", "alert_key": "spike/<x>", "scope": "developer", "scope_id": "dev-03"}
    broken["drivers"] = "no JSON"
    message = digest("C0PLATFORM", date(2026, 11, 23), [broken, ROWS["spike"]], [], [], WORDS)
    assert "spike/&lt;x&gt; (it could not be put into words)" in message.blocks[1]["text"]["text"]
    assert "dev-03 used 5.2 times" in message.blocks[1]["text"]["text"]
