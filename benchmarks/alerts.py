"""Back-test of the early warnings on four real teams and their members against the fixed 80 % rule: the marts' own SQL.

A cap is the mean of three months and 20 %, as in `benchmarks.forecast`; a month counts when twelve weeks were measured
before it. `cap_forecast` and `cap_level` are asked for all days at once, `burn_rate` day by day. What a day says is
told when it is over. `python -m benchmarks.alerts`
"""

from collections.abc import Iterable
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

    create or replace table dim_calendar as
    select
        day::date as calendar_date, date_trunc('month', day)::date as month, isodow(day) <= 5 as is_working_day,
        null::varchar as holiday
    from generate_series(
        (select min(month) from caps), (select max(last_day(month)) from caps), interval 1 day
    ) as days (day);

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
        case when used_ratio >= 1 then 'over' when used_ratio >= 0.8 then 'near' else 'ok' end as status
    from days
    left join month_end_forecast as forecast
        on days.scope = forecast.scope and days.scope_id = forecast.scope_id
        and days.as_of_date = forecast.forecast_date and forecast.measure = 'tokens'
    left join cap_crossings as crossings
        on days.scope = crossings.scope and days.scope_id = crossings.scope_id
        and days.month = crossings.month and crossings.level = 100;

    create or replace table caps_watched as from watched"""
FIRST_WARNINGS = """
    select scope, scope_id, month, kind, level, min(day) as first_day
    from (
        select scope, scope_id, month, kind, level, as_of_date as day from cap_forecast where is_firing
        union all
        select scope, scope_id, month, kind, level, reached_on from cap_level where is_firing
        union all
        select scope, scope_id, month, kind, level, as_of_date from burnt
    )
    group by all"""
MONTHS = """
    select caps.scope, $org || caps.scope_id, caps.month, caps.cap, caps.actual, crossings.crossed_on, caps.scope_id
    from caps
    left join cap_crossings as crossings
        on caps.scope = crossings.scope and caps.scope_id = crossings.scope_id and caps.month = crossings.month
        and crossings.level = 100"""


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

    def warned_on(self, alerts: Iterable[tuple[str, int]]) -> date | None:
        """The first day of any of these alerts, as long as the cap was not reached before."""
        day = min((self.first[alert] for alert in alerts if alert in self.first), default=None)
        return None if day and self.reached_on and day > self.reached_on else day


FIXED = [("cap_level", 80)]
FORECASTS = [("cap_forecast", 0)]
BURNS = [("burn_rate", 3), ("burn_rate", 2), ("burn_rate", 1)]
RULES = {
    "80 % of the cap (the fixed rule)": FIXED,
    "cap_forecast": FORECASTS,
    "burn_rate": BURNS,
    "burn_rate, fast and medium": BURNS[:2],
    "early warnings (both)": FORECASTS + BURNS,
    "early warnings or 80 %": FORECASTS + BURNS + FIXED,
}


def months(only: str | None = None, assumptions: dict[str, float] | None = None) -> list[Month]:
    """Every month with a cap, of the four teams (as organisations) and their members, or of one team.

    `assumptions`: other values than the seed's, by name.
    """
    found: list[Month] = []
    with duckdb.connect(config={"threads": 2}) as db:
        db.execute(NOTHING_ELSE)
        seed = models.DBT_PROJECT / "seeds" / "assumption_defaults.csv"
        _run(db, PEOPLE, assumptions=str(seed))
        for name, value in (assumptions or {}).items():
            db.execute("update int_assumptions set value = ? where name = ?", [value, name])
        orgs = [
            org for (org,) in db.execute("select distinct org from read_csv(?) order by org", [str(DATA)]).fetchall()
        ]
        for org in [only] if only else orgs:
            _run(db, COMPANY, data=str(DATA), org=org)
            for name in FORECAST:
                _model(db, name)
            _run(db, WATCHED)
            _model(db, "cap_forecast")
            _model(db, "cap_level")
            _burn(db)
            first = {}
            for scope, scope_id, month, kind, level, day in db.execute(FIRST_WARNINGS).fetchall():
                first.setdefault((scope, scope_id, month), {})[kind, level] = day
            rows = db.execute(MONTHS, {"org": org}).fetchall()
            found += [Month(*row[:-1], first.get((row[0], row[-1], row[2]), {})) for row in rows]
    return found


def _run(db: duckdb.DuckDBPyConnection, statements: str, **given: str) -> None:
    for statement in statements.split(";"):
        db.execute(statement, {name: value for name, value in given.items() if f"${name}" in statement})


def _model(db: duckdb.DuckDBPyConnection, name: str) -> None:
    judged, models.VARS["forecast_judged_days"] = models.VARS["forecast_judged_days"], EVERY_DAY
    try:
        sql = models.rendered(models.path_of(name))[0]
    finally:
        models.VARS["forecast_judged_days"] = judged
    db.execute(f"create or replace table {name} as {sql}")


def _burn(db: duckdb.DuckDBPyConnection) -> None:
    """burn_rate knows one as-of date at a time; its inputs are cut to that day, which changes nothing but the time."""
    sql = models.rendered(models.path_of("burn_rate"))[0]
    db.execute("""
        create or replace table every_origin as from forecast_origins order by origin_date;
        create or replace table every_scope_daily as from scope_daily order by usage_date;
        create or replace table every_run as from raw.paceline__run;
        create or replace table burnt (
            scope varchar, scope_id varchar, month date, kind varchar, level integer, as_of_date date
        )""")
    for (day,) in db.execute("select distinct as_of_date from watched order by all").fetchall():
        db.execute("create or replace table raw.paceline__run as select ?::date as as_of_date", [day])
        db.execute("create or replace table caps_watched as from watched where as_of_date = ?", [day])
        db.execute("create or replace table forecast_origins as from every_origin where origin_date = ?", [day])
        db.execute(
            "create or replace table scope_daily as from every_scope_daily where usage_date between ?::date - 6 and ?",
            [day, day],
        )
        db.execute(f"""
            insert into burnt select scope, scope_id, month, kind, level, as_of_date from ({sql}) where is_firing""")
    db.execute("create or replace table raw.paceline__run as from every_run")


def judged(rows: list[Month], alerts: Iterable[tuple[str, int]]) -> dict[str, float]:
    """How a rule did: warned, hits, false_alarms, precision, recall, and lead_days (median, p10) of all breaches.

    Lead is the days from the warning to the breach; a breach that nobody was warned of has 0.
    """
    alerts = list(alerts)
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
    """Print the tables."""
    found = months()
    for scope in ("org", "developer"):
        rows = [row for row in found if row.scope == scope]
        print(f"\n{scope}: {len(rows)} months with a cap, {sum(row.reached_on is not None for row in rows)} reached it")
        print(f"{'':34}warned  hits  false  precision  recall  lead: median  p10  mean  of hits")
        for name, alerts in RULES.items():
            one = judged(rows, alerts)
            print(
                f"{name:34}{one['warned']:>6}{one['hits']:>6}{one['false_alarms']:>7}{one['precision']:>11.2f}"
                f"{one['recall']:>8.2f}{one['lead_days']:>14.1f}{one['lead_days_p10']:>5.1f}"
                f"{one['lead_days_mean']:>6.1f}{one['lead_days_of_hits']:>9.1f}"
            )


if __name__ == "__main__":
    main()
