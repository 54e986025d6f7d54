"""DeepSeek's exports, in both schemas, and its balance."""

import random
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connectors._api import Client, read_list
from connectors.deepseek import amount, balance, cost
from pipelines.lake import Lake
from pipelines.loading_csv import load_csv_feed
from tests.other_bills import StandIn

EXPORTS = Path(__file__).parent.parent / "data" / "deepseek"
HEADER = "user_id,utc_date,model,api_key_name,api_key,type,price,amount\n"
D13 = "u,2026-05-13,m,a,sk-a,output_tokens,0.1,{}\n"


def answer(address: str, path: str, asked: dict, page_size: int) -> dict:
    wallet = {"currency": "CNY", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}
    return {"is_available": True, "balance_infos": [wallet]}


STAND_IN = StandIn(
    environ=lambda address, key: {
        "DEEPSEEK_BASE_URL": f"{address}/deepseek",
        "DEEPSEEK_API_KEY": key,
    },
    answer=answer,
)


def load(lake: Lake, folder: Path, feed, known_on: int = 23, **more):
    """One load of a folder at 5 o'clock of a day of November."""
    at = datetime(2026, 11, known_on, 5, tzinfo=UTC)
    environ = {"DEEPSEEK_USAGE_CSV": str(folder)}
    return load_csv_feed(lake, feed, environ, date(2026, 11, 22), lambda: at, at, say=lambda text: None, **more)


def in_lake(lake: Lake, feed) -> dict[str, list[dict]]:
    """Versions and their rows."""
    return {path.partition("/day=")[2]: lake.read_rows(path) for path in lake.files(f"raw/{feed.table}")}


def told(lake: Lake) -> dict[str, list[int]]:
    """Day -> amounts of its newest version."""
    return {path[:10]: [row["amount"] for row in rows] for path, rows in sorted(in_lake(lake, amount).items())}


def test_both_schemas_are_read_and_amounts_times_prices_are_the_costs(lake):
    load(lake, EXPORTS, amount)
    load(lake, EXPORTS, cost)

    amounts, costs = (
        {path[:10]: rows for path, rows in in_lake(lake, feed).items()} for feed in (amount, cost)
    )  # fmt: skip
    assert sorted(amounts) == sorted(costs) == ["2026-05-13", "2026-09-01"]
    for day, rows in amounts.items():
        priced = sum(row["price_per_token"] * row["amount"] for row in rows if row["price_per_token"] is not None)
        assert priced == costs[day][0]["cost"]
    # A day of +08:00 stays the day that the export says.
    assert costs["2026-09-01"][0]["starts_at"] == "2026-09-01T00:00:00+08:00"
    assert len([row for row in amounts["2026-09-01"] if row["type"] == "input_cache_miss_tokens"]) == 2


def test_the_same_export_twice_counts_once_and_is_not_read_again(lake, logs):
    (logs / "amount-2026-5.csv").write_text(HEADER + D13.format(5))
    first = load(lake, logs, amount)
    before = in_lake(lake, amount)
    again = load(lake, logs, amount, known_on=24)
    (logs / "amount-2026-5 (1).csv").write_text(HEADER + D13.format(5))

    copied = load(lake, logs, amount, known_on=25)

    assert (first.records, again.files_read, copied.files_read) == (1, 0, 2)
    assert in_lake(lake, amount) == before


@pytest.mark.parametrize("seed", range(3))
def test_the_export_that_reaches_furthest_tells_a_day_in_whatever_order_they_came(tmp_path, logs, seed):
    early, late = HEADER + D13.format(5), HEADER + D13.format(7) + D13.format(1).replace("-13", "-14")
    files = {"amount-a.csv": early, "amount-b.csv": late, "amount-c.csv": early}
    order = random.Random(seed).sample(sorted(files), 3)
    lake = Lake(str(tmp_path / "lake"), tmp_path / "scratch")

    for n, name in enumerate(order):
        (logs / name).write_text(files[name])
        load(lake, logs, amount, known_on=20 + n)

    assert told(lake) == {"2026-05-13": [7], "2026-05-14": [1]}


def test_two_accounts_in_one_folder_are_two(lake, logs):
    (logs / "amount-2026-5.csv").write_text(HEADER + D13.format(5))
    (logs / "other").mkdir()
    (logs / "other" / "amount-2026-5.csv").write_text(HEADER + D13.format(9).replace("u,", "v,", 1))

    load(lake, logs, amount)

    assert told(lake) == {"2026-05-13": [5, 9]}


def test_a_bad_line_is_set_aside_with_its_place_and_the_rest_goes_on(lake, logs):
    lines = [
        "x,2026-05-13,m",
        D13.format("many"),
        D13.format(5),
        D13.format(6).replace("2026-05-13", "13.5.2026"),
        "\n",
    ]
    (logs / "amount-2026-5.csv").write_text("\ufeff" + HEADER + "\n".join(line.strip() for line in lines))
    (logs / "amount-other.csv").write_text("a,b\n1,2\n")
    (logs / "usage_data_2026_5.zip").write_bytes(b"PK")

    done = load(lake, logs, amount)

    assert told(lake) == {"2026-05-13": [5]}
    (rows,) = in_lake(lake, amount).values()
    assert rows[0]["account_id"] == "u"  # the first column, behind the mark that editors put there
    (path,) = [path for path in lake.files("raw/paceline__quarantine/deepseek__amount") if "lines" in path]
    refused = [(row["_file"], row["_line"], row["reason"]) for row in lake.read_rows(path)]
    assert refused == [
        ("amount-2026-5.csv", 2, "3 cells, expected 8"),
        ("amount-2026-5.csv", 3, "amount is 'many', expected BIGINT"),
        ("amount-2026-5.csv", 5, "utc_date is '13.5.2026', expected a day like 2026-11-20"),
        (
            "amount-other.csv",
            1,
            "the header lacks utc_date|start_time_iso, model, type, amount, utc_date|start_time_iso",
        ),
    ]
    assert (done.status, done.quarantined) == ("loaded", 5)  # and the archive, which is to be unpacked


def test_a_folder_that_is_not_there_leaves_the_lake_as_it_was(lake, logs, tmp_path):
    (logs / "amount-2026-5.csv").write_text(HEADER + D13.format(5))
    load(lake, logs, amount)

    done = load(lake, tmp_path / "gone", amount, known_on=24)

    assert done.status == "failed"
    assert "DEEPSEEK_USAGE_CSV" in done.error
    assert told(lake) == {"2026-05-13": [5]}


def test_a_balance_is_a_number_in_its_currency(providers):
    client = Client(balance.api, providers.other_environ)

    answer = read_list(client, balance, date(2026, 11, 22))

    assert answer.days == {
        date(2026, 11, 22): [{"currency": "CNY", "balance": "110.00", "granted": "10.00", "topped_up": "100.00"}]
    }
