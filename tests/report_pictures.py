"""The pictures of the report in the documentation, taken of `report.html` in the data directory.

`python -m tests.report_pictures`, after a run on the example company.
"""

from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from pipelines.settings import ROOT, load_settings
from tests.pages import DESKTOP, PHONE, chromium_path, shown

IMAGES = ROOT / "docs" / "images"
# Name: width and height in pixels, scheme, team, the part that is at the top.
PICTURES = {
    "report_desktop": (DESKTOP, 1400, "light", "", ""),
    "report_phone": (PHONE, 1000, "dark", "#team=payments", "#exhibit-20_month_end"),
}
MOST_BYTES = 200_000


def main() -> None:
    """Take them, and make them small."""
    page_file = load_settings().report_file
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path())
        for name, (width, height, scheme, anchor, top) in PICTURES.items():
            with shown(chromium, page_file, width, scheme, anchor) as seen:
                seen.page.set_viewport_size({"width": width, "height": height})
                if top:
                    seen.page.evaluate("(top) => document.querySelector(top).scrollIntoView()", top)
                print(small(IMAGES / f"{name}.png", seen.page.screenshot()))
        chromium.close()


def small(file: Path, png: bytes) -> str:
    """Write a picture with 192 colours, which such a page is as good with; what was written, in words."""
    file.write_bytes(png)
    Image.open(file).convert("RGB").quantize(192, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    assert size < MOST_BYTES, f"{file} has {size:,} bytes"
    return f"{file.relative_to(ROOT)}: {size:,} bytes"


if __name__ == "__main__":
    main()
