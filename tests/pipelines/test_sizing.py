"""Own GPUs: the functions of analysts against published figures, without a warehouse and in one."""

import duckdb
import pytest

from pipelines.functions import without_warehouse

SIZED = """
    select {columns} from size_self_hosted(1e9, 5000, 500, gpus_per_replica := 2{options})
    where model = 'llama-3.3-70b' and gpu = 'h100-80gb'"""


@pytest.fixture(scope="module")
def db():
    """The functions on their defaults."""
    with without_warehouse() as db:
        yield db


def one(db, sql: str):
    """The one row that SQL answers; its one value where it has no more."""
    (row,) = db.execute(sql).fetchall()
    return row if len(row) > 1 else row[0]


def test_keys_and_values_need_the_published_bytes_per_token(db):
    found = dict(db.execute("select model, kv_bytes_per_token from size_self_hosted(1e9, 5000, 500)").fetchall())

    assert found == {
        "llama-2-7b": 524_288, "llama-3.1-8b": 131_072, "llama-3.3-70b": 327_680, "llama-3.1-405b": 516_096,
        "qwen3-32b": 262_144, "qwen3-30b-a3b": 98_304, "qwen3-235b-a22b": 192_512, "gpt-oss-20b": 49_152,
        "gpt-oss-120b": 73_728, "deepseek-r1": 70_272,
    }  # fmt: skip
    assert one(db, SIZED.format(columns="kv_bytes_per_token", options=", kv_bits := 8")) == 163_840


def test_a_model_of_70_billion_parameters_at_4_bit_needs_35_gb(db):
    assert one(db, "select weights_gb(70, 4)") == 35
    assert one(db, SIZED.format(columns="weights_gb", options=", weight_bits := 4")) == pytest.approx(35.3)


@pytest.mark.parametrize(
    ("options", "requests"),
    [(", kv_bits := 8", 81), (", kv_bits := 8, memory_utilization_ratio := 0.95", 90), (", kv_bits := 16", 41)],
)
def test_memory_limits_concurrency_where_the_published_table_saturates(db, options, requests):
    # (2 x 80 GB x 0.9 - 70.6 GB) / (163,840 bytes x 5,500 tokens); the table gains little beyond 50 in flight.
    assert one(db, SIZED.format(columns="max_concurrency", options=options)) == requests


def test_littles_law_finds_the_concurrency_of_the_published_table(db):
    found = db.execute("""
        select
            concurrency,
            concurrency(
                output_tokens_per_second / output_tokens, latency_seconds(first_token_ms, inter_token_ms, output_tokens)
            )
        from core.gpu_throughput where concurrency is not null""").fetchall()

    assert len(found) == 8
    for stated, computed in found:
        assert computed == pytest.approx(stated, rel=0.01)


def test_a_whole_service_costs_what_it_was_published_to_cost(db):
    assert one(db, "select gpu_usd(226.75 * 8, 24, 1, 2)") == 87_072


def test_a_row_that_answers_in_time_counts_whole_and_one_at_full_load_by_half(db):
    columns = "throughput_input_tokens, output_tokens_per_gpu_second"

    # 50 in flight answer in 834.51 ms: 814.37 of two GPUs. 25 in 688.69: 623.4. None in 300: half of the next 398.
    assert one(db, SIZED.format(columns=columns, options="")) == (5000, pytest.approx(407.185))
    assert one(db, SIZED.format(columns=columns, options=", first_token_ms := 700")) == (5000, pytest.approx(311.7))
    assert one(db, SIZED.format(columns=columns, options=", first_token_ms := 300")) == (8192, pytest.approx(199))


def test_input_heavy_traffic_is_not_sized_by_a_short_prompt(db):
    row = "select throughput_input_tokens from size_self_hosted(1e9, {}, 300) where model = '{}' and gpu = '{}'"

    assert one(db, row.format(1000, "llama-3.3-70b", "h200-141gb")) == 1000
    assert one(db, row.format(1001, "llama-3.3-70b", "h200-141gb")) == 8192
    assert one(db, row.format(20000, "llama-3.3-70b", "h200-141gb")) == 32768
    assert one(db, row.format(20000, "llama-3.3-70b", "h100-80gb")) == 8192  # nobody published a longer one


