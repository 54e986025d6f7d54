"""What Dagster shows of the tables that people look at: a plot, a table and numbers that Dagster draws over time.

Plots are small SVG images, for a plotting library would cost every run more seconds than all of this. Each function
gets a connection to the build file and gives metadata; where there is nothing to show yet, it says what is missing.
"""

import base64
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import dagster as dg
import duckdb

from alerts._format import percent
from pipelines.console import visible
from pipelines.publish import rows_of

MOST_ROWS = 40
NO_BREAK = "\N{NO-BREAK SPACE}"
# Okabe and Ito, as in the charts of the monthly plan; a card of its own, for the UI is light or dark.
_BLUE, _ORANGE, _GREEN, _INK = "#0072b2", "#d55e00", "#009e73", "#1d1c1d"
_WIDTH, _LEFT, _RIGHT, _LINE = 760, 190, 70, 26

CAPS = """
    select
        scope, scope_id, used_ratio, projected_ratio_p50 as month_end_ratio, projected_ratio_p10 as p10,
        projected_ratio_p90 as p90, used_tokens, cap_tokens, cap_usd, probability_over, crosses_cap_on, status,
        as_of_date, month
    from plan.cap_utilization
    where month = date_trunc('month', as_of_date) and used_ratio is not null
    order by array_position(['org', 'team', 'pool', 'developer'], scope), used_ratio desc, scope_id"""
BILLS = """
    select
        utc_date, sum(observed_tokens) as observed, sum(billed_tokens) as billed, sum(billed_usd) as billed_usd,
        sum(observed_usd) as observed_usd, string_agg(distinct cause, ', ' order by cause) as causes
    from core.fct_reconciliation_daily
    where utc_date > (select max(utc_date) - 30 from core.fct_reconciliation_daily)
    group by utc_date order by utc_date"""
ACCURACY = """
    select scope, day_of_month, forecasts, wape_ratio, run_rate_wape_ratio, inside_range_ratio
    from plan.forecast_accuracy where wape_ratio is not null
    order by array_position(['org', 'team', 'developer'], scope), day_of_month"""


def looks(db: duckdb.DuckDBPyConnection, key: str) -> dict[str, Any]:
    """Metadata of one table by its asset key; none for those that nobody looks at by themselves.

    Where a look fails, what went wrong: the table is right all the same.
    """
    try:
        return _LOOKS[key](db) if key in _LOOKS else {}
    except Exception as error:  # whatever is wrong with a picture, it fails no step
        return {"not_shown": f"{type(error).__name__}: {error}"}


