"""Back-test of the month-end forecast on four real teams and their members: the models' own SQL.

Each team is a company, judged by `forecast_accuracy`'s own rows: days 5 to 25 of every month with twelve weeks of
history before it. Compared with the run rate, with a 56-day weekday profile times an exponential level (span 21) and,
where the package is installed, with statsforecast's AutoETS. `python -m benchmarks.forecast`
"""

from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.models import path_of, rendered

DATA = Path(__file__).parent / "data" / "team_daily_tasks.csv.gz"
DAYS = (5, 10, 15, 20, 25)
MODELS = ("forecast_origins", "forecast_misses", "forecast_misses_pooled", "month_end_forecast")

# A task is a token. A team is judged to its last whole month.
COMPANY = """
    create or replace table tasks as
    select date::date as usage_date, dev_id, tasks from read_csv($data) where org = $org;
    create or replace table raw.paceline__run as
    select (date_trunc('month', max(usage_date) + 1) - interval 1 day)::date as as_of_date from tasks;
    create or replace table scope_daily as
    select *, date_trunc('month', usage_date)::date as month, 0 as usd from (
        select 'developer' as scope, dev_id as scope_id, 't' as team_id, usage_date, tasks as tokens from tasks
        union all
        select 'team', 't', 't', usage_date, sum(tasks) from tasks group by usage_date
        union all
        select 'org', 'org', null, usage_date, sum(tasks) from tasks group by usage_date
    ) where usage_date <= (select as_of_date from raw.paceline__run)"""
NOTHING_ELSE = """
    create schema raw;
    create table raw.org__holidays (holiday_date date);
    create table int_developers_dated (developer_id varchar, valid_to date);
    create table dim_developers (developer_id varchar, role varchar);
    create table caps_effective (scope varchar, scope_id varchar, month date, cap_tokens bigint, cap_usd double);
    create table int_assumptions as select 'buffer_ratio' as name, 0.2 as value"""
JUDGED = """
    select scope, $org || scope_id, forecast_date, actual, used, projected_p10, projected_p50, projected_p90, run_rate,
        probability_over, cap, scope_id
    from month_end_forecast where is_judged and scope != 'team' order by scope, scope_id, forecast_date"""


@dataclass(frozen=True)
class Outcome:
    """One forecast of one month, and what came."""

    scope: str
    scope_id: str
    forecast_date: date
    actual: float
    used: float
    p10: float
    p50: float
    p90: float
    run_rate: float
    probability_over: float | None
    cap: float | None
    weekday_level: float
    auto_ets: float | None = None

    @property
    def day(self) -> int:
        """Day of the month of the forecast."""
        return self.forecast_date.day


def outcomes(challenge: bool = False) -> list[Outcome]:
    """Every judged forecast of the four teams (as organisations) and their members."""
    found = []
    with duckdb.connect(config={"threads": 2}) as db:
        db.execute(NOTHING_ELSE)
        orgs = db.execute("select distinct org from read_csv($data) order by org", {"data": str(DATA)}).fetchall()
        for (org,) in orgs:
            for statement in COMPANY.split(";"):
                given = {"data": str(DATA), "org": org} if "$data" in statement else {}
                db.execute(statement, given)
            for name in MODELS:
                db.execute(f"create or replace table {name} as {rendered(path_of(name))[0]}")
            rows = db.execute(JUDGED, {"org": org}).fetchall()
            for (scope, scope_id), judged in groupby(rows, key=lambda row: (row[0], row[-1])):
                first, history = _history(db, scope, scope_id)
                for row in judged:
                    known = history[: (row[2] - first).days + 1]
                    ahead = _days_left(row[2])
                    ets = row[4] + _auto_ets(known, ahead) if challenge and scope == "org" else None
                    found.append(Outcome(*row[:-1], row[4] + _weekday_level(known, ahead), ets))
    return found


def _history(db: duckdb.DuckDBPyConnection, scope: str, scope_id: str) -> tuple[date, np.ndarray]:
    """First day of a scope, and its use on every day since."""
    rows = db.execute(
        "select usage_date, tokens from scope_daily where scope = ? and scope_id = ? order by 1", [scope, scope_id]
    ).fetchall()
    first = rows[0][0]
    use = np.zeros((date(2030, 1, 1) - first).days)
    for day, tokens in rows:
        use[(day - first).days] = tokens
    return first, use


def _days_left(day: date) -> int:
    return ((day.replace(day=28) + np.timedelta64(4, "D").item()).replace(day=1) - day).days - 1


def _weekday_level(known: np.ndarray, ahead: int) -> float:
    """The mean of each weekday in eight weeks over the mean of all, times an exponential level of span 21."""
    recent = np.concatenate([np.zeros(max(0, 56 - len(known))), known[-56:]])
    weights = (20 / 22) ** np.arange(len(known))[::-1]
    profile = recent.reshape(8, 7).mean(axis=0) / recent.mean() if recent.sum() else np.zeros(7)
    return float((known * weights).sum() / weights.sum() * sum(profile[day % 7] for day in range(ahead)))


def _auto_ets(known: np.ndarray, ahead: int) -> float:
    from statsforecast.models import AutoETS

    return float(np.clip(AutoETS(season_length=7).forecast(y=known[-365:], h=ahead)["mean"], 0, None).sum())


def wape(rows: list[Outcome], forecast: str) -> float:
    """Sum of absolute errors over the sum of what came."""
    return sum(abs(getattr(row, forecast) - row.actual) for row in rows) / sum(row.actual for row in rows)


def coverage(rows: list[Outcome]) -> float:
    """Share of months inside the range."""
    return sum(row.p10 - 1e-6 <= row.actual <= row.p90 + 1e-6 for row in rows) / len(rows)


def width(rows: list[Outcome]) -> float:
    """Width of the ranges over what came."""
    return sum(row.p90 - row.p10 for row in rows) / sum(row.actual for row in rows)


def breach_call(rows: list[Outcome]) -> tuple[float, float]:
    """Precision and recall of saying "over the cap" from a probability of 0.8 on."""
    judged = [row for row in rows if row.probability_over is not None and row.cap]
    called = [row for row in judged if row.probability_over >= 0.8]
    hits = sum(row.actual >= row.cap for row in called)
    return hits / max(1, len(called)), hits / max(1, sum(row.actual >= row.cap for row in judged))


def main() -> None:
    """Print the tables."""
    challenger = find_spec("statsforecast") is not None
    if not challenger:
        print("statsforecast is not installed (pip install statsforecast), so it is not compared.")
    found = outcomes(challenger)
    for scope in ("org", "developer"):
        print(f"\n{scope}: error of the month's total (WAPE), 80 % range, and the call of a breach")
        print("day  forecasts  run rate  weekday x level  AutoETS  Paceline  in range  width/actual  precision  recall")
        for day in DAYS:
            rows = [row for row in found if row.scope == scope and row.day == day]
            ets = f"{wape(rows, 'auto_ets'):9.3f}" if challenger and scope == "org" else " " * 8 + "-"
            precision, recall = breach_call(rows)
            print(
                f"{day:>3}{len(rows):>11}{wape(rows, 'run_rate'):>10.3f}{wape(rows, 'weekday_level'):>17.3f}{ets}"
                f"{wape(rows, 'p50'):>10.3f}{coverage(rows):>10.2f}{width(rows):>14.2f}{precision:>11.2f}{recall:>8.2f}"
            )


if __name__ == "__main__":
    main()