def test_more_load_needs_more_gpus_and_cache_hits_fewer(db):
    def gpus(tokens: str, **options: float) -> int:
        named = "".join(f", {name} := {value}" for name, value in options.items())
        where = "where model = 'llama-3.3-70b' and gpu = 'h200-141gb'"
        return one(db, f"select gpus_needed from size_self_hosted({tokens}, 20000, 300{named}) {where}")

    # 50e9 / 20,300 / 792,000 s x 3.3 = 10.263 a second. A GPU works on 60 x 33,792 / 1,024 = 1,980 tokens a second:
    # 0.097537 of 20,300, so 105.2 GPUs; 0.192233 of 10,300, so 53.4.
    assert gpus("50e9") == 106
    assert gpus("50e9", cache_read_ratio=0.5) == 54
    assert gpus("50e9", peak_factor=6.6) == 211
    assert gpus("1e6") == 1


def test_break_even_comes_earlier_with_cheaper_gpus_dearer_tokens_and_no_staff(db):
    def pays_from(gpu_usd: float, api_usd: float, staff: float = 0) -> float | None:
        return one(db, f"select break_even_tokens({staff}, 500, {gpu_usd}, {api_usd})")

    assert pays_from(1, 5) == 100e6  # 500 USD at 5 a million
    assert pays_from(1, 2) == 250e6
    assert pays_from(2, 2) is None  # a token alone costs as much
    assert pays_from(1, 5, staff=4500) == 1125e6  # 4,500 / (5 - 1), beyond 5,000 / 5
    assert pays_from(0.5, 5, staff=4500) == 1000e6
    found = "select break_even_tokens_low from break_even(1e9, as_of := '2026-06-06'{}) where model = 'claude-opus-4-7'"
    assert one(db, found.format("")) == 101_538_462  # 1,320 USD at 13
    assert one(db, found.format(", usd_per_gpu_hour := [1, 4]")) == 50_769_231
    assert one(db, found.format(", utilization_ratio := 0.3")) is None  # 4.44 / 0.3 = 14.81 a million


def test_a_budget_stretches_by_what_moves_as_far_as_prices_allow(db):
    assert one(db, "select moved_ratio(3, 13, 0.196)") == pytest.approx(0.6769, abs=1e-4)
    assert one(db, "select moved_ratio(5, 13, 0.196)") == pytest.approx(0.8122, abs=1e-4)
    assert one(db, "select moved_ratio(2, 10, 5)") == 1
    assert one(db, "select moved_ratio(3, 10, 5)") is None


def test_analysts_size_in_the_warehouse_also_under_another_name(example):
    with duckdb.connect() as db:
        db.execute(f"attach '{example / 'warehouse.duckdb'}' as other (read_only); use other")
        assert one(db, SIZED.format(columns="max_concurrency", options=", kv_bits := 8")) == 81
        pays = "select break_even_tokens_low from break_even(1e9, as_of := '2026-06-06') where model like '%opus-4-7'"
        assert one(db, pays) == 101_538_462


def test_the_mart_sizes_as_the_function_does(example):
    # The same month asked of the function, with the mart's own columns as its arguments.
    differing = """
        select mart.model, mart.gpu
        from plan.self_hosted_sizing as mart
        left join lateral (
            from size_self_hosted(
                mart.peak_requests_per_second * (mart.prompt_tokens + mart.output_tokens) * 10 * 22 * 3600,
                mart.prompt_tokens, mart.output_tokens, cache_read_ratio := mart.cache_read_ratio, peak_factor := 1)
        ) as asked on mart.model = asked.model and mart.gpu = asked.gpu
        where
            mart.gpus_needed is distinct from asked.gpus_needed or mart.bound_by is distinct from asked.bound_by
            or mart.max_concurrency is distinct from asked.max_concurrency"""
    with duckdb.connect(str(example / "warehouse.duckdb"), read_only=True) as db:
        assert one(db, "select count(*) from plan.self_hosted_sizing where gpus_needed > 0") > 0
        assert db.execute(differing).fetchall() == []