def _caps(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    caps = rows_of(db, CAPS)
    if not caps:
        return {"caps": "No scope has a cap this month: put caps into caps.csv, or wait for 14 measured days."}
    bars = [
        (
            f"{row['scope']} {row['scope_id']}",
            row["used_ratio"],
            (row["p10"], row["p90"]),
            _colour(row["status"]),
        )
        for row in caps[:MOST_ROWS]
    ]
    month, as_of = caps[0]["month"], caps[0]["as_of_date"]
    title = f"Used of the caps of {month:%B %Y} through {as_of}, and the 80 % range at the month's end"
    return {
        "data_through": str(as_of),
        "caps_plot": _plot(title, bars, "100 % = cap"),
        "caps": _table(
            caps,
            ["scope", "scope_id", "used_ratio", "month_end_ratio", "probability_over", "crosses_cap_on", "status",
             "used_tokens", "cap_tokens", "cap_usd"],
        ),
        "scopes_over": sum(row["status"] in ("over", "drawing_from_pool") for row in caps),
        "scopes_near": sum(row["status"] == "near" for row in caps),
    }  # fmt: skip


def _bills(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    days = rows_of(db, BILLS)
    if not days:
        return {"coverage": "No bill is read beside the logs: set a provider's key, ANTHROPIC_ADMIN_KEY for example."}
    for day in days:
        day["coverage_ratio"] = float(day["observed"] / day["billed"]) if day["billed"] else None
    told = [day for day in days if day["coverage_ratio"] is not None]
    bars = [(str(day["utc_date"]), day["coverage_ratio"], (None, None), _BLUE) for day in told]
    billed = sum(day["billed"] for day in told)
    return {
        "data_through": str(days[-1]["utc_date"]),
        "coverage_plot": _plot("Tokens that the gateway saw, of those billed, by UTC day", bars, "100 % = the bill"),
        "coverage": _table(
            days[::-1], ["utc_date", "observed", "billed", "coverage_ratio", "observed_usd", "billed_usd", "causes"]
        ),
        **({"coverage_ratio_30_days": float(sum(day["observed"] for day in told) / billed)} if billed else {}),
    }


def _accuracy(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    judged = rows_of(db, ACCURACY)
    if not judged:
        return {"accuracy": "Nothing to judge yet: a month counts when twelve weeks are measured before it."}
    bars = [
        (f"{row['scope']}, day {row['day_of_month']}", row["wape_ratio"], (None, row["run_rate_wape_ratio"]), _GREEN)
        for row in judged
    ]
    return {
        "accuracy_plot": _plot("Error of the month-end forecast; the whisker is the straight line's", bars, None),
        "accuracy": _table(judged, list(judged[0])),
        **{f"error_ratio_{row['scope']}_day_15": row["wape_ratio"] for row in judged if row["day_of_month"] == 15},
    }


_LOOKS: dict[str, Callable[[duckdb.DuckDBPyConnection], dict[str, Any]]] = {
    "plan/cap_utilization": _caps,
    "core/fct_reconciliation_daily": _bills,
    "plan/forecast_accuracy": _accuracy,
}


def _colour(status: str) -> str:
    return {"over": _ORANGE, "drawing_from_pool": _ORANGE, "near": "#e69f00"}.get(status, _BLUE)


def _table(rows: Sequence[dict], columns: Sequence[str]) -> dg.TableMetadataValue:
    """The first rows, ratios in per cent; some as bars, too, for Dagster shows a plot only after a click."""
    records = [dg.TableRecord({name: _cell(name, row[name]) for name in columns}) for row in rows[:MOST_ROWS]]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name, "string") for name in columns]))


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in ("used_ratio", "coverage_ratio"):
        bar = "█" * min(round(value * 10), 10)
        return f"{bar:░<10}{'▶' if value > 1 else ''} {percent(value)}".replace(" ", NO_BREAK)
    if name.endswith("_ratio") or name.startswith("probability"):
        return percent(value)
    if name.endswith("_usd"):
        return f"{value:,.2f}"
    return str(value) if not isinstance(value, int) or isinstance(value, bool) else f"{value:,}"


def _plot(
    title: str, bars: Sequence[tuple[str, float, tuple[float | None, float | None], str]], line: str | None
) -> dg.MarkdownMetadataValue:
    """Bars from 0, each with its name, its value in per cent and a whisker; a line at 100 % where it is named."""
    most = max([1.0 if line else 0.01, *(max(value, high or 0) for _, value, (_, high), _ in bars)])
    most = min(most, 3.0)  # one scope far above its cap must not flatten the others
    height = 46 + _LINE * len(bars) + 8

    def x(value: float) -> float:
        return round(_LEFT + min(value, most) / most * (_WIDTH - _LEFT - _RIGHT), 1)

    shapes = [
        f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text x="12" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    if line:
        shapes += [
            f'<line x1="{x(1)}" x2="{x(1)}" y1="42" y2="{height - 6}" stroke="{_INK}" stroke-dasharray="4 3"/>',
            f'<text x="{x(1)}" y="38" text-anchor="middle" font-size="11">{escape(line)}</text>',
        ]
    for place, (name, value, (low, high), colour) in enumerate(bars):
        top = 46 + place * _LINE
        shapes += [
            f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(visible(name[:26]))}</text>',
            f'<rect x="{_LEFT}" y="{top + 4}" width="{x(value) - _LEFT:.1f}" height="14" fill="{colour}"/>',
            f'<text x="{_WIDTH - 12}" y="{top + 15}" text-anchor="end">{percent(value)}</text>',
        ]
        if high is not None:
            start = x(low if low is not None else value)
            shapes.append(
                f'<path d="M{start} {top + 11}H{x(high)}M{x(high)} {top + 6}v10" stroke="{_INK}" stroke-width="1.5"/>'
            )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="13" fill="{_INK}">{"".join(shapes)}</svg>'
    )
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")
