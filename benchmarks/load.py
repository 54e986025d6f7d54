"""A day of a large company through the whole run: peak memory, wall time, progress, and nothing lost.

`python -m benchmarks.load [calls] [developers]`: 10 M calls of 10,000 developers in LiteLLM's records, trimmed to what
is read (about 0.9 kB), beside the stand-ins of nine other sources, one of which takes its time to answer. Tokens
follow the quantiles of an hour of two real services, code and conversation (`SHAPE`). All of it is deleted afterwards.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.settings import EXAMPLES
from tests.other_bills import set_cloud_credentials
from tests.providers import Providers

DAY = date(2026, 11, 22)
DEFAULT = (10_000_000, 10_000)  # calls, developers
CALLS_PER_FILE = 50_000
SLOW = "/openrouter/activity"
SLOW_SECONDS = 30
# Every 20th of ContextTokens and GeneratedTokens, of AzureLLMInferenceTrace_code and _conv (November 2023, Azure public
# data set, https://github.com/Azure/AzurePublicDataset, CC-BY 4.0; Splitwise, ISCA '24).
SHAPE = (
    (3, 75, 147, 232, 385, 578, 770, 938, 1075, 1261, 1469, 1690, 1909, 2164, 2433, 2745, 3193, 3923, 5194, 7315, 7437),
    (6, 6, 7, 7, 8, 9, 9, 10, 11, 12, 13, 14, 16, 18, 20, 24, 29, 39, 55, 90, 1899),
    (2, 181, 207, 372, 387, 396, 403, 414, 703, 984, 1020, 1045, 1071, 1097, 1130, 1189, 1315, 1877, 2735, 4083, 14050),
    (7, 41, 54, 67, 77, 85, 91, 96, 103, 113, 129, 151, 177, 217, 384, 395, 400, 411, 424, 451, 1000),
)
# One file: a part of the day's calls. `dice` is a hash, so the same numbers give the same calls.
CALLS = """
    copy (
        with dice as (
            select
                n,
                'dev-' || hash(n, 'who') % $developers as dev,
                n % 2 * 2 as shape,
                (hash(n, 'in') % 20000)::bigint as i,
                (hash(n, 'out') % 20000)::bigint as o,
                epoch($day::timestamp) + hash(n, 'at') % 86400000 / 1000 as started
            from range($first, $last) as numbers (n)
        ),
        counts as (
            select *, $shape[shape + 1][i // 1000 + 1] + ($shape[shape + 1][i // 1000 + 2] -
                $shape[shape + 1][i // 1000 + 1]) * (i % 1000) // 1000 as prompt_tokens,
                $shape[shape + 2][o // 1000 + 1] + ($shape[shape + 2][o // 1000 + 2] -
                $shape[shape + 2][o // 1000 + 1]) * (o % 1000) // 1000 as completion_tokens
            from dice
        )
        select 'chatcmpl-' || md5(n::varchar) as id, 'call-' || n as litellm_call_id,
            md5(concat(dev, started::bigint // 3600)) as trace_id,
            'acompletion' as call_type, 'success' as status, false as cache_hit, 'anthropic' as custom_llm_provider,
            'anthropic/' || ['claude-opus-4-7', 'claude-sonnet-4-6', 'claude-haiku-4-5'][n % 3 + 1] as model,
            'claude' as model_group, started as startTime, started + 4.5 as endTime, prompt_tokens, completion_tokens,
            0.001 as response_cost, ['task:T-' || n % 5000, 'User-Agent: claude-cli'] as request_tags,
            {user_api_key_hash: md5(dev), user_api_key_alias: dev || '-agent', user_api_key_user_id: dev,
                user_api_key_user_email: dev || '@example.test', user_api_key_team_id: 'team-' || hash(dev) % 200,
                user_api_key_request_route: '/v1/messages', user_agent: 'claude-cli/2.1.197 (external, cli)',
                usage_object: {prompt_tokens: prompt_tokens, completion_tokens: completion_tokens,
                    prompt_tokens_details: {cached_tokens: prompt_tokens // 2}}} as metadata
        from counts
    ) to '$file' (format json)"""


def write_calls(folder: Path, calls: int, developers: int) -> int:
    """Write the day's calls below a folder as the proxy would name it; returns how many bytes."""
    place = folder / str(DAY)
    place.mkdir(parents=True)
    for number, first in enumerate(range(0, calls, CALLS_PER_FILE)):
        given = {
            "developers": str(developers), "day": f"'{DAY}'", "shape": str([list(one) for one in SHAPE]),
            "first": str(first), "last": str(min(calls, first + CALLS_PER_FILE)),
            "file": str(place / f"batch_{number:04}.jsonl"),
        }  # fmt: skip
        sql = CALLS
        for name, value in given.items():
            sql = sql.replace(f"${name}", value)
        with duckdb.connect() as db:
            db.execute(sql)
    return sum(file.stat().st_size for file in place.iterdir())


def resident_bytes(root: int) -> int:
    """What a process and those below it hold in memory."""
    found, pages = [root], 0
    while found:
        process = found.pop()
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
            for task in Path(f"/proc/{process}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it has ended
    return pages * os.sysconf("SC_PAGESIZE")


class SlowProviders(Providers):
    """The stand-ins, one of which answers late."""

    def answer(self, path: str, query: dict) -> dict | None:
        if path == SLOW:
            time.sleep(SLOW_SECONDS)
        return super().answer(path, query)


def main() -> None:
    """Make up the day, run it, print what it took."""
    calls, developers = (int(each) for each in (*sys.argv[1:], *DEFAULT[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as monkeypatch:
        folder, providers = Path(root), SlowProviders()
        set_cloud_credentials(monkeypatch, folder, providers.address)
        size = write_calls(folder / "logs", calls, developers)
        print(
            f"{calls:,} calls of {developers:,} developers, {size / 1e9:.1f} GB, DuckDB {duckdb.__version__}",
            flush=True,
        )
        variables = providers.environ | providers.other_environ
        variables |= {
            "LITELLM_LOGS": str(folder / "logs"), "PACELINE_DATA_DIR": str(folder / "data"),
            "PACELINE_ORG_DIR": str(EXAMPLES / "org"), "PACELINE_AS_OF": str(DAY),
        }  # fmt: skip
        command = [str(Path(sys.executable).with_name("paceline")), "run", "--no-alerts"]
        started, peak, silence, last = time.monotonic(), 0, 0.0, time.monotonic()
        with subprocess.Popen(
            command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as run:
            heard: list[tuple[float, str]] = []
            threading.Thread(
                target=lambda: [heard.append((time.monotonic(), line.rstrip())) for line in run.stdout], daemon=True
            ).start()
            shown = 0
            while run.poll() is None:
                peak = max(peak, resident_bytes(run.pid))
                for at, line in heard[shown:]:
                    print(f"{at - started:8.1f} s  {peak / 1e9:5.2f} GB  {line}", flush=True)
                    silence, last, shown = max(silence, at - last), at, shown + 1
                time.sleep(0.2)
            time.sleep(0.5)
            for at, line in heard[shown:]:
                print(f"{at - started:8.1f} s  {peak / 1e9:5.2f} GB  {line}", flush=True)
        providers.stop()
        took = time.monotonic() - started
        with duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True) as db:
            ((counted,),) = db.execute(
                "select sum(requests)::bigint from core.fct_usage_daily where route = 'gateway'"
            ).fetchall()
            loads = db.execute(
                "select feed, status, started_at, finished_at from ops.loads order by started_at"
            ).fetchall()
        begin = min(at for *_, at, _ in loads)
        for feed, status, *times in loads:
            first, last = ((at - begin).total_seconds() for at in times)
            print(f"  {feed:<32}{status:<12}{first:8.1f} s to {last:8.1f} s")
        print(f"calls in {calls:,}, counted {counted:,}; {took:.0f} s")
        print(f"peak {peak / 1e9:.2f} GB, longest silence {silence:.0f} s")
        assert counted == calls


if __name__ == "__main__":
    main()
