"""How long a month of Claude Code's transcripts takes from disk to lake, against ccusage on the same files.

`python -m benchmarks.transcripts [megabytes]`: 200 MB are made up in the shapes of real files: prompts, tool results,
attachments, answers of several blocks, sidechains, forks. ccusage (npm) reads and sums them; Paceline writes its lake.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.measure import Row, best, show
from connectors._files import list_files
from connectors._logs import read_logs
from connectors.claude_code import calls
from pipelines.lake import Lake
from pipelines.loading import load_log_feed

CCUSAGE = "ccusage@20.0.24"
BEGIN = datetime(2026, 10, 25, 7, tzinfo=UTC)
NOW = BEGIN + timedelta(days=30)
DAYS = 28
PROJECTS = 12
MODELS = ("claude-opus-4-7", "claude-sonnet-4-6", "claude-haiku-4-5")


def write_transcripts(folder: Path, size: int, seed: int = 6) -> int:
    """Write about `size` bytes of sessions below `folder`/projects; returns the number of files."""
    dice = random.Random(seed)
    written = files = 0
    while written < size:
        project = folder / "projects" / f"-home-dev-project-{dice.randrange(PROJECTS)}"
        start = BEGIN + timedelta(days=dice.randrange(DAYS), seconds=dice.randrange(36_000))
        lines = session(dice, start, turns=max(1, int(dice.lognormvariate(3.3, 0.9))))
        session_id = lines[0]["sessionId"]
        project.mkdir(parents=True, exist_ok=True)
        written += write(project / f"{session_id}.jsonl", lines)
        files += 1
        if dice.random() < 0.05:
            fork = str(uuid.UUID(int=dice.getrandbits(128)))
            written += write(project / f"{fork}.jsonl", [line | {"sessionId": fork} for line in lines])
            files += 1
        if dice.random() < 0.15:
            aside = session(dice, start, turns=4, aside=session_id)
            # It repeats a call of the main thread: one of a single line, for ccusage counts the others twice.
            times = Counter(line.get("requestId") for line in lines)
            repeated = [line for line in lines if times[line.get("requestId")] == 1 and "requestId" in line]
            aside += [line | {"isSidechain": True, "requestId": "req_aside"} for line in repeated[:1]]
            below = project / session_id / "subagents"
            below.mkdir(parents=True)
            written += write(below / f"agent-{dice.getrandbits(32):08x}.jsonl", aside)
            files += 1
    return files


def write(path: Path, lines: list[dict]) -> int:
    """Write lines as Claude Code does, without spaces; returns how many bytes."""
    return path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def session(dice: random.Random, at: datetime, turns: int, aside: str | None = None) -> list[dict]:
    """The lines of one session; of a sidechain of the session `aside`."""
    session_id = aside or str(uuid.UUID(int=dice.getrandbits(128)))
    common = {
        "isSidechain": bool(aside), "userType": "external", "cwd": "/home/dev/project", "sessionId": session_id,
        "version": "2.1.197", "gitBranch": dice.choice(("main", "feature/PLT-7", "fix/PAY-12")),
    }  # fmt: skip
    model, read = dice.choice(MODELS), 20_000
    lines = [{"type": "attachment", "attachment": {"type": "skill_listing", "content": text(dice, 4_000)}, **common}]

    def stamped(line: dict) -> dict:
        return line | {"uuid": str(uuid.UUID(int=dice.getrandbits(128))), "timestamp": iso(at)} | common

    for _ in range(turns):
        at += timedelta(seconds=dice.randrange(20, 400))
        lines.append(stamped({"type": "user", "message": {"role": "user", "content": text(dice, 300)}}))
        for _ in range(dice.randrange(1, 6)):
            at += timedelta(seconds=dice.randrange(2, 40))
            new = dice.randrange(200, 6_000)
            usage = {
                "input_tokens": dice.randrange(3, 40), "cache_creation_input_tokens": new,
                "cache_read_input_tokens": read, "output_tokens": dice.randrange(60, 2_500),
                "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0}, "service_tier": "standard",
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": new},
                "inference_geo": "", "iterations": [], "speed": "standard",
            }  # fmt: skip
            read += new
            message = {
                "id": f"msg_{dice.getrandbits(96):024x}", "type": "message", "role": "assistant", "model": model,
                "stop_reason": "tool_use", "stop_sequence": None, "usage": usage,
            }  # fmt: skip
            request = {"requestId": f"req_{dice.getrandbits(96):024x}", "type": "assistant"}
            if dice.random() < 0.05:  # as older versions wrote while an answer streamed
                begun = message | {"usage": usage | {"output_tokens": 1}, "content": []}
                lines.append(stamped(request | {"message": begun}))
            for block in range(dice.choice((1, 1, 2, 3))):
                at += timedelta(milliseconds=dice.randrange(1, 900))
                content = [{"type": "text", "text": text(dice, 700)}]
                if block:
                    content = [{"type": "tool_use", "id": "toolu_1", "name": "Edit", "input": {"new": text(dice, 900)}}]
                lines.append(stamped(request | {"message": message | {"content": content}}))
            result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": text(dice, 2_500)}
            lines.append(stamped({"type": "user", "message": {"role": "user", "content": [result]}}))
    return lines


WORDS = (
    "the",
    "of",
    "a",
    "token",
    "cap",
    "team",
    "file",
    "test\n\t",
    '"quoted"',
    "{brace}",
    "=",
    "näher",
    "数字",
    "return",
)


def text(dice: random.Random, about: int) -> str:
    """Words, about so many characters."""
    return " ".join(dice.choices(WORDS, k=max(1, int(about * dice.lognormvariate(0, 0.6)) // 7)))


def iso(at: datetime) -> str:
    """A time as Claude Code writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def install_ccusage(folder: Path) -> Path | None:
    """The program, installed into a folder when it is not there yet; None where npm or its registry is not."""
    (folder / "home").mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / ".bin" / "ccusage").exists():
        if not shutil.which("npm"):
            return None
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), CCUSAGE]
        if subprocess.run(command, capture_output=True, timeout=120).returncode:
            return None
    # The native program, without the start of Node before it.
    natives = sorted(folder.glob("node_modules/@ccusage/*/bin/ccusage*"))
    for native in natives:
        native.chmod(0o755)
    return natives[0] if natives else folder / "node_modules" / ".bin" / "ccusage"


