"""What a demand costs: the command and the table function, on numbers worked by hand."""

import json

import duckdb
import pytest

from tests.runs import paceline


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


@pytest.mark.parametrize(
    "wrong", [["--developers", "0"], ["--developers", "nan"], ["--input-ratio", "1.1"], ["--as-of", "soon"], []]
)
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


# ---- own GPUs ----

ISSUE = ("--developers", "10", "--tasks-per-day", "30", "--tokens-per-task", "50000", "--as-of", "2026-06-06")


def test_the_same_demand_on_own_gpus_is_said_in_words(tmp_path):
    shown = paceline(tmp_path, "estimate", *ISSUE).stdout

    # 3 x 10 h x 22 days x 2 to 4 USD; 3 x 792,000 s x 30 to 50 tokens; 40 % of 330 M are output.
    for words in ("$1,320-2,640", "71-119 M output tokens, against 132 M needed: not enough"):
        assert words in shown
    # 1,320 and 2,640 USD at 7.80 a million, and at 4.75.
    for model, tokens in {"claude-sonnet-4-6": "169-338 M", "gemini-2.5-pro": "278-556 M"}.items():
        assert [line for line in shown.splitlines() if model in line and tokens in line]
    assert "claude-opus-4-7 by routing to deepseek-v4-flash, move 68 % of the tokens for 3 x and 81 %" in shown


def test_machines_read_one_row_per_model_with_the_break_even(tmp_path):
    found = estimated(tmp_path, *ISSUE)["claude-sonnet-4-6"]

    # At best a GPU hour of 2 USD gives 180,000 output tokens, 450,000 with their input: 4.44 a million, below 7.80. At
    # worst 4 USD give 270,000: 14.81 a million, so never.
    assert found["gpu_usd_per_mtok_low"] == pytest.approx(4.444444)
    assert found["gpu_usd_per_mtok_high"] == pytest.approx(14.814815)
    assert (found["break_even_tokens_low"], found["break_even_tokens_high"]) == (169_230_769, None)
    assert (found["capacity"], found["verdict"]) == ("not enough", "API, or more GPUs")
    # (1 - 1/3) / (1 - 0.196 / 7.8)
    assert found["stretch_3x_moved_ratio"] == pytest.approx(0.683851)


def test_gpus_are_what_the_flags_say(tmp_path):
    demand = ("--developers", "1", "--tasks-per-day", "1", "--tokens-per-task", "1e6", "--working-days", "20")
    gpus = ("--gpus", "2", "--gpu-hours", "24", "--gpu-usd-per-hour", "1.5", "--gpu-tokens-per-second", "100-200")

    found = estimated(tmp_path, *demand, *gpus, "--as-of", "2026-06-06")["claude-opus-4-7"]

    # 2 x 24 x 20 x 1.50; 2 x 1,728,000 s x 100 to 200.
    assert (found["gpu_usd_low"], found["gpu_usd_high"]) == (1440, 1440)
    assert (found["gpu_output_tokens_low"], found["gpu_output_tokens_high"]) == (345_600_000, 691_200_000)
    assert (found["demand_output_tokens"], found["capacity"], found["verdict"]) == (8_000_000, "enough", "API")


def test_a_day_without_prices_still_knows_the_demand_and_the_gpus(tmp_path):
    shown = paceline(tmp_path, "estimate", *ISSUE[:-1], "1960-01-01")

    assert shown.returncode == 0
    for words in ("330,000,000 tokens", "No reference model has a price", "$1,320-2,640", "not enough"):
        assert words in shown.stdout


@pytest.mark.parametrize("wrong", ["cheap", "0", "4-2-1", "-2", "nan", "1-inf"])
def test_a_range_is_one_or_two_numbers_above_0(tmp_path, wrong):
    done = paceline(tmp_path, "estimate", *ISSUE, f"--gpu-usd-per-hour={wrong}")

    assert done.returncode == 2
    assert "number above 0" in done.stderr
