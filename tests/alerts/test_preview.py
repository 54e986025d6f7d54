"""The HTML page that shows messages before they are sent."""

import dataclasses
import re
from html.parser import HTMLParser

from alerts import Message, discover
from alerts import _message as m
from alerts._preview import html
from tests.alerts.rows import spike_row
from tests.alerts.test_golden import MESSAGES

PNG = b"\x89PNG\r\n\x1a\n"
BUTTONS = {
    "type": "actions",
    "elements": [
        {"type": "button", "style": "primary", "text": {"type": "plain_text", "text": "Approve all 4"}},
        {"type": "static_select", "placeholder": {"type": "plain_text", "text": "Snooze"}},
    ],
}


class Page(HTMLParser):
    """The tags of a page, and whether each one that was opened is closed."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img", "input", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def with_blocks(*blocks, **more):
    return Message("key", "A text.", [m.header("Title"), *blocks], **more)


def shown(*blocks, **more):
    return html({"now": [("C0PLATFORM", with_blocks(*blocks, **more))]})


def test_every_message_is_on_the_page_with_its_recipient_and_its_notification():
    page = Page(html({"now": [("C0PLATFORM", message) for message in MESSAGES.values()]}))
    assert page.open == []
    assert [tag for tag, _ in page.tags].count("article") == len(MESSAGES)
    words = "".join(page.words)
    for message in MESSAGES.values():
        assert f"To C0PLATFORM, key {message.alert_key}" in words
        assert message.blocks[0]["text"]["text"] in words


def test_the_page_needs_nothing_from_elsewhere_and_runs_no_script():
    page = shown(m.section("<https://evil.example|invoice>"), m.image("a", "A chart"), images={"a": PNG})
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert not re.search(r"<script|https?://|url\(|@import", page.replace("https://evil", ""))


def test_names_are_text_and_never_html():
    row = spike_row(scope_name="<script>alert(1)</script> \"'&", query="select '<b>'")
    page = html({"now": [("<i>", discover()["spike"].message(row))]})
    assert {tag for tag, _ in Page(page).tags}.isdisjoint({"script", "i"})
    assert "‹script›alert(1)‹/script› &quot;&#x27;&amp; used 5.2 times" in page
    assert "To &lt;i&gt;, key" in page and "<pre>select &#x27;&lt;b&gt;&#x27;</pre>" in page


def test_slacks_markup_is_shown_as_slack_shows_it():
    page = shown(m.section("*Bold:* a &amp; b `code *x*`\n```\na * b * c\n```"), m.context("by <@U0LEAD>"))
    assert "<b>Bold:</b> a &amp; b <code>code *x*</code>\n<pre>a * b * c</pre>" in page
    assert "by <a>@U0LEAD</a>" in page


def test_buttons_and_menus_look_like_some():
    page = shown(BUTTONS, {"type": "divider"})
    assert '<span class="button primary">Approve all 4</span>' in page
    assert '<span class="button ">Snooze ▾</span>' in page and "<hr>" in page


def test_images_are_within_the_page_and_have_their_alt_text():
    page = shown(m.image("a", 'A "chart"'), images={"a": PNG})
    assert '<img src="data:image/png;base64,iVBORw0KGgo=" alt="A &quot;chart&quot;"' in page
    missing = shown(m.image("a", "A chart"), images={"a": b""})
    assert "<img" not in missing and '<div class="missing">A chart</div>' in missing


def test_attached_files_are_named():
    message = dataclasses.replace(MESSAGES["spike"], files={"caps.csv": b"scope,scope_id\n"})
    page = html({"now": [("C0PLATFORM", message)]})
    assert '<a download="caps.csv" href="data:application/octet-stream;base64,c2NvcGUsc2NvcGVfaWQK">' in page
    assert "15 bytes, in the thread or the outbox</div>" in page


def test_what_goes_out_now_stands_apart_from_what_waits_for_the_digest():
    digest = "with the digest of Friday, 27 November from 09:00"
    page = html({"now": [], digest: [("C0PLATFORM", MESSAGES["spike"]), ("U0LEAD", MESSAGES["bill_gap"])]})
    assert page.index("<h2>Nothing now</h2>") < page.index(f"<h2>2 messages {digest}</h2>") < page.index("<article")
    assert page.count('<a href="#m1">') == page.count('<article id="m1">') == 1


def test_a_block_that_is_not_known_is_named():
    assert '<div class="missing">rich_text</div>' in shown({"type": "rich_text"})
