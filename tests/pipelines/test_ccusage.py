"""Totals of transcripts, against those of another program that reads them: ccusage, from npm.

Its convention: input without what was read from or written to the cache, and of Gemini output without thoughts.
"""

import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.transcripts import CCUSAGE, cache_folder, install_ccusage, write_transcripts
from tests.agents import REAL, calls_of

VARIABLE = {"claude_code": "CLAUDE_CONFIG_DIR", "codex": "CODEX_HOME", "gemini_cli": "GEMINI_DATA_DIR"}
AGENT = {"claude_code": "claude", "codex": "codex", "gemini_cli": "gemini"}
KEY = {"session": "sessionId", "daily": "date", "monthly": "month"}


@pytest.fixture(scope="module")
def ccusage():
    program = install_ccusage(cache_folder())
    if not program:
        pytest.skip(f"{CCUSAGE} is not there: npm or its registry cannot be reached")
    return program


@pytest.fixture
def theirs(ccusage, tmp_path):
    """(source, folder, report) -> {session, day or month: (input, cache reads, cache writes, all)} by ccusage."""

    def ask(name: str, folder: Path, report: str) -> dict[str, tuple]:
        env = {**os.environ, "HOME": str(tmp_path), **{v: str(tmp_path / "none") for v in VARIABLE.values()}}
        done = subprocess.run(
            [ccusage, AGENT[name], report, "--json", "--offline", "-z", "UTC"],
            env=env | {VARIABLE[name]: str(folder)}, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        (rows,) = (value for key, value in json.loads(done.stdout).items() if key != "totals")
        return {
            # A rollout's session is its file, whose name ends in the id.
            row[KEY[report]][-36:]: (
                row["inputTokens"] + row["cacheReadTokens"] + row["cacheCreationTokens"],
                row["cacheReadTokens"],
                row["cacheCreationTokens"],
                row["totalTokens"],
            )
            for row in rows
        }

    return ask


def ours(rows: list[dict], report: str) -> dict[str, tuple]:
    """The same from staging."""
    key = {
        "session": lambda row: row["session_id"],
        "daily": lambda row: str(row["usage_date"]),
        "monthly": lambda row: str(row["usage_date"])[:7],
    }[report]
    sums = defaultdict(lambda: (0, 0, 0, 0))
    for row in rows:
        counts = row["input_tokens"], row["cache_read_tokens"], row["cache_write_tokens"]
        more = (*counts, row["input_tokens"] + row["output_tokens"])
        sums[key(row)] = tuple(a + b for a, b in zip(sums[key(row)], more, strict=True))
    return dict(sums)


@pytest.mark.parametrize("report", ["session", "daily", "monthly"])
@pytest.mark.parametrize("name", list(AGENT))
def test_real_transcripts_have_the_totals_that_ccusage_finds(lake, theirs, name, report):
    found = ours(calls_of(lake, name), report)

    assert found == theirs(name, REAL / name, report)
    assert len(found) == {"session": {"claude_code": 9, "codex": 2, "gemini_cli": 1}[name]}.get(report, 1)


def test_many_transcripts_have_the_totals_that_ccusage_finds(lake, logs, theirs):
    write_transcripts(logs, 20_000_000)
    rows = calls_of(lake, "claude_code", logs)

    for report in ("session", "monthly", "daily"):
        found = ours(rows, report)
        assert found == theirs("claude_code", logs, report)
        assert len(found) > {"session": 20, "daily": 10, "monthly": 1}[report]
