"""What is printed for people: names from outside cannot steer the terminal that shows them."""

import re

# Control characters but for tab and newline, and marks that turn the direction of text.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str, one_line: bool = False) -> str:
    r"""The text with an escape like \x1b in place of what a terminal would obey; with `one_line` of newlines, too."""
    shown = _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)
    return shown.replace("\n", "\\n") if one_line else shown
