"""Back-test of the early warnings on four real teams and their members against the fixed 80 % rule: the marts' own SQL.

A cap is the mean of three months and 20 %, as in `benchmarks.forecast`; a month counts when twelve weeks were measured
before it. Every day of every month is judged by what was known when it ended. `python -m benchmarks.alerts`
"""

from dataclasses import dataclass
from datetime import date
from statistics import median

import duckdb
import numpy as np

from benchmarks import models
from benchmarks.forecast import COMPANY, DATA, NOTHING_ELSE
from benchmarks.forecast import MODELS as FORECAST

EVERY_DAY = list(range(1, 32))
PEOPLE = """
    drop table dim_developers;
    create table dim_developers (developer_id varchar, role varchar, name varchar, slack_id varchar);
    create table dim_teams (
        team_id varchar, name varchar, slack_channel varchar, lead_slack_id varchar, shares_developers boolean
    );
    create or replace table int_assumptions as
    select name, value from read_csv($assumptions, types = {'value': 'double'})"""
# As caps_effective, cap_crossings and caps_watched: a month's cap, the days it was reached, and what every day knew.
WATCHED = """
    create or replace table known as
    select
        scope, scope_id, min(usage_date) as first_date, min(usage_date) filter (where tokens > 0) as first_used,
        any_value(team_id) as team_id
    from scope_daily where scope != 'team' group by scope, scope_id;

    create or replace table caps as
    select
        known.scope, known.scope_id, known.team_id, months.month,
        sum(daily.tokens) filter (where daily.month < months.month) / 3
        * (1 + (select value from int_assumptions where name = 'buffer_ratio')) as cap,
        coalesce(sum(daily.tokens) filter (where daily.month = months.month), 0) as actual
    from known
    cross join (select distinct month from scope_daily) as months
    inner join scope_daily as daily
        on known.scope = daily.scope and known.scope_id = daily.scope_id
        and daily.month between months.month - interval 3 months and months.month
    where months.month - known.first_used >= 84
    group by all
    having cap > 0;

    create table if not exists dim_calendar as
    select
        day::date as calendar_date, date_trunc('month', day)::date as month, isodow(day) <= 5 as is_working_day,
        null::varchar as holiday
    from generate_series(date '2020-01-01', date '2029-12-31', interval 1 day) as days (day);

    create or replace table days as
    select
        caps.*, calendar.calendar_date as as_of_date,
        coalesce(sum(daily.tokens) over (
            partition by caps.scope, caps.scope_id, caps.month order by calendar.calendar_date
        ), 0) as used
    from caps
    inner join dim_calendar as calendar using (month)
    left join scope_daily as daily
        on caps.scope = daily.scope and caps.scope_id = daily.scope_id and calendar.calendar_date = daily.usage_date;

    create or replace table cap_crossings as
    select month, scope, scope_id, level, min(as_of_date) as crossed_on
    from days cross join (values (80), (100)) as levels (level)
    where used * 100 >= cap * level
    group by all;

    create or replace table watched as
    select
        days.month, true as is_as_of_month, days.scope, days.scope_id, days.team_id, days.as_of_date,
        days.cap as cap_tokens, null::double as cap_usd, days.used as used_tokens, 0 as used_usd,
        days.used / days.cap as used_ratio, 'tokens' as binding_measure, forecast.probability_over,
        case when crossings.crossed_on <= days.as_of_date then crossings.crossed_on end as crosses_cap_on,
        null::bigint as pool_left_tokens,
        case when used_ratio >= 1 then 'over' when used_ratio >= 0.8 then 'near' else 'ok' end as status
    from days
    left join month_end_forecast as forecast
        on days.scope = forecast.scope and days.scope_id = forecast.scope_id
        and days.as_of_date = forecast.forecast_date and forecast.measure = 'tokens'
    left join cap_crossings as crossings
        on days.scope = crossings.scope and days.scope_id = crossings.scope_id
        and days.month = crossings.month and crossings.level = 100;

    create or replace table caps_watched as from watched"""
COLLECTED = {  # what is kept of each team, with its name in scope_id
    "watched": "watched",
    "origins": "forecast_origins",
    "daily": "scope_daily",
    "months": "caps",
    "crossings": "cap_crossings",
}
# burn_rate knows one as-of date at a time. A scope that has a weekday profile brings the weekdays along, so that months
# of one length are the same to it: all of them, of all teams, are moved onto one, each with its month in scope_id.
MOVED = """
    create or replace table moves as
    select month, (min(month) over (partition by day(last_day(month))) - month)::integer as days
    from (select distinct month from every_months);

    create or replace table moved_watched as
    select
        * exclude (days)
        replace (
            scope_id || '/' || strftime(month, '%Y-%m') as scope_id, month + days as month,
            as_of_date + days as as_of_date, crosses_cap_on + days as crosses_cap_on
        )
    from every_watched inner join moves using (month);

    create or replace table moved_origins as
    select
        origins.* replace (
            scope_id || '/' || strftime(month, '%Y-%m') as scope_id, (origin_date + days)::date as origin_date
        )
    from every_origins as origins inner join moves on date_trunc('month', origin_date) = moves.month
    order by all;

    create or replace table moved_daily as
    select
        daily.* replace (
            scope_id || '/' || strftime(month, '%Y-%m') as scope_id, month + days as month,
            (usage_date + days)::date as usage_date
        )
    from every_daily as daily inner join moves using (month)"""
