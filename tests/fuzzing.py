"""Real samples of what sources answer, damaged at random: the same damage for the same dice."""

import copy
import json
import re
from collections.abc import Collection
from random import Random
from typing import Any

# What stands where something else was expected. The largest ones are what makes a reader hang or a sum overflow.
ODD = (
    None, True, False, "", " ", "x", "7", " 7", "1e3", "NaN", "\0", "\ud800", "\u2028\x85", "'; --", "{", "[",
    "2026-13-01",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "z" * 70_000, 0, 7, -1, 1.5, -0.0, 1e-320, 1e308,
    2**31, 10**12 + 1, 2**63 - 1, 2**63, -(2**63), 10**18, 10**40, float("nan"), float("inf"), [], {}, [None], [[]],
    {"a": None}, {"": {"": []}}, ["x", 1, None],
)  # fmt: skip
# Numbers that Python's own JSON never writes, but others do.
WRITTEN = ("1e400", "1e999999999", "-1e999999999", "1e-999999999", "1E5", "10.0", "-0", "0" * 30, "9" * 5_000)
TOO_DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
MARK = "a number written in its own way"


def mutated(dice: Random, value: Any, words: Collection[str] = ()) -> tuple[Any, tuple]:
    """A copy with one thing damaged, and the path to it; mostly where a key is one of `words`, which are read."""
    value = copy.deepcopy(value)
    paths = list(_paths(value))
    if not paths:
        return dice.choice(ODD), ()
    read = [path for path in paths if any(key in words for key in path)]
    path = dice.choice(read if read and dice.random() < 0.9 else paths)
    place = value
    for key in path[:-1]:
        place = place[key]
    key = path[-1]
    kind = dice.choice(("odd", "odd", "odd", "odd", "written", "dropped", "renamed", "wrapped", "deep", "again"))
    if kind == "odd":
        place[key] = dice.choice(ODD)
    elif kind == "written":
        place[key] = f"{MARK}{dice.choice(WRITTEN)}"
    elif kind == "dropped":
        del place[key]
    elif kind == "renamed" and isinstance(place, dict):
        place[dice.choice((f"{key} ", str(key).upper(), "", "x.y"))] = place.pop(key)
    elif kind == "wrapped":
        place[key] = dice.choice(([place[key]], {"value": place[key]}))
    elif kind == "deep":
        place[key] = _nested(dice.choice((50, 400)))
    elif kind == "again" and isinstance(place, list):
        place.append(copy.deepcopy(place[key]))
    return value, path


def written(dice: Random, value: Any) -> bytes:
    """JSON of a value, in one of the ways in which others write it."""
    text = json.dumps(value, ensure_ascii=dice.random() < 0.5)
    text = re.sub(f'"{MARK}([^"]*)"', r"\1", text)
    if isinstance(value, dict) and value and dice.random() < 0.05:  # the same key twice
        text = f"{text[:-1]}, {json.dumps(dice.choice(list(value)))}: {json.dumps(dice.choice(ODD))}}}"
    return text.encode(errors="surrogatepass")


def damaged(dice: Random, line: bytes) -> bytes:
    """The bytes of one line, broken: cut off, with others among them, or deeper than anybody reads. Still one line."""
    at = dice.randrange(len(line) + 1)
    kind = dice.choice(("cut", "cut", "put", "put", "flip", "twice", "deep", "spaces"))
    if kind == "cut":
        return line[:at]
    if kind == "put":
        odd = dice.choice((b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b'"', b"\\", b"}", b",", b"\xe2"))
        return line[:at] + odd + line[at:]
    if kind == "flip":
        return bytes(byte if n != at else (byte ^ 0x1F) or 1 for n, byte in enumerate(line)).replace(b"\n", b"\t")
    if kind == "twice":
        return line + dice.choice((b"", b" ", b"\r", b",")) + line
    if kind == "deep":
        return TOO_DEEP
    return b" \t" + line + b" \r"


def _paths(value: Any, at: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in inner for path in [(*at, key), *_paths(one, (*at, key))]]


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value
