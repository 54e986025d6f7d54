"""What `make bench` measures: `python -m benchmarks.bench [--large] [part ...]`.

Parts: reading (JSON to lake to marts, by scale), history (a day after years), quiet (nothing new, with and without
Dagster), queries (analysts', while a run writes), peers (LiteLLM's SQL), agents (ccusage). Without arguments all of
them at small scales, some minutes; `--large` takes those of the aims, an hour or so and 20 GB of disk; each scale can
be given (100 M calls need 170 GB). Prints a table and keeps it, with versions and hardware, as
benchmarks/results/<date>.json beside a chart.
"""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import history, peers, queries, quiet, reading, transcripts
from benchmarks.measure import Row, machine, save, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS = Path(__file__).parent / "results"
PARTS = {
    "reading": lambda given: reading.measure(given.calls, given.full_up_to),
    "history": lambda given: history.measure(given.history),
    "quiet": lambda given: quiet.measure(given.times),
    "queries": lambda given: queries.measure(given.developers, given.days),
    "peers": lambda given: peers.measure(given.peer_calls),
    "agents": lambda given: transcripts.measure(given.megabytes * 10**6),
}
SMALL = {"calls": [1_000, 100_000], "full_up_to": 100_000, "history": [0, 30], "times": 2, "developers": 1_000,
         "days": 365, "peer_calls": 100_000, "megabytes": 50}  # fmt: skip
LARGE = {"calls": [1_000, 100_000, 1_000_000, 10_000_000], "full_up_to": 1_000_000, "history": [0, 30, 365, 730],
         "times": 3, "developers": 10_000, "days": 365, "peer_calls": 1_000_000, "megabytes": 200}  # fmt: skip
# Lines of the chart, by what was measured.
BY_CALLS = (
    ("DuckDB's bare scan", "#56585c"),
    ("JSON to lake, all rules", "#0072b2"),
    ("JSON to all marts, without Python's start", "#d55e00"),
)
BY_DAYS = (
    ("one more day: all steps, CPU", "#d55e00"),
    ("dbt, two at a time: decision half", "#009e73"),
    ("dbt, two at a time: event half", "#0072b2"),
)


def main() -> None:
    """Measure, print, keep."""
    given = arguments()
    said = machine()
    print(", ".join(f"{name} {value}" for name, value in said.items()))
    rows: list[Row] = []
    for part in given.parts:
        found = PARTS[part](given)
        show(found)
        rows += found
    given.results.mkdir(parents=True, exist_ok=True)
    file = given.results / f"{datetime.now(UTC):%Y-%m-%d}.json"
    save(file, rows, {name: value for name, value in vars(given).items() if name != "results"})
    if drawn := chart(rows, said):
        file.with_suffix(".png").write_bytes(drawn)
    print(f"kept in {file}")


def arguments(args: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line asks for; a scale that is given goes before the preset."""
    parser = argparse.ArgumentParser(description="Measure Paceline; ratios within one run.")
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--large", action="store_true", help="the scales of the aims: an hour or so, 20 GB of disk")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table and the chart")
    for name, value in SMALL.items():
        several = "+" if isinstance(value, list) else None
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"(default: {value})", nargs=several)
    given = parser.parse_args(args)
    if unknown := sorted(set(given.parts) - PARTS.keys()):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    given.parts = given.parts or list(PARTS)
    for name, value in (LARGE if given.large else SMALL).items():
        if getattr(given, name) is None:
            setattr(given, name, value)
    return given


def chart(rows: Sequence[Row], said: Mapping[str, object]) -> bytes | None:
    """Seconds by calls and by days of history, as PNG; None where nothing was measured at two scales."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [
        (title, lines)
        for title, words, names in (
            ("seconds by calls (slim records)", "calls, slim", BY_CALLS),
            ("seconds of one more day, by days of history", "day ", BY_DAYS),
        )
        if len(lines := _lines(rows, words, names)) and max(len(points) for _, _, points in lines) > 1
    ]
    if not panels:
        return None
    figure = Figure(figsize=(8 * len(panels), 5), dpi=100, facecolor="#ffffff", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{said['cores']} cores, DuckDB {said['duckdb']}", x=0.01, ha="left", color="#56585c")
    for number, (title, lines) in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), number)
        _draw(axes, title, lines, logarithmic="calls" in title)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def _lines(rows: Sequence[Row], words: str, names: Sequence[tuple[str, str]]) -> list[tuple[str, str, list]]:
    found = []
    for name, color in names:
        points = [(_number(row.at), row.value) for row in rows if row.what == name and words in row.at]
        if points:
            found.append((name, color, sorted(points)))
    return found


def _number(at: str) -> float:
    """10 M calls, slim -> 10000000; day 31 -> 31."""
    words = [word for word in at.replace(",", "").split() if word != "day"]
    return float(words[0]) * {"k": 1e3, "M": 1e6}.get(words[1] if words[1:] else "", 1)


def _draw(axes: "Axes", title: str, lines: list[tuple[str, str, list]], logarithmic: bool) -> None:
    for name, color, points in lines:
        axes.plot(*zip(*points, strict=True), marker="o", color=color, linewidth=3, label=name)
    if logarithmic:
        axes.loglog()
    else:
        axes.set_ylim(bottom=0)
    axes.set_title(title, loc="left", weight="bold")
    axes.grid(color="#e4e6e8")
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
