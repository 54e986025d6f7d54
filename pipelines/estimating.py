"""What `paceline estimate` shows: the functions of analysts, on stated or measured demand. All numbers are SQL's."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import duckdb

from pipelines.functions import without_warehouse

NEEDED = ("developers", "tasks_per_day", "tokens_per_task")
OPTIONAL = {"input_ratio": 0.6, "working_days": 22, "cache_read_ratio": 0}

DEMAND = "monthly_tokens($developers, $tasks_per_day, $tokens_per_task, $working_days)"
MODELS = f"""
    from estimate(
        $developers, $tasks_per_day, $tokens_per_task, as_of := $as_of, input_ratio := $input_ratio,
        working_days := $working_days, cache_read_ratio := $cache_read_ratio)
    join (
        select * exclude (usd_per_mtok, demand_tokens, api_usd, staff_usd)
        from break_even(
            {DEMAND}, as_of := $as_of, input_ratio := $input_ratio, cache_read_ratio := $cache_read_ratio,
            gpus := $gpus, hours_per_day := $gpu_hours, working_days := $working_days,
            usd_per_gpu_hour := $gpu_usd_per_hour, tokens_per_second := $gpu_tokens_per_second)
    ) using (provider, model)
    order by monthly_usd desc, model"""
GPUS = f"""
    select
        {DEMAND} as tokens,
        tokens * (1 - cast($input_ratio as double)) as needed,
        gpu_usd($gpus, $gpu_hours, $working_days, list_min($gpu_usd_per_hour)) as usd_low,
        gpu_usd($gpus, $gpu_hours, $working_days, list_max($gpu_usd_per_hour)) as usd_high,
        gpu_tokens($gpus, $gpu_hours, $working_days, list_min($gpu_tokens_per_second), 1) as tokens_low,
        gpu_tokens($gpus, $gpu_hours, $working_days, list_max($gpu_tokens_per_second), 1) as tokens_high,
        is_enough(needed, tokens_low, tokens_high) as capacity"""


class Estimate(NamedTuple):
    """A demand on each reference model, and on own GPUs."""

    given: Mapping[str, Any]
    models: list[dict]
    gpus: dict


def estimate(demand: Mapping[str, float], gpus: Mapping[str, object], as_of: date) -> Estimate:
    """Ask the functions, at the list prices of a day."""
    given = {**OPTIONAL, **demand, **gpus, "as_of": as_of}
    with without_warehouse() as db:
        models = _rows(db, MODELS, given)
        (own,) = _rows(db, GPUS, given)
    return Estimate(given, models, own)


def _rows(db: duckdb.DuckDBPyConnection, sql: str, given: Mapping[str, object]) -> list[dict]:
    cursor = db.execute(sql, {name: value for name, value in given.items() if f"${name}" in sql})
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def measured_demand(db: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, float]:
    """The organisation's demand as plan.demand measured it last by then; what it does not know is left out."""
    names = (*NEEDED, *OPTIONAL)
    found = db.execute(
        """
        select developers, tasks_per_developer_day, tokens_per_task, input_ratio, working_days, cache_read_ratio
        from plan.demand where scope = 'org' and demand_tokens > 0 and month <= ? order by month desc limit 1""",
        [as_of],
    ).fetchone()
    return {name: float(value) for name, value in zip(names, found or [None] * 6, strict=True) if value is not None}


# ---- in words ----

TIERS = ("provider", "model", "input", "output", "a month", "per developer", "times the cheapest")
OWN = ("provider", "model", "same money buys", "GPUs pay from", "cheaper for this demand")


def demand_line(found: Estimate) -> str:
    """The demand in one line."""
    given = found.given
    return (
        f"{given['developers']:g} developers x {given['tasks_per_day']:g} tasks x "
        f"{given['tokens_per_task']:,.0f} tokens x {given['working_days']:g} working days = "
        f"{found.gpus['tokens']:,.0f} tokens a month, of them {given['input_ratio'] * 100:.3g} % input, "
        f"{given['cache_read_ratio'] * 100:.3g} % of that read from cache"
    )


def tier_rows(models: Sequence[dict]) -> list[tuple]:
    """Each model for people: dollars as they are said, prices per million tokens."""
    return [
        (
            row["provider"], row["model"], f"${row['input_usd_per_mtok']:.2f}", f"${row['output_usd_per_mtok']:.2f}",
            _usd(row["monthly_usd"]), _usd(row["usd_per_developer"]), _times(row["times_the_cheapest"]),
        )
        for row in models
    ]  # fmt: skip


def stretch_line(models: Sequence[dict]) -> str | None:
    """How much of the dearest model's tokens has to move for its budget to last longer."""
    dearest = models[0]
    moved = [(3, dearest["stretch_3x_moved_ratio"]), (5, dearest["stretch_5x_moved_ratio"])]
    shares = [f"{share * 100:.0f} % of the tokens for {times} x" for times, share in moved if share is not None]
    if not shares:
        return None
    return (
        f"To stretch a budget for {dearest['model']} by routing to {dearest['cheapest_model']}, move "
        f"{' and '.join(shares)}; whether it does that work as well is for you to test."
    )


def gpu_line(found: Estimate) -> str:
    """What own GPUs cost and give, and whether that is enough."""
    given, own = found.given, found.gpus
    return (
        f"On own GPUs: {given['gpus']} x {given['gpu_hours']:g} h x {given['working_days']:g} days at "
        f"${_range(given['gpu_usd_per_hour'])} an hour cost ${_range([own['usd_low'], own['usd_high']])} and, at "
        f"{_range(given['gpu_tokens_per_second'])} tokens/s each, give "
        f"{_millions(own['tokens_low'], own['tokens_high'])} output tokens, against {_millions(own['needed'])} needed: "
        f"{own['capacity']}. (Neither reading the input nor anybody's time is counted: plan.break_even counts "
        "both. What writing a cache costs is in no price here.)"
    )


def own_rows(models: Sequence[dict]) -> list[tuple]:
    """Each model against own GPUs, for people."""
    return [
        (
            row["provider"],
            row["model"],
            _millions(row["same_money_tokens_low"], row["same_money_tokens_high"]),
            _pays_from(row["break_even_tokens_low"], row["break_even_tokens_high"]),
            row["verdict"],
        )
        for row in models
    ]


def _pays_from(low: int | None, high: int | None) -> str:
    if low is None:
        return "never"
    return f"{_millions(low)} at best, never at worst" if high is None else _millions(low, high)


def _usd(amount: float) -> str:
    return f"${amount:,.0f}" if amount >= 10 else f"${amount:,.2f}"


def _times(times: float | None) -> str:
    return "" if times is None else f"{times:.0f} x"


def _range(numbers: Sequence[float]) -> str:
    return "-".join(dict.fromkeys(_number(one) for one in (min(numbers), max(numbers))))


def _number(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:,.2f}"


def _millions(*tokens: float | None) -> str:
    """One number, or two as a range."""
    said = dict.fromkeys(
        "?" if one is None else f"{one / 1e6:,.0f}" if one >= 10e6 or one == 0 else f"{one / 1e6:,.2f}"
        for one in tokens
    )
    return f"{'-'.join(said)} M"
