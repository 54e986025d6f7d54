"""How numbers, dates and names from outside are written in a message."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

NAME_LIMIT = 80

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]  # fixed: no locale
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_SIZES = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
# Control characters, line and paragraph separators, zero-width and text-direction marks.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]+")
_LOOKALIKES = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "\u02cb"})
# With them a cell begins that a spreadsheet takes for a formula; a semicolon begins a cell where commas are decimal.
_FORMULA = re.compile(r"(^\s*|;\s*)(?=[=+\-@\uff0b\uff0d\uff1d\uff20])")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
# At the end of a name, too: a colon of ours may follow it.
_EMOJI_CODE = re.compile(r":(?=[a-z0-9_+'-]+:)|:(?=[a-z0-9_+'-]+$)")


def number(value: Any) -> Decimal | None:
    """The value as an exact Decimal; None for missing, NaN and infinite values."""
    if value is None or isinstance(value, bool):
        return None
    try:
        result = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return None
    return result if result.is_finite() else None


def amount(value: Any) -> str:
    """A count of tokens without the unit, to three significant digits: "3.21 M", "812 k", "950"."""
    count = number(value)
    if count is None:
        return "an unknown number of"
    for size, mark in _SIZES:
        if abs(count) >= size - size / 2000:  # from "999.5 k" on, three digits read "1.00 M"
            return f"{_three_digits(count / size)} {mark}"
    return f"{count.quantize(Decimal(1), ROUND_HALF_UP):,}"


def _three_digits(value: Decimal) -> str:
    for digits, below in ((2, "9.995"), (1, "99.95")):
        if abs(value) < Decimal(below):
            return str(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    return f"{value.quantize(Decimal(1), ROUND_HALF_UP):,}"


def tokens(value: Any) -> str:
    """A count of tokens: "3.21 M tokens"."""
    return "1 token" if number(value) == 1 else f"{amount(value)} tokens"


def usd(value: Any) -> str:
    """A sum of money: "$12.30"."""
    money = number(value)
    if money is None:
        return "an unknown sum"
    cents = abs(money).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{'-' if money < 0 and cents else ''}${cents:,}"


def percent(ratio: Any) -> str:
    """A ratio in whole percent, rounded down so that 99.6 % never reads as all of it: "80 %"."""
    share = number(ratio)
    if share is None:
        return "an unknown share"
    if 0 < share < Decimal("0.01"):
        return "under 1 %"
    return f"{(share * 100).quantize(Decimal(1), ROUND_DOWN):,} %"


def as_date(value: Any) -> date | None:
    """A date from a date, a datetime or an ISO text; None when missing."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else datetime.fromisoformat(str(value)).date()


def day(value: Any) -> str:
    """A date in words: "22 Nov 2026"."""
    when = as_date(value)
    return "an unknown date" if when is None else f"{when.day} {_MONTHS[when.month - 1][:3]} {when.year}"


def digest_name(at: datetime | None) -> str:
    """The digest that goes out from a time of the company on: "the digest of Friday, 27 November from 09:00"."""
    if at is None:
        return "the next digest"
    return f"the digest of {_WEEKDAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} from {at:%H:%M}"


def month_name(value: Any, year: bool = True) -> str:
    """The month of a date: "November 2026", or "November"."""
    when = as_date(value)
    if when is None:
        return "an unknown month"
    return f"{_MONTHS[when.month - 1]} {when.year}" if year else _MONTHS[when.month - 1]


def as_day(value: Any) -> date:
    """A date from what has one, as `as_date` reads it. Raises ValueError where it is missing."""
    found = as_date(value)
    if found is None:
        raise ValueError("a date is missing")
    return found


def next_month(value: date) -> date:
    """The first day of the following month."""
    return date(value.year + value.month // 12, value.month % 12 + 1, 1)


def plain(name: Any, limit: int = NAME_LIMIT) -> str:
    """A name for plain-text places: one line, nothing invisible, clipped; `<` and `>` become ‹ and ›."""
    text = _UNSEEN.sub(" ", str(name)).encode("utf-8", "replace").decode("utf-8")
    text = " ".join(text.split()).replace("<", "\u2039").replace(">", "\u203a")
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def escape(name: Any, limit: int = NAME_LIMIT) -> str:
    """A name from outside for Slack's mrkdwn: it can neither ping, nor link, nor change the formatting.

    `&`, `<` and `>` are escaped as Slack asks, so `<!channel>`, `<@U1>` and `<https://…|x>` stay visible text.
    `*`, `~` and backtick are replaced by look-alikes (no invisible characters: a name copied from a phone should
    not carry any), and so is `_` at the edge of a word; inside a word (`dev_03`) Slack leaves it alone and so do
    we. The first colon of a `:emoji:` code is replaced too. Bare addresses stay text because every text object of
    a message is sent with `verbatim`.
    """
    text = _UNSEEN.sub(" ", str(name)).encode("utf-8", "replace").decode("utf-8")
    text = " ".join(text.split())
    text = text if len(text) <= limit else text[: limit - 1] + "\u2026"
    text = _EDGE_UNDERSCORE.sub("\u02cd", text.translate(_LOOKALIKES))
    return escape_exactly(_EMOJI_CODE.sub("\ua789", text))


def as_cell(text: Any) -> str:
    """Text for a cell of a CSV file: with an apostrophe before what a spreadsheet would take for a formula.

    The org CSVs are read without it. https://owasp.org/www-community/attacks/CSV_Injection
    """
    return "" if text is None else _FORMULA.sub(r"\1'", str(text))


def escape_exactly(text: str) -> str:
    """Only Slack's three escapes: for text that has to be readable back exactly, such as a query."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
