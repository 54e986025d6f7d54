"""The words of tokens without a price or an owner."""

from alerts import render_text
from alerts.unknown_share import line, message
from tests.alerts.rows import finding, unknown_row


def said(scope_id="unpriced", **changes):
    return render_text(message(unknown_row(scope_id, **changes)))


def test_unpriced_tokens_cost_what_the_fallback_says_and_need_a_price():
    text = said()
    assert text.startswith("❔ 7 % of the tokens of November 2026 have no known price\n")
    assert "Share: 1.20 M of 17.0 M tokens (7 %); a warning from 1 % on\nCost: $9.10 at the fallback price\n" in text
    assert "price_overrides.csv" in text


def test_unattributed_tokens_need_an_identity():
    text = said("unattributed")
    assert text.startswith("❔ 7 % of the tokens of November 2026 belong to nobody\n")
    assert "Cost: $9.10\n" in text and "Next step: say in identities.csv whose these names are.\n" in text


def test_the_three_largest_are_named_and_the_others_counted():
    names = [{"name": f"key {n}", "tokens": 1_000 * n} for n in (3, 2, 1)]
    text = said("unattributed", names=names, names_in_all=12)
    assert "Largest:\n• key 3: 3.00 k tokens\n• key 2: 2.00 k tokens\n• key 1: 1.00 k tokens\nand 9 more\n" in text


def test_the_line_names_the_largest():
    assert line(unknown_row()) == (
        "❔ 7 % of the tokens of November 2026 have no known price: 1.20 M tokens, $9.10 at the fallback price; "
        "the largest is glm-5.2."
    )


def test_missing_numbers_make_a_shorter_message_not_an_error():
    text = render_text(message(finding("unknown_share", "pipeline", "unpriced")))
    assert "Cost" not in text and "Largest" not in text
