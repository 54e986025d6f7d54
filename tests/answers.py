"""`python -m tests.answers` writes the answers below the queries of all pages anew (docs/answers.py)."""

import tempfile
from pathlib import Path

from docs.answers import PAGES, with_answers
from pipelines.publish import read_warehouse
from tests.example_bills import RUN, bills, with_bills
from tests.runs import paceline


def _write() -> None:
    with tempfile.TemporaryDirectory() as folder, bills() as providers:
        for is_billed, args, variables in ((False, ("run",), {}), (True, RUN, with_bills(providers))):
            data_dir = Path(folder) / f"with_bills_{is_billed}"
            data_dir.mkdir()
            done = paceline(data_dir, *args, **variables)
            assert done.returncode == 0, done.stderr
            with read_warehouse(data_dir / "warehouse.duckdb") as db:
                for page in PAGES:
                    page.write_text(with_answers(page.read_text(), db, is_billed))


if __name__ == "__main__":
    _write()
