"""`python -m tests.example_bills`: the example company with its providers' bills, in data/with-bills.

Stand-ins of the providers' billing APIs answer on the loopback interface with `tests/data/bill.csv`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.settings import EXAMPLES, load_settings
from tests.providers import Providers
from tests.runs import paceline

RUN = ("run", "--from", "2026-08-24")
SHOWN = """
    select strftime(month, '%Y-%m') as month, provider, observed_tokens, billed_tokens, bypass_tokens, remaining_tokens,
        is_apart
    from core.reconciliation_monthly order by all"""


def with_bills(providers: Providers) -> dict[str, str]:
    """The variables of the example company with its bills."""
    return providers.environ | {
        "LITELLM_LOGS": str(EXAMPLES / "gateway"),
        "PACELINE_ORG_DIR": str(EXAMPLES / "org"),
        "PACELINE_AS_OF": "2026-11-22",
    }


@contextmanager
def bills() -> Iterator[Providers]:
    """The stand-ins, as long as they are needed."""
    providers = Providers()
    try:
        yield providers
    finally:
        providers.stop()


def _show(data_dir: Path) -> int:
    data_dir.mkdir(parents=True, exist_ok=True)
    with bills() as providers:
        done = paceline(data_dir, *RUN, "--no-alerts", **with_bills(providers))
    print(done.stderr, file=sys.stderr)
    if done.returncode == 0:
        print(paceline(data_dir, "query", SHOWN).stdout)
        print(f"More: {data_dir / 'report.html'}, or ask: PACELINE_DATA_DIR={data_dir} .venv/bin/paceline query ...")
    return done.returncode


if __name__ == "__main__":
    sys.exit(_show(load_settings().data_dir / "with-bills"))
