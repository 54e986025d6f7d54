"""What `paceline estimate` shows: the table function `estimate`, on stated or measured demand."""

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb

from pipelines.functions import list_prices_only

NEEDED = ("developers", "tasks_per_day", "tokens_per_task")
OPTIONAL = ("input_ratio", "working_days", "cache_read_ratio")


def estimate(demand: Mapping[str, float], as_of: date) -> tuple[list[str], list[tuple]]:
    """Columns and rows of `estimate` at the list prices of a day."""
    options = [name for name in OPTIONAL if name in demand]
    named = "".join(f", {name} := ?" for name in options)
    with list_prices_only() as db:
        cursor = db.execute(
            f"from estimate(?, ?, ?, as_of := ?{named})",
            [*(demand[name] for name in NEEDED), as_of, *(demand[name] for name in options)],
        )
        return [column[0] for column in cursor.description], cursor.fetchall()


def measured_demand(db: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """The organisation's demand as plan.demand measured it last; what it does not know is left out."""
    found = db.execute("""
        select developers, tasks_per_developer_day, tokens_per_task, input_ratio, working_days, cache_read_ratio
        from plan.demand where scope = 'org' and demand_tokens > 0 order by month desc limit 1""").fetchone()
    names = (*NEEDED, *OPTIONAL)
    return {name: float(value) for name, value in zip(names, found or [None] * 6, strict=True) if value is not None}


def in_words(demand: Mapping[str, float], rows: Sequence[tuple]) -> str:
    """The demand in one line."""
    if not rows:
        return "No reference model has a price on that day."
    factors = (
        f"{demand['developers']:g} developers x {demand['tasks_per_day']:g} tasks x {demand['tokens_per_task']:,.0f}"
    )
    return f"{factors} tokens x {demand.get('working_days', 22):g} working days = {rows[0][5]:,} tokens a month"


def readable(row: tuple) -> tuple:
    """A row for people: dollars as they are said, prices per million tokens."""
    provider, model, in_usd, _, out_usd, _, month, each, times = row
    return provider, model, f"${in_usd:.2f}", f"${out_usd:.2f}", _usd(month), _usd(each), f"{times:.0f} x"


def _usd(amount: float) -> str:
    return f"${amount:,.0f}" if amount >= 10 else f"${amount:,.2f}"
