"""Pictures of Dagster's UI for the documentation: `python -m tests.screenshots` (`make pictures`).

Runs the example company in a folder of its own, opens the UI in Debian's chromium and writes docs/images/dagster_*.png.
With `--data-dir` it takes a folder that has been run already. Needs the extra `browser`.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.settings import ROOT
from tests.runs import environment, paceline

IMAGES = ROOT / "docs" / "images"
START_SECONDS, PAGE_SECONDS = 180, 90


@dataclass(frozen=True)
class Picture:
    """A page, the text that is there when it is ready, what is pressed then, and a text that is scrolled to."""

    path: str
    ready: str
    presses: tuple[str, ...] = ()
    shows: str | None = None


PICTURES = {
    "graph": Picture("/asset-groups", "8_published"),
    "asset": Picture("/assets/plan/cap_utilization", "Fresh", shows="Status"),
    "table": Picture("/assets/plan/cap_utilization", "caps_plot", shows="used_ratio"),
    "plot": Picture("/assets/plan/cap_utilization", "caps_plot", presses=("[Show Markdown]",)),
    "checks": Picture("/assets/plan/cap_utilization?view=checks", "is one of", presses=("grain",)),
    "partitions": Picture("/assets/raw/litellm__requests?view=partitions", "2026-11-22", presses=("2026-11-20",)),
    "launchpad": Picture("/locations/paceline/jobs/daily", "Materialize all", presses=("Open launchpad",)),
}


@contextmanager
def webserver(data_dir: Path) -> Iterator[str]:
    """`make ui` on this data directory; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    dagster = str(Path(sys.executable).with_name("dagster"))
    server = subprocess.Popen(
        [sys.executable, "-m", "pipelines.home", dagster, "dev", "-h", "127.0.0.1", "-p", port, "-w", "workspace.yaml"],
        cwd=ROOT,
        env=environment(data_dir),
        stdout=sys.stderr,
        stderr=sys.stderr,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{address}/server_info", timeout=5).close()
                break
            except OSError as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"Dagster's UI does not answer at {address}: {error}") from error
                time.sleep(0.5)
        yield address
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:  # started in the background of a shell it never hears that signal
            os.killpg(server.pid, signal.SIGKILL)


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's chromium, or Playwright's own where that is installed instead."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            yield found
        finally:
            found.close()


def take(page: Page, address: str, name: str, folder: Path = IMAGES) -> Path:
    """One picture, when its text stands there."""
    wanted = PICTURES[name]
    page.goto(f"{address}{wanted.path}")
    page.get_by_text(wanted.ready).first.wait_for()
    if name == "launchpad":  # behind the arrow beside the button
        button = page.get_by_role("button", name="Materialize all").bounding_box()
        page.mouse.click(button["x"] + button["width"] + 12, button["y"] + button["height"] / 2)
    for press in wanted.presses:
        page.get_by_text(press, exact=True).first.click()
    if name == "launchpad":
        # Until a first plan is issued.
        page.get_by_role("button", name="Confirm").click()
        page.locator(".CodeMirror-line", has_text="read_again_to").click()
        page.keyboard.press("End")  # the side explains the fields around the cursor
        page.get_by_text("as if it had just ended").wait_for()
    if wanted.shows:
        page.get_by_text(wanted.shows, exact=True).last.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"dagster_{name}.png"
    page.screenshot(path=picture)
    return picture


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="A data directory that holds a finished run.")
@click.argument("names", nargs=-1)
def main(data_dir: Path | None, names: tuple[str, ...]) -> None:
    """Take all pictures, or those named."""
    with tempfile.TemporaryDirectory(prefix="paceline-pictures-") as empty:
        if data_dir is None:
            data_dir = Path(empty)
            done = paceline(data_dir, "run")
            if done.returncode:
                raise SystemExit(done.stderr)
        with webserver(data_dir.resolve()) as address, browser() as chromium:
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PAGE_SECONDS * 1000)
            for name in names or PICTURES:
                print(take(page, address, name))


if __name__ == "__main__":
    main()
