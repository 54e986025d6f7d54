"""What somebody should look at in the published warehouse though nothing failed: said by each run and by the doctor."""

from collections.abc import Iterator

from pipelines.publish import read_warehouse
from pipelines.settings import Settings

SHOWN_DAYS = 3


def remarks(settings: Settings) -> Iterator[str]:
    """One line each. Nothing where no warehouse is, or one of an earlier version."""
    if not settings.warehouse_file.exists():
        return
    with read_warehouse(settings.warehouse_file) as db:
        known = {
            name
            for (name,) in db.execute("select table_name from duckdb_tables() where schema_name = 'ops'").fetchall()
        }
        if "unused_prices" in known:
            for row in db.execute("from ops.unused_prices order by all").fetchall():
                yield _price(*row)
        if "reported_costs" in known:
            costs = "select provider, model, reported_ratio from ops.reported_costs order by all"
            for row in db.execute(costs).fetchall():
                yield _cost(*row)
        if "missing_days" in known:
            days = (
                "select feed, list(missing_date order by missing_date) from ops.missing_days group by all order by all"
            )
            for row in db.execute(days).fetchall():
                yield _days(*row)


def _price(provider: str, model: str, valid_from, valid_to, did_you_mean: str | None) -> str:
    meant = f"; did you mean {did_you_mean}?" if did_you_mean else ""
    row = f"price_overrides.csv, row {provider},{model},{valid_from}"
    return f"{row}: nobody uses this model, no price list knows it{meant}"


def _cost(provider: str, model: str, reported_ratio: float) -> str:
    said = f"{provider} {model}: its source reports {reported_ratio:.2f} times what it costs here, of the last 30 days"
    return (
        f"{said}. Say what was agreed in price_overrides.csv; where that is said, LiteLLM's model_cost does not know it"
    )


def _days(feed: str, days: list) -> str:
    named = ", ".join(map(str, days[:SHOWN_DAYS]))
    named += f" and {len(days) - SHOWN_DAYS} more" if len(days) > SHOWN_DAYS else ""
    again = f"paceline run --from {days[0]} --to {days[-1]}"
    return f"{feed} has no records of {named}. Read again: {again}. If nobody used it that day, nothing is to be done"