ONE_DAY = """
    create or replace table raw.paceline__run as select $day::date as as_of_date;
    create or replace table caps_watched as from moved_watched where as_of_date = $day;
    create or replace table forecast_origins as from moved_origins where origin_date = $day;
    create or replace table scope_daily as from moved_daily where usage_date between $day::date - 6 and $day"""
BURNT = """
    create or replace table burn_rate as
    select
        * replace (
            left(scope_id, -8) as scope_id, (right(scope_id, 7) || '-01')::date as month,
            (right(scope_id, 7) || strftime(as_of_date, '-%d'))::date as as_of_date
        )
    from burnt"""
FIRST_WARNINGS = """
    select scope, scope_id, month, kind, level, min(day) as first_day
    from (
        select scope, scope_id, month, kind, level, as_of_date as day from cap_forecast where is_firing
        union all
        select scope, scope_id, month, kind, level, as_of_date from burn_rate where is_firing
        union all
        select scope, scope_id, month, kind, level, reached_on from cap_level where is_firing
        union all
        -- Told with a chance below one half it says that no step is needed, which is no warning.
        select scope, scope_id, month, 'cap_level_likely', level, reached_on
        from cap_level where is_firing and as_of_date = reached_on and probability_over >= 0.5
    )
    group by all"""
MONTHS = """
    select caps.scope, caps.scope_id, caps.month, caps.cap, caps.actual, crossings.crossed_on
    from every_months as caps
    left join every_crossings as crossings
        on caps.scope = crossings.scope and caps.scope_id = crossings.scope_id and caps.month = crossings.month
        and crossings.level = 100
    order by all"""


@dataclass(frozen=True)
class Month:
    """One month with a cap: the day it was reached, if it was, and the first day of each kind and level of alert."""

    scope: str
    scope_id: str
    month: date
    cap: float
    actual: float
    reached_on: date | None
    first: dict[tuple[str, int], date]

    def warned_on(self, alerts: list[tuple[str, int]]) -> date | None:
        """The first day of any of these alerts, as long as the cap was not reached before."""
        day = min((self.first[alert] for alert in alerts if alert in self.first), default=None)
        return None if day and self.reached_on and day > self.reached_on else day


FIXED = [("cap_level", 80)]
FORECASTS = [("cap_forecast", 0)]
BURNS = [("burn_rate", 3), ("burn_rate", 2), ("burn_rate", 1)]
EARLY = FORECASTS + BURNS
LIKELY = [("cap_level_likely", 80)]
TOGETHER = "early warnings together"
ALL = "all that ask to act: early warnings, or 80 % with a chance of one half"
LEAST_CAP = 10  # tasks: below, a single task is a large part of the cap
RULES = {
    "80 % of the cap, the fixed rule": FIXED,
    "cap_forecast": FORECASTS,
    "burn_rate, fast": BURNS[:1],
    "burn_rate, medium": BURNS[1:2],
    "burn_rate, slow": BURNS[2:],
    TOGETHER: EARLY,
    ALL: EARLY + LIKELY,
    "early warnings, or 80 % whatever the chance": EARLY + FIXED,
}


def months(only: str | None = None) -> list[Month]:
    """Every month with a cap, of the four teams (as organisations) and their members, or of one team."""
    with duckdb.connect(config={"threads": 2}) as db:
        alerts(db, only)
        first: dict[tuple, dict] = {}
        for *month, kind, level, day in db.execute(FIRST_WARNINGS).fetchall():
            first.setdefault(tuple(month), {})[kind, level] = day
        return [Month(*row, first.get(row[:3], {})) for row in db.execute(MONTHS).fetchall()]


