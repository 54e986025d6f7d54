"""How things are measured here: best of several, processes with their memory, and rows that say what came out.

Seconds differ from machine to machine and from hour to hour, ratios within one run less so.
"""

import json
import os
import platform
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("duckdb", "dagster", "dbt-core", "dbt-duckdb")
SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Row:
    """One figure: of which part, what was measured, at which scale, and what it should be."""

    part: str
    what: str
    at: str
    value: float
    unit: str
    aim: str = ""


@dataclass(frozen=True)
class Ran:
    """What a process and its children took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def best(work: Callable[[], object], times: int) -> float:
    """Seconds of the fastest of several tries."""
    return least(work, times)[0]


def least(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Seconds of the wall and of CPU (this process, all threads), each the least of several tries."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def run(command: Sequence[str], env: Mapping[str, str]) -> Ran:
    """Run a command to its end. Raises CalledProcessError with what it said when it fails."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ended, peaks = threading.Event(), [0]
    watcher = threading.Thread(target=_watch, args=(child.pid, ended, peaks))
    watcher.start()
    before = os.times()
    try:
        output, errors = child.communicate()
    finally:
        ended.set()
        watcher.join()
    after = os.times()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, output, errors[-4000:])
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(time.perf_counter() - start, cpu, max(peaks), output)


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


def _watch(process: int, ended: threading.Event, peaks: list[int]) -> None:
    while not ended.wait(SECONDS_BETWEEN_LOOKS):
        peaks.append(resident_bytes(process))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def count(number: int) -> str:
    """A round number in few characters: 1 k, 10 M."""
    for size, unit in ((10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:g} {unit}"
    return str(number)


def machine() -> dict[str, object]:
    """The hardware and what was measured, by version."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def show(rows: Sequence[Row]) -> None:
    """Print rows as a table."""
    for row in rows:
        aim = f"   aim: {row.aim}" if row.aim else ""
        print(f"{row.part:<10}{row.at:<22}{row.what:<58}{row.value:>12,.2f} {row.unit:<6}{aim}", flush=True)


def save(path: Path, rows: Sequence[Row], arguments: Mapping[str, object]) -> None:
    """Keep them with the machine and the versions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine(), "arguments": arguments, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(kept, indent=1) + "\n")
