"""A page in a browser, and everything that it asked for or complained about."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PHONE, DESKTOP = 360, 1280
# Open what is folded, so that it is looked at, too.
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true })"


def chromium_path() -> str | None:
    """Where this machine has a Chromium."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Shown(NamedTuple):
    """The page (Playwright's), the addresses it asked for, and what the browser complained about."""

    page: Any
    asked: list[str]
    complaints: list[str]

    @property
    def is_within_its_width(self) -> bool:
        """Whether nothing has to be scrolled sideways, but for what scrolls in itself."""
        return self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def texts(self, selector: str) -> Sequence[str]:
        """The text of every element that can be seen."""
        return self.page.locator(selector).filter(visible=True).all_inner_texts()


@contextmanager
def shown(browser, file: Path, width: int = DESKTOP, scheme: str = "light", anchor: str = "") -> Iterator[Shown]:
    """The report in a window of this width, when its charts are drawn."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, asked, complaints = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.goto(file.as_uri() + anchor)
    page.wait_for_selector("body[data-drawn]", state="attached")
    yield Shown(page, asked, complaints)
    context.close()


def barriers(page) -> Mapping[str, list[str]]:
    """What axe-core finds in the way of people who cannot see or point: {rule: places}."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(UNFOLD)
    found = Axe().run(page).response["violations"]
    return {one["id"]: [str(node["target"]) for node in one["nodes"]] for one in found}
