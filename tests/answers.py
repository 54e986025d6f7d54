"""`python -m tests.answers` writes the answers below the queries of all pages anew (docs/answers.py)."""

import tempfile
from pathlib import Path

from docs.answers import PAGES, with_answers
from pipelines.publish import read_warehouse
from pipelines.settings import EXAMPLES
from tests.providers import Providers
from tests.runs import paceline

RUN_WITH_BILLS = ("run", "--from", "2026-08-24")


def with_bills(providers: Providers) -> dict[str, str]:
    """The variables of the example company with its bills."""
    return providers.environ | {
        "LITELLM_LOGS": str(EXAMPLES / "gateway"),
        "PACELINE_ORG_DIR": str(EXAMPLES / "org"),
        "PACELINE_AS_OF": "2026-11-22",
    }


def _write() -> None:
    providers = Providers()
    with tempfile.TemporaryDirectory() as folder:
        for bills, args, variables in ((False, ("run",), {}), (True, RUN_WITH_BILLS, with_bills(providers))):
            data_dir = Path(folder) / f"with_bills_{bills}"
            data_dir.mkdir()
            done = paceline(data_dir, *args, **variables)
            assert done.returncode == 0, done.stderr
            with read_warehouse(data_dir / "warehouse.duckdb") as db:
                for page in PAGES:
                    page.write_text(with_answers(page.read_text(), db, bills))
    providers.stop()


if __name__ == "__main__":
    _write()