def alerts(db: duckdb.DuckDBPyConnection, only: str | None = None, **assumptions: float) -> None:
    """Make the tables cap_forecast, cap_level and burn_rate with the findings of every day, and every_months.

    `assumptions`: other values than the seed's.
    """
    seed = models.DBT_PROJECT / "seeds" / "assumption_defaults.csv"
    _run(db, NOTHING_ELSE)
    _run(db, PEOPLE, assumptions=str(seed))
    for name, value in assumptions.items():
        db.execute("update int_assumptions set value = ? where name = ?", [value, name])
    orgs = db.execute("select distinct org from read_csv(?) order by org", [str(DATA)]).fetchall()
    for org in [only] if only else [org for (org,) in orgs]:
        _run(db, COMPANY, data=str(DATA), org=org)
        for name in FORECAST:
            _model(db, name)
        _run(db, WATCHED)
        for kept, name in COLLECTED.items():
            rows = f"select * replace ($org || '/' || scope_id as scope_id) from {name}"
            is_there = db.execute("from duckdb_tables() where table_name = ?", [f"every_{kept}"]).fetchall()
            into = f"insert into every_{kept} by name" if is_there else f"create table every_{kept} as"
            db.execute(f"{into} {rows}", {"org": org})
    _run(db, "create or replace table caps_watched as from every_watched")
    _run(db, "create or replace table cap_crossings as from every_crossings")
    _model(db, "cap_forecast")
    _model(db, "cap_level")
    _burn(db)


def _run(db: duckdb.DuckDBPyConnection, statements: str, **given: object) -> None:
    for statement in statements.split(";"):
        db.execute(statement, {name: value for name, value in given.items() if f"${name}" in statement})


def _model(db: duckdb.DuckDBPyConnection, name: str) -> None:
    db.execute(f"create or replace table {name} as {_sql(name)}")


def _sql(name: str) -> str:
    judged, models.VARS["forecast_judged_days"] = models.VARS["forecast_judged_days"], EVERY_DAY
    try:
        return models.rendered(models.path_of(name))[0]
    finally:
        models.VARS["forecast_judged_days"] = judged


def _burn(db: duckdb.DuckDBPyConnection) -> None:
    _run(db, MOVED)
    sql, is_there = _sql("burn_rate"), False
    for (day,) in db.execute("select distinct as_of_date from moved_watched order by all").fetchall():
        _run(db, ONE_DAY, day=day)
        db.execute(f"{'insert into' if is_there else 'create or replace table'} burnt {'' if is_there else 'as'} {sql}")
        is_there = True
    _run(db, BURNT)


def judged(rows: list[Month], alerts: list[tuple[str, int]]) -> dict[str, float]:
    """How a rule did: warned, hits, false_alarms, precision, recall, and lead_days (median, p10) of all breaches.

    Lead is the days from the warning to the breach; a breach that nobody was warned of has 0.
    """
    warned = [row for row in rows if row.warned_on(alerts)]
    hits = [row for row in warned if row.reached_on]
    breached = [row for row in rows if row.reached_on]
    leads = [(row.reached_on - (row.warned_on(alerts) or row.reached_on)).days for row in breached]
    return {
        "months": len(rows),
        "breached": len(breached),
        "warned": len(warned),
        "hits": len(hits),
        "false_alarms": len(warned) - len(hits),
        "precision": len(hits) / max(1, len(warned)),
        "recall": len(hits) / max(1, len(breached)),
        "lead_days": median(leads) if leads else 0,
        "lead_days_p10": float(np.quantile(leads, 0.1)) if leads else 0,
        "lead_days_mean": float(np.mean(leads)) if leads else 0,
        "lead_days_of_hits": median((row.reached_on - row.warned_on(alerts)).days for row in hits) if hits else 0,
    }


def main() -> None:
    """Print the tables in Markdown."""
    found = months()
    scopes = {
        "Teams": lambda row: row.scope == "org",
        f"Developers whose cap is {LEAST_CAP} tasks or more": lambda row: row.scope != "org" and row.cap >= LEAST_CAP,
        "All developers": lambda row: row.scope != "org",
    }
    for title, is_of in scopes.items():
        _print(title, [row for row in found if is_of(row)], RULES)
    for org in sorted({row.scope_id.split("/")[0] for row in found}):
        rows = [row for row in found if row.scope_id == f"{org}/org"]
        _print(f"Team {org}", rows, {name: RULES[name] for name in ("80 % of the cap, the fixed rule", TOGETHER, ALL)})


def _print(title: str, rows: list[Month], rules: dict[str, list[tuple[str, int]]]) -> None:
    print(f"\n{title}: {len(rows):,} months with a cap, {sum(row.reached_on is not None for row in rows)} reached it\n")
    print("| rule | warned | false alarms | precision | recall | lead, median | p10 | mean | of those warned |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, alerts in rules.items():
        one = judged(rows, alerts)
        print(
            f"| {name} | {one['warned']} | {one['false_alarms']} | {one['precision']:.2f} | {one['recall']:.2f} "
            f"| {one['lead_days']:.1f} | {one['lead_days_p10']:.1f} | {one['lead_days_mean']:.1f} "
            f"| {one['lead_days_of_hits']:.1f} |"
        )


if __name__ == "__main__":
    main()