def cache_folder() -> Path:
    """Where ccusage is installed: outside of the project, once per machine."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paceline" / CCUSAGE


def measure(size: int = 200 * 10**6) -> list[Row]:
    """So many bytes read for the first time, again with one file changed, and by ccusage."""
    program = install_ccusage(cache_folder())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = write_transcripts(folder / "claude", size)
        lake = Lake(str(folder / "lake"), folder / "scratch")

        def load():
            return load_log_feed(lake, calls, str(folder / "claude"), NOW.date(), lambda: NOW, say=lambda _: None)

        def cold() -> None:
            shutil.rmtree(folder / "lake", ignore_errors=True)
            done = load()
            assert (done.status, done.files_read, done.quarantined) == ("loaded", files, 0), done

        first = best(cold, 3)
        at = f"{size / 1e6:,.0f} MB, {files} files"
        print(f"{at}, {load_counts(lake)}")
        rows = [Row("agents", "transcripts to lake", at, first, "s")]
        if program:
            env = os.environ | {"CLAUDE_CONFIG_DIR": str(folder / "claude"), "HOME": str(cache_folder() / "home")}
            command = [str(program), "claude", "daily", "--json", "--offline", "-z", "UTC"]
            theirs = best(lambda: subprocess.run(command, env=env, check=True, capture_output=True), 3)
            rows += [
                Row("agents", "ccusage", at, theirs, "s"),
                Row("agents", "transcripts to lake / ccusage", at, first / theirs, "x"),
            ]
        else:
            print("agents    ccusage is not measured: npm or its registry is not there")
        rows += reading(folder / "claude", first, at)
        by_size = sorted((folder / "claude").rglob("*.jsonl"), key=lambda path: path.stat().st_size)
        changed = by_size[len(by_size) // 2]

        def one_changed() -> None:
            write_more(changed)
            done = load()
            assert (done.status, done.files_read) == ("loaded", 1), done

        again = best(one_changed, 3)
        megabytes = changed.stat().st_size / 1e6
        return [
            *rows,
            Row("agents", f"one changed file of {megabytes:.1f} MB", at, again, "s"),
            Row("agents", "one changed file / first load", at, again / first, "x"),
            Row("agents", "nothing changed", at, best(load, 3), "s"),
        ]


def write_more(path: Path) -> None:
    """Append an answer to a transcript."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    last = next(line for line in reversed(lines) if line["type"] == "assistant")
    more = last | {"message": last["message"] | {"id": f"msg_{time.time_ns()}"}}
    with path.open("a") as out:
        out.write(json.dumps(more, separators=(",", ":")) + "\n")


def load_counts(lake: Lake) -> str:
    """What the lake holds."""
    files = [lake.path(path) for path in lake.files(f"raw/{calls.table}") if "/day=" in path]
    with lake.connect() as db:
        lines, found = db.execute(
            "select count(*), count(distinct message_id) from read_parquet(?)", [files]
        ).fetchall()[0]
    return f"{lines:,} lines of {found:,} calls, {len(files)} files in the lake"


def reading(folder: Path, whole: float, at: str) -> list[Row]:
    """Where the time goes."""
    files = list_files(str(folder), calls.variable, calls.file_names)[0]

    def bare() -> None:
        with duckdb.connect() as db:
            db.execute(
                "select count(*) from read_json($f, columns = {type: 'VARCHAR'}, format = 'newline_delimited',"
                " records = true, ignore_errors = true)",
                {"f": [file.path for file in files]},
            ).fetchall()

    def typed() -> None:
        with duckdb.connect() as db:
            db.execute("set TimeZone = 'UTC'")
            read_logs(db, calls, files, NOW)

    scan, read = best(bare, 3), best(typed, 3)
    return [
        Row("agents", "of it: DuckDB's bare scan", at, scan, "s"),
        Row("agents", "of it: fields and rules", at, read - scan, "s"),
        Row("agents", "of it: writing the lake", at, whole - read, "s"),
    ]


if __name__ == "__main__":
    show(measure(*(int(each) * 10**6 for each in sys.argv[1:2])))
