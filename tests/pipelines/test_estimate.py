"""What a demand costs: the command and the table function, on numbers worked by hand."""

import json

import duckdb
import pytest

from tests.runs import paceline

pytestmark = pytest.mark.xdist_group("example")


def estimated(tmp_path, *args: str) -> dict[str, dict]:
    """Model -> row, as the command prints them."""
    done = paceline(tmp_path, "estimate", *args, "--format", "json")
    assert done.returncode == 0, done.stderr
    return {row["model"]: row for row in json.loads(done.stdout)}


def test_ten_developers_need_330_million_tokens_that_cost_from_65_to_4290_dollars(tmp_path):
    demand = ("--developers", "10", "--tasks-per-day", "30", "--tokens-per-task", "50000", "--as-of", "2026-06-06")

    found = estimated(tmp_path, *demand)

    # 10 x 30 x 50,000 x 22 = 330 M; 60 % input at 5 USD and 40 % output at 25 USD: 13 USD per million.
    assert {row["monthly_tokens"] for row in found.values()} == {330_000_000}
    usd = {model: (row["monthly_usd"], row["usd_per_developer"]) for model, row in found.items()}
    assert usd["claude-opus-4-7"] == (4290.0, 429.0)
    assert usd["claude-sonnet-4-6"] == (2574.0, 257.4)
    assert usd["gemini-2.5-pro"] == (1567.5, 156.75)
    assert usd["deepseek-v4-flash"] == (64.68, 6.468)
    assert found["claude-opus-4-7"]["times_the_cheapest"] == pytest.approx(66.33, abs=0.01)
    shown = paceline(tmp_path, "estimate", *demand).stdout
    for words in ("330,000,000 tokens", "$4,290", "$429", "$2,574", "$257", "$1,568", "$157", "$65", "$6.47", "66 x"):
        assert words in shown


def test_repeated_input_from_a_cache_saves_54_percent_of_the_input_cost(tmp_path):
    demand = ("--developers", "1", "--tasks-per-day", "1", "--tokens-per-task", "1e6", "--working-days", "1")
    all_input = (*demand, "--input-ratio", "1", "--as-of", "2026-06-06")

    fresh = estimated(tmp_path, *all_input)["claude-sonnet-4-6"]["monthly_usd"]
    cached = estimated(tmp_path, *all_input, "--cache-read-ratio", "0.6")["claude-sonnet-4-6"]["monthly_usd"]

    # 3 USD; 0.4 x 3 + 0.6 x 0.30 = 1.38, which is 54 % less.
    assert (fresh, cached) == (3.0, pytest.approx(1.38))


def test_prices_are_those_of_the_day(tmp_path):
    demand = ("--developers", "1", "--tasks-per-day", "1", "--tokens-per-task", "1e6", "--working-days", "1")

    for day, usd in {"2026-08-16": 0.196, "2026-08-17": 0.396, "2026-09-10": 0.33}.items():
        assert estimated(tmp_path, *demand, "--as-of", day)["deepseek-v4-flash"]["monthly_usd"] == pytest.approx(usd)


@pytest.mark.parametrize("wrong", [["--developers", "0"], ["--input-ratio", "1.1"], ["--as-of", "soon"], []])
def test_what_cannot_be_estimated_is_wrong_usage(tmp_path, wrong):
    given = ["--developers", "1", "--tasks-per-day", "1", *wrong]

    done = paceline(tmp_path, "estimate", *given)

    assert done.returncode == 2
    assert "Error" in done.stderr


def test_measured_demand_is_the_organisations_own(example):
    measured = paceline(example, "estimate", "--measured", "--format", "json")

    (tokens,) = {row["monthly_tokens"] for row in json.loads(measured.stdout)}
    with duckdb.connect(str(example / "warehouse.duckdb"), read_only=True) as db:
        demand = db.execute("select demand_tokens from plan.demand where scope = 'org' order by month desc").fetchall()
    assert tokens == demand[0][0] > 0


def test_analysts_call_the_function_in_the_warehouse_also_under_another_name(example):
    asked = "select monthly_usd from estimate(10, 30, 50000, as_of := '2026-06-06') where model = 'claude-opus-4-7'"

    with duckdb.connect() as db:
        db.execute(f"attach '{example / 'warehouse.duckdb'}' as other (read_only); use other")
        assert db.execute(asked).fetchall() == [(4290.0,)]
