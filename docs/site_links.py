"""MkDocs hook: pages outside docs/ become pages of the site, and every link between pages holds there as on a forge.

README.md is the site's first page. A link to a file that is no page (code, a CSV) becomes its words, for the site has
no files but pages and images.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent

# Path in the repository -> path in the site.
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "DECISIONS.md": "decisions.md",
    "SECURITY.md": "security_policy.md",
    "examples/README.md": "example_company.md",
    "examples/mappings/README.md": "mappings.md",
}
LINK = re.compile(r"(!?)\[((?:[^\]\[]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    for path, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links as the site has them."""
    here = next((path for path, name in OUTSIDE.items() if name == page.file.src_uri), f"docs/{page.file.src_uri}")
    return LINK.sub(lambda found: _link(here, page.file.src_uri, *found.groups()), markdown)


def _link(here: str, page: str, mark: str, words: str, target: str) -> str:
    path, hash_, anchor = target.partition("#")
    if re.match(r"\w+:", target) or not path:
        return f"{mark}[{words}]({target})"
    file = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
    if file in OUTSIDE or file.startswith("docs/"):
        there = OUTSIDE.get(file, file.removeprefix("docs/"))
        return f"{mark}[{words}]({posixpath.relpath(there, posixpath.dirname(page) or '.')}{hash_}{anchor})"
    return words if (ROOT / file).exists() else f"{mark}[{words}]({target})"
