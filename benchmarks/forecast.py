"""Back-test of the month-end forecast: the models' own SQL at days 5 to 25 of every month of four real teams.

Compared with the run rate and with a 56-day weekday profile times an exponential level (span 21). A month counts
with 84 days of history before it and use on two days of the last 56. `python -m benchmarks.forecast [org|developer]`
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
from jinja2 import Environment

from pipelines.settings import DBT_PROJECT

DATA = Path(__file__).parent / "data" / "team_daily_tasks.csv.gz"
DAYS = (5, 10, 15, 20, 25)
HISTORY_DAYS = 84
ACTIVE_DAYS = 2  # of the last 56, for who was not here is not forecast but guessed


@dataclass(frozen=True)
class Outcome:
    """One forecast of one month, and what came."""

    scope_id: str
    month: date
    day: int
    actual: float
    used: float
    p10: float
    p50: float
    p90: float
    probability_over: float | None
    cap: float
    run_rate: float
    baseline: float


def model(name: str) -> str:
    """The SQL of a model, over tables of the same name."""
    (path,) = DBT_PROJECT.glob(f"models/**/{name}.sql")
    template = Environment().from_string(path.read_text())
    return template.render(ref=lambda table: table, source=lambda schema, table: table)


def outcomes(level: str, since: date = date(2000, 1, 1)) -> Iterator[Outcome]:
    """Every forecast at a level (org or developer), day by day of every month."""
    scope_id = "org" if level == "org" else "dev_id"
    with duckdb.connect(config={"threads": 2}) as db:
        db.execute(
            f"""create table everything as
            select '{level}' as scope, {scope_id} as scope_id, date::date as usage_date,
                date_trunc('month', date::date)::date as month, sum(tasks)::double as tokens, 0.0 as usd,
                any_value(org) as org
            from read_csv(?) group by all""",
            [str(DATA)],
        )
        db.execute("""create table spans as
            select
                scope_id, min(usage_date) as first_date,
                max(max(usage_date)) over (partition by any_value(org)) as last_date
            from everything group by scope_id""")
        db.execute("""create table dim_calendar as
            select d::date as calendar_date, date_trunc('month', d)::date as month, isodow(d) as weekday
            from generate_series(date '2020-01-01', date '2027-01-01', interval 1 day) as days (d)""")
        first, last = db.execute("select min(first_date), max(last_date) from spans").fetchall()[0]
        month = max(since, first).replace(day=1)
        while month <= last:
            for day in DAYS:
                yield from _of_day(db, month, day)
            month = (month + timedelta(days=31)).replace(day=1)


def _of_day(db: duckdb.DuckDBPyConnection, month: date, day: int) -> Iterator[Outcome]:
    as_of = month.replace(day=day)
    db.execute("create or replace table paceline__run as select $1::date as as_of_date", [as_of])
    db.execute("""create or replace table scope_daily as
        select everything.* from everything, paceline__run where usage_date <= as_of_date""")
    for name in ("forecast_origins", "month_end_forecast"):
        db.execute(f"create or replace table {name} as {model(name)}")
    rows = db.execute(
        """
        select forecast.scope_id, coalesce(actual.total, 0), forecast.used, projected_p10, projected_p50, projected_p90,
            case when past_misses is null then null when used >= caps.cap then 1.0
                else (len(list_filter(
                    past_misses, lambda m: used + forecast_rest + sqrt(forecast_rest) * m >= caps.cap
                )) + 0.5) / (misses + 1) end,
            coalesce(caps.cap, 0), used / $day * day(last_day($month::date)),
            used + coalesce(baseline.level * baseline.weekdays, 0)
        from month_end_forecast as forecast
        inner join spans using (scope_id)
        left join (
            select scope_id, sum(tokens) as total from everything where month = $month group by scope_id
        ) as actual using (scope_id)
        left join (
            select scope_id, sum(tokens) / 3 * 1.2 as cap from everything
            where month between $month::date - interval 3 months and $month::date - 1 group by scope_id
        ) as caps using (scope_id)
        left join (
            -- The mean of every weekday in 56 days over the mean of all, for the days left; and the level.
            select scope_id,
                (select sum(pow(20.0 / 22, as_of_date - usage_date) * tokens) from scope_daily as s, paceline__run
                 where s.scope_id = profile.scope_id and usage_date > as_of_date - 364)
                / (select sum(pow(20.0 / 22, n)) from range(364) as t (n)) as level,
                sum(share) as weekdays
            from (
                select ids.scope_id, calendar_date,
                    coalesce((
                        select sum(tokens) from scope_daily as s, paceline__run
                        where s.scope_id = ids.scope_id and usage_date > as_of_date - 56
                            and isodow(usage_date) = weekday
                    ), 0) / 8 / nullif((
                        select sum(tokens) from scope_daily as s, paceline__run
                        where s.scope_id = ids.scope_id and usage_date > as_of_date - 56
                    ) / 56, 0) as share
                from (select distinct scope_id from scope_daily) as ids, dim_calendar, paceline__run
                where month = $month and calendar_date > as_of_date
            ) as profile
            group by scope_id
        ) as baseline using (scope_id)
        where measure = 'tokens'
            and (
                select count(*) from scope_daily as s, paceline__run
                where s.scope_id = forecast.scope_id and usage_date > as_of_date - 56
            ) >= $active
            and first_date <= $month::date - $history and last_date >= last_day($month::date)
        """,
        {"month": month, "day": day, "history": HISTORY_DAYS, "active": ACTIVE_DAYS},
    ).fetchall()
    for scope_id, *numbers in rows:
        yield Outcome(scope_id, month, day, *numbers)


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
    judged = [row for row in rows if row.probability_over is not None and row.cap > 0]
    called = [row for row in judged if row.probability_over >= 0.8]
    hits = sum(row.actual > row.cap for row in called)
    return hits / max(1, len(called)), hits / max(1, sum(row.actual > row.cap for row in judged))


def main() -> None:
    """Print the tables."""
    level = (sys.argv[1:] or ["org"])[0]
    found = list(outcomes(level))
    print(f"{level}: {len(found)} forecasts")
    print(
        "day  forecasts  WAPE: run rate  weekday x level  Paceline   in range  width/actual  P>=0.8: precision recall"
    )
    for day in DAYS:
        rows = [row for row in found if row.day == day]
        errors = "".join(f"{wape(rows, name):>16.3f}" for name in ("run_rate", "baseline", "p50"))
        precision, recall = breach_call(rows)
        print(
            f"{day:>3}{len(rows):>11}{errors}{coverage(rows):>11.2f}{width(rows):>14.2f}{precision:>18.2f}{recall:>7.2f}"
        )


if __name__ == "__main__":
    main()
