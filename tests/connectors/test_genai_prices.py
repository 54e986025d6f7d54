"""The price table says what genai_prices.calc_price says, and names of gateways lead to the right rows."""

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import duckdb
import pandas as pd
import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ConditionalPrice, ModelPrice, StartDateConstraint, TimeOfDateConstraint

from connectors import genai_prices
from connectors._errors import SourceChanged

# Of one call. Micro-USD, because DuckDB's division would leave the exact decimals.
CALL_PRICE_MICRO_USD = """
    (input_tokens - cache_read_tokens - cache_write_tokens) * input_usd_per_mtok
    + cache_read_tokens * cache_read_usd_per_mtok
    + (cache_write_tokens - cache_write_1h_tokens) * cache_write_usd_per_mtok
    + cache_write_1h_tokens * cache_write_1h_usd_per_mtok
    + output_tokens * output_usd_per_mtok
    + usd_per_request * 1000000
"""
PLAIN_RANGE_JOIN = """
    p.price_provider = c.price_provider and p.price_model = c.price_model and p.service_tier = c.service_tier
    and c.day between p.valid_from and p.valid_to
    and c.utc_minute >= p.from_utc_minute and c.utc_minute < p.to_utc_minute
    and c.input_tokens > p.above_input_tokens and c.input_tokens <= p.up_to_input_tokens
"""
CASES_SCHEMA = {
    "case_id": "INTEGER",
    "price_provider": "VARCHAR",
    "price_model": "VARCHAR",
    "service_tier": "VARCHAR",
    "day": "DATE",
    "utc_minute": "SMALLINT",
    "input_tokens": "INTEGER",
    "cache_read_tokens": "INTEGER",
    "cache_write_tokens": "INTEGER",
    "cache_write_1h_tokens": "INTEGER",
    "output_tokens": "INTEGER",
    "expected_micro_usd": "DECIMAL(30,9)",
}
OUR_PRICE_KEYS = {
    "input_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_mtok",
    "requests_kcount",
}


@pytest.fixture(scope="module")
def rows():
    return genai_prices.prices()


@pytest.fixture(scope="module")
def db(rows):
    connection = duckdb.connect()
    create_table(connection, "prices", genai_prices.PRICES_SCHEMA, rows)
    return connection


def create_table(connection, name, schema, rows):
    frame = pd.DataFrame([{column: str(row[column]) for column in schema} for row in rows])
    columns = ", ".join(f"{column}::{kind} as {column}" for column, kind in schema.items())
    connection.register("frame", frame)
    connection.execute(f"create or replace table {name} as select {columns} from frame")
    connection.unregister("frame")


def conditional_prices(model):
    return model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]


def price_keys(model):
    return {key for row in conditional_prices(model) for key, price in vars(row.prices).items() if price is not None}


def package_models():
    return [(provider, model) for provider in get_snapshot().providers for model in provider.models]


def tiers(model):
    """(service_tier, price context) of a model, spelled as the package spells them."""
    contexts = {tuple(variant.when.items()) for variant in model.price_variants or ()}
    known = [context for context in contexts if {key for key, _ in context} <= {"service_tier", "processing", "speed"}]
    return [("standard", None), *((tier, {key: tier}) for ((key, tier),) in known)]


def moments(model):
    """Midday of some days, and the minutes on both sides of each of the model's boundaries."""
    constraints = [row.constraint for row in (*conditional_prices(model), *(model.price_variants or ()))]
    starts = {constraint.start_date for constraint in constraints if isinstance(constraint, StartDateConstraint)}
    windows = [constraint for constraint in constraints if isinstance(constraint, TimeOfDateConstraint)]
    days = {datetime.combine(day, time(0), UTC) for day in {date(2026, 6, 6), *starts}}
    edges = {*(time(0) for _ in starts), *(edge for window in windows for edge in (window.start_time, window.end_time))}
    offsets = {timedelta(hours=edge.hour, minutes=edge.minute + side) for edge in edges for side in (-1, 0)}
    return sorted(day + offset for day in days for offset in {timedelta(hours=12), *offsets})


def input_sizes(model):
    prices = [row.prices for row in (*conditional_prices(model), *(model.price_variants or ()))]
    tiered = [price for row in prices for price in vars(row).values() if hasattr(price, "tiers")]
    starts = {tier.start for price in tiered for tier in price.tiers}
    return {0, 3_000} | {size for start in starts for size in (start, start + 1)}


def is_corrected(provider, model, moment):
    windows = [row.constraint for row in conditional_prices(model) if isinstance(row.constraint, TimeOfDateConstraint)]
    return any(
        (correction.provider, correction.model) == (provider.id, model.id) and moment.date() < correction.start_date
        for correction in genai_prices.CORRECTIONS
    ) and any(window.active(moment) for window in windows)


def cases_of(provider, model):
    for tier, context in tiers(model):
        for moment in moments(model):
            if is_corrected(provider, model, moment):
                continue
            for size in input_sizes(model):
                for one_hour in (0, 499):
                    tokens = {
                        "input_tokens": size,
                        "cache_read_tokens": 701 if size else 0,
                        "cache_write_tokens": 997 if size else 0,
                        "cache_write_1h_tokens": one_hour if size else 0,
                        "output_tokens": 883,
                    }
                    call = model.calc_price(
                        Usage(**tokens), provider, genai_request_timestamp=moment, price_context=context
                    )
                    yield {
                        "price_provider": provider.id,
                        "price_model": model.id,
                        "service_tier": tier,
                        "day": moment.date(),
                        "utc_minute": moment.hour * 60 + moment.minute,
                        "expected_micro_usd": (call.total_price * 1_000_000).quantize(Decimal("1e-9")),
                        **tokens,
                    }


def price_at(db, provider, model, moment, input_tokens, **tokens):
    """USD of one call by the plain range join."""
    call = {
        "case_id": 0,
        "price_provider": provider,
        "price_model": model,
        "service_tier": "standard",
        "day": moment.date(),
        "utc_minute": moment.hour * 60 + moment.minute,
        "input_tokens": input_tokens,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "cache_write_1h_tokens": 0,
        "output_tokens": 0,
        "expected_micro_usd": 0,
        **tokens,
    }
    create_table(db, "cases", CASES_SCHEMA, [call])
    [(micro_usd,)] = db.execute(
        f"select {CALL_PRICE_MICRO_USD} from cases c join prices p on {PLAIN_RANGE_JOIN}"
    ).fetchall()
    return micro_usd / 1_000_000


def test_the_package_is_loaded_only_when_prices_are_asked_for():
    code = "import sys, connectors.genai_prices; sys.exit('genai_prices' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=genai_prices.__file__.rsplit("/", 2)[0], check=True)


def test_rows_have_the_columns_of_the_schema_in_its_order_and_no_nulls(rows):
    for row in rows:
        assert list(row) == list(genai_prices.PRICES_SCHEMA)
        assert None not in row.values()


def test_a_price_in_sql_equals_calc_price_for_every_model(db):
    models = [(provider, model) for provider, model in package_models() if price_keys(model) & OUR_PRICE_KEYS]
    cases = [case for provider, model in models for case in cases_of(provider, model)]
    assert len(models) > 2_000 and len(cases) > 20_000
    create_table(db, "cases", CASES_SCHEMA, [{"case_id": n, **case} for n, case in enumerate(cases)])
    wrong = db.execute(
        f"""
        with joined as (
            select c.*, {CALL_PRICE_MICRO_USD} as micro_usd from cases c left join prices p on {PLAIN_RANGE_JOIN}
        )
        select case_id, count(*) as row_count, any_value(micro_usd), any_value(expected_micro_usd)
        from joined group by case_id
        having row_count <> 1 or count(micro_usd) <> 1 or max(abs(micro_usd - expected_micro_usd)) > 0.001
        """
    ).fetchall()
    assert [(cases[case_id], *rest) for case_id, *rest in wrong[:5]] == []


def test_a_model_is_left_out_only_if_nothing_of_its_price_is_per_token_or_request(db):
    in_table = set(db.execute("select distinct price_provider, price_model from prices").fetchall())
    left_out = [model for provider, model in package_models() if (provider.id, model.id) not in in_table]
    assert {key for model in left_out for key in price_keys(model)} == {
        "audio_hours",
        "input_annotated_document_kpages",
        "input_audio_hours",
        "input_document_kpages",
        "input_mchars",
        "input_text_messages_kcount",
    }


def test_the_units_ignored_in_models_of_the_table_are_these(db):
    in_table = set(db.execute("select distinct price_provider, price_model from prices").fetchall())
    kept = [model for provider, model in package_models() if (provider.id, model.id) in in_table]
    assert {key for model in kept for key in price_keys(model)} - OUR_PRICE_KEYS == {
        "audio_hours",
        "cache_audio_read_mtok",
        "cache_image_read_mtok",
        "input_audio_hours",
        "input_audio_mtok",
        "input_image_mtok",
        "input_video_mtok",
        "output_audio_mtok",
        "output_citation_mtok",
        "output_image_mtok",
        "output_reasoning_mtok",
        "output_video_mtok",
        "storage_searches_kcount",
        "web_searches_kcount",
    }


def test_only_cache_write_prices_of_openrouter_lose_decimals():
    rounded = set()
    for provider, model in package_models():
        for row in (*conditional_prices(model), *(model.price_variants or ())):
            for key in vars(row.prices).keys() & OUR_PRICE_KEYS:
                price = getattr(row.prices, key)
                amounts = [price.base, *(tier.price for tier in price.tiers)] if hasattr(price, "tiers") else [price]
                if any(abs(amount - round(amount, 6)) > Decimal("1e-9") for amount in amounts if amount is not None):
                    rounded.add((provider.id, key))
    assert rounded == {("openrouter", "cache_write_mtok")}


def test_exactly_one_row_applies_to_any_call(db):
    """Rows of one model and tier do not overlap, and together they fill all days, minutes and sizes."""
    overlaps = db.execute(
        """
        select a.* from prices a join prices b
        on a.price_provider = b.price_provider and a.price_model = b.price_model and a.service_tier = b.service_tier
        and a.valid_from <= b.valid_to and b.valid_from <= a.valid_to
        and a.from_utc_minute < b.to_utc_minute and b.from_utc_minute < a.to_utc_minute
        and a.above_input_tokens < b.up_to_input_tokens and b.above_input_tokens < a.up_to_input_tokens
        and (a.valid_from, a.from_utc_minute, a.above_input_tokens)
            <> (b.valid_from, b.from_utc_minute, b.above_input_tokens)
        """
    ).fetchall()
    assert overlaps == []
    volumes = db.execute(
        """
        select distinct sum(
            (date_diff('day', valid_from, valid_to) + 1)::hugeint
            * (to_utc_minute - from_utc_minute) * (up_to_input_tokens::hugeint - above_input_tokens)
        ) from prices group by price_provider, price_model, service_tier
        """
    ).fetchall()
    # 1970-01-01 .. 9999-12-31 is 2,932,897 days; sizes are 0 .. 2**63 - 1.
    assert [int(volume) for (volume,) in volumes] == [2_932_897 * 1440 * 2**63]
    [(repeated,)] = db.execute(
        """
        select count(*) - count(distinct (price_provider, price_model, service_tier,
            valid_from, from_utc_minute, above_input_tokens)) from prices
        """
    ).fetchall()
    assert repeated == 0


def test_neighbouring_cells_with_the_same_price_are_one_row(db):
    def row_count(provider, model, tier):
        return db.execute(
            "select count(*) from prices where (price_provider, price_model, service_tier) = (?, ?, ?)",
            [provider, model, tier],
        ).fetchone()[0]

    assert row_count("anthropic", "claude-3-7-sonnet-latest", "standard") == 1
    # The tier 'default' has no price of its own, the others of GPT-5 differ from standard from a day on.
    assert row_count("openai", "gpt-5", "default") == 1
    assert row_count("openai", "gpt-5", "flex") == 2
    # Flat until 2026-08-16, flat until 2026-09-09, then five parts of the day.
    assert row_count("deepseek", "deepseek-v4-flash", "standard") == 7


def test_a_tier_costs_the_standard_price_until_its_variant_starts(db):
    tier_prices = db.execute(
        """
        select service_tier, valid_from, valid_to, input_usd_per_mtok, output_usd_per_mtok from prices
        where (price_provider, price_model) = ('openai', 'gpt-5') and service_tier in ('standard', 'priority')
        order by service_tier, valid_from
        """
    ).fetchall()
    assert tier_prices == [
        ("priority", date(1970, 1, 1), date(2026, 10, 11), Decimal("1.25"), Decimal(10)),
        ("priority", date(2026, 10, 12), date(9999, 12, 31), Decimal("2.5"), Decimal(20)),
        ("standard", date(1970, 1, 1), date(9999, 12, 31), Decimal("1.25"), Decimal(10)),
    ]


def test_claude_3_7_sonnet_with_a_cache_write_costs_what_the_bill_says(db):
    name = genai_prices.model_name("anthropic", "claude-3-7-sonnet-20250219")
    price = price_at(
        db,
        name["price_provider"],
        name["price_model"],
        datetime(2025, 6, 1, 12, tzinfo=UTC),
        input_tokens=3 + 12_304,
        cache_write_tokens=12_304,
        output_tokens=550,
    )
    # 3 x 3 + 12,304 x 3.75 + 550 x 15 = 9 + 46,140 + 8,250 = 54,399 micro-USD
    assert price == Decimal("0.054399")


@pytest.mark.parametrize(
    ("day", "at_02_utc", "at_05_utc"),
    [
        (date(2026, 6, 6), "0.42", "0.42"),  # 0.14 + 0.28
        (date(2026, 9, 9), "0.88", "0.88"),  # 0.22 + 0.66
        (date(2026, 9, 10), "1.50", "0.75"),  # 0.30 + 1.20 and 0.15 + 0.60
    ],
)
def test_deepseek_v4_flash_has_peak_prices_only_from_their_first_day_on(db, day, at_02_utc, at_05_utc):
    def price(hour):
        moment = datetime.combine(day, time(hour), UTC)
        return price_at(db, "deepseek", "deepseek-v4-flash", moment, input_tokens=1_000_000, output_tokens=1_000_000)

    assert price(2) == Decimal(at_02_utc)
    assert price(8) == Decimal(at_02_utc)
    assert price(5) == Decimal(at_05_utc)


def test_the_correction_rests_once_the_package_dates_its_time_of_day_rows():
    class Dated(TimeOfDateConstraint):
        start_date = date(2026, 9, 11)

    [(_, model)] = [(p, m) for p, m in package_models() if (p.id, m.id) == ("deepseek", "deepseek-v4-flash")]
    dated = ConditionalPrice(Dated(time(1), time(4)), prices=model.prices[-1].prices)
    model = type(model)(id=model.id, match=model.match, prices=[*model.prices[:-2], dated])
    assert genai_prices._corrected("deepseek", model).prices == model.prices


def test_the_version_names_the_package_and_changes_with_the_corrections(monkeypatch):
    before = genai_prices.version()
    assert before.startswith("0.")
    assert genai_prices.version() == before
    monkeypatch.setattr(genai_prices, "CORRECTIONS", ())
    assert genai_prices.version() != before


def test_a_condition_of_an_unknown_kind_stops_the_export():
    class Weekday:
        def active(self, moment):
            return True

    with pytest.raises(SourceChanged, match="Weekday"):
        genai_prices._edges(Weekday())
    with pytest.raises(SourceChanged, match="between two minutes"):
        genai_prices._edges(TimeOfDateConstraint(time(1, 0, 30), time(4)))


def test_a_time_of_day_is_turned_into_utc_and_may_cross_midnight():
    beijing = timezone(timedelta(hours=8))
    prices = [
        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(1))),
        ConditionalPrice(
            TimeOfDateConstraint(time(6, tzinfo=beijing), time(12, tzinfo=beijing)),
            prices=ModelPrice(input_mtok=Decimal(2)),
        ),
    ]
    [(_, model)] = [(p, m) for p, m in package_models() if (p.id, m.id) == ("deepseek", "deepseek-chat")]
    cells = genai_prices._cells(type(model)(id="x", match=model.match, prices=prices), {})
    # 06:00 to 12:00 in Beijing is 22:00 to 04:00 UTC.
    assert [(c["from_utc_minute"], c["to_utc_minute"], c["input_usd_per_mtok"]) for c in cells] == [
        (0, 240, Decimal(2)),
        (240, 1320, Decimal(1)),
        (1320, 1440, Decimal(2)),
    ]


@pytest.mark.parametrize(
    ("provider", "model", "usd_a_month"),
    [
        ("anthropic", "claude-opus-4-7", "4290"),  # 198 x 5 + 132 x 25
        ("anthropic", "claude-sonnet-4-6", "2574"),  # 198 x 3 + 132 x 15
        ("gemini", "gemini-2.5-pro", "1567.50"),  # 198 x 1.25 + 132 x 10
        ("deepseek", "deepseek-v4-flash", "64.68"),  # 198 x 0.14 + 132 x 0.28
    ],
)
def test_330_million_tokens_a_month_at_60_percent_input_cost_the_list_price(db, provider, model, usd_a_month):
    name = genai_prices.model_name(provider, model)
    # 33,000 calls of 6,000 input and 4,000 output tokens: 198 M and 132 M.
    one_call = price_at(
        db,
        name["price_provider"],
        name["price_model"],
        datetime(2026, 6, 6, 2, tzinfo=UTC),
        input_tokens=6_000,
        output_tokens=4_000,
    )
    assert one_call * 33_000 == Decimal(usd_a_month)


NAMES = [
    # raw_provider, raw_model, provider, model, price_provider, price_model
    ("anthropic", "claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6"),
    ("anthropic", "anthropic/Claude-Opus-4-7", "anthropic", "claude-opus-4-7", "anthropic", "claude-opus-4-7"),
    ("gemini", "gemini/gemini-2.5-pro", "google", "gemini-2.5-pro", "google", "gemini-2.5-pro"),
    ("vertex_ai", "vertex_ai/gemini-2.5-pro", "google", "gemini-2.5-pro", "google", "gemini-2.5-pro"),
    (
        "vertex_ai-anthropic_models",
        "claude-3-7-sonnet@20250219",
        "google",
        "claude-3-7-sonnet@20250219",
        "google",
        "claude-3-7-sonnet",
    ),
    ("xai", "xai/grok-4", "x-ai", "grok-4", "x-ai", "grok-4-0709"),
    ("deepseek", "deepseek/deepseek-v4-flash", "deepseek", "deepseek-v4-flash", "deepseek", "deepseek-v4-flash"),
    # Azure sells models of OpenAI and Anthropic at their prices.
    ("azure", "azure/gpt-4o-2024-11-20", "azure", "gpt-4o-2024-11-20", "openai", "gpt-4o"),
    ("azure_ai", "azure_ai/claude-opus-4-1", "azure", "claude-opus-4-1", "anthropic", "claude-opus-4-1"),
    ("azure", "azure/our-deployment", "azure", "our-deployment", None, None),
    # The region is no part of our name of the model, but AWS prices it.
    (
        "bedrock",
        "bedrock/us.anthropic.claude-sonnet-4-6",
        "aws",
        "anthropic.claude-sonnet-4-6",
        "aws",
        "regional.anthropic.claude-sonnet-4-6-v1:0",
    ),
    (
        "bedrock_converse",
        "global.anthropic.claude-sonnet-4-6",
        "aws",
        "anthropic.claude-sonnet-4-6",
        "aws",
        "global.anthropic.claude-sonnet-4-6-v1:0",
    ),
    (
        "bedrock",
        "bedrock/us-east-1/anthropic.claude-3-haiku-20240307-v1:0",
        "aws",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "aws",
        "regional.anthropic.claude-3-haiku-20240307-v1:0",
    ),
    # What a reseller sells keeps its own slash.
    (
        "openrouter",
        "openrouter/anthropic/claude-sonnet-4",
        "openrouter",
        "anthropic/claude-sonnet-4",
        "openrouter",
        "anthropic/claude-sonnet-4",
    ),
    (
        "openrouter",
        "anthropic/claude-sonnet-4",
        "openrouter",
        "anthropic/claude-sonnet-4",
        "openrouter",
        "anthropic/claude-sonnet-4",
    ),
    ("groq", "groq/openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
    (
        "together_ai",
        "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "together_ai",
        "meta-llama/llama-3.3-70b-instruct-turbo",
        "together",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    ("Perplexity", "perplexity/glm-5.3", "perplexity", "glm-5.3", "perplexity", "perplexity/glm-5.3"),
    # 'openai' is OpenAI only for what OpenAI sells.
    ("openai", "openai/gpt-4o", "openai", "gpt-4o", "openai", "gpt-4o"),
    ("openai", "nightowl-coder-9b", "nightowl", "nightowl-coder-9b", None, None),
    ("openai", "gpt-6-preview", "gpt", "gpt-6-preview", None, None),
    ("openai", "deepseek/deepseek-v4-flash", "deepseek", "deepseek-v4-flash", None, None),
    ("openai", "acme-moderation-7b", "acme", "acme-moderation-7b", None, None),
    # Without a provider, the path or the one maker of the model says it.
    (None, "gemini/gemini-2.5-pro", "google", "gemini-2.5-pro", "google", "gemini-2.5-pro"),
    (
        None,
        "claude-3-7-sonnet-20250219",
        "anthropic",
        "claude-3-7-sonnet-20250219",
        "anthropic",
        "claude-3-7-sonnet-latest",
    ),
    (None, "gpt-4o", "openai", "gpt-4o", "openai", "gpt-4o"),
    (None, "mistral-large-latest", "mistral", "mistral-large-latest", "mistral", "mistral-large"),
    # Google's rule is 'contains claude-3-7-sonnet', and Mistral sells this DeepSeek model.
    (None, "my-claude-3-7-sonnet-distill", "my", "my-claude-3-7-sonnet-distill", None, None),
    (None, "deepseek-v4-1-flash-1017", "deepseek", "deepseek-v4-1-flash-1017", None, None),
    (None, "acme-gemini-1.5-flash-tuned", "acme", "acme-gemini-1.5-flash-tuned", None, None),
    (None, "meta-llama/Llama-3.3-70B-Instruct", "meta", "meta-llama/llama-3.3-70b-instruct", None, None),
    (None, "", "unknown", "", None, None),
    # Claude Code does not say who sold a call: Bedrock's names do, and others' have one maker.
    (
        None,
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "aws",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "aws",
        "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    (
        None,
        "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "aws",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "aws",
        "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    (
        "bedrock",
        "claude-haiku-4-5-20251001",
        "aws",
        "claude-haiku-4-5-20251001",
        "aws",
        "regional.anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
    (None, "deepseek-chat", "deepseek", "deepseek-chat", "deepseek", "deepseek-chat"),
    (None, "gpt-4.1", "openai", "gpt-4.1", "openai", "gpt-4.1"),
    (None, "qwen2.5-coder", "qwen2", "qwen2.5-coder", None, None),
    # A name of a gateway, or a model newer than the price list.
    (None, "claude-sonnet", "anthropic", "claude-sonnet", None, None),
    (None, "gemini-99", "google", "gemini-99", None, None),
    # A known provider without a list price.
    ("google", "gemma-4-31b-it", "google", "gemma-4-31b-it", None, None),
    ("Nebius", "nebius/some-model", "nebius", "some-model", None, None),
]


@pytest.mark.parametrize(("raw_provider", "raw_model", "provider", "model", "price_provider", "price_model"), NAMES)
def test_a_gateway_name_leads_to_our_name_and_to_the_price(
    raw_provider, raw_model, provider, model, price_provider, price_model
):
    row = genai_prices.model_name(raw_provider, raw_model)
    assert list(row) == list(genai_prices.MODEL_NAMES_SCHEMA)
    assert tuple(row.values()) == (raw_provider, raw_model, provider, model, price_provider, price_model, False)


@pytest.mark.parametrize(
    ("raw_provider", "raw_model", "provider"),
    [
        # OpenTelemetry's conventions, old and new.
        ("gcp.gemini", "gemini-2.5-pro", "google"),
        ("gcp.vertex_ai", "gemini-2.5-pro", "google"),
        ("gcp.gen_ai", "gemini-2.5-pro", "google"),
        ("azure.ai.openai", "gpt-4o", "azure"),
        ("azure.ai.inference", "gpt-4o", "azure"),
        ("az.ai.openai", "gpt-4o", "azure"),
        ("aws.bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("mistral_ai", "mistral-large-latest", "mistral"),
        ("x_ai", "grok-4", "x-ai"),
        # Cloudflare, Portkey, TensorZero, Bifrost.
        ("google-ai-studio", "gemini-2.5-pro", "google"),
        ("google-vertex-ai", "gemini-2.5-pro", "google"),
        ("vertex-ai", "gemini-2.5-pro", "google"),
        ("aws-bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("azure-openai", "gpt-4o", "azure"),
        ("gcp_vertex_gemini", "gemini-2.5-pro", "google"),
        ("gcp_vertex_anthropic", "claude-opus-4-5@20251101", "google"),
        ("google_ai_studio_gemini", "gemini-2.5-pro", "google"),
        ("VERTEX", "gemini-2.5-pro", "google"),
    ],
)
def test_a_provider_is_the_same_in_every_spelling_and_has_a_price(raw_provider, raw_model, provider):
    row = genai_prices.model_name(raw_provider, raw_model)
    assert (row["provider"], row["price_model"] is not None) == (provider, True)


def test_every_price_row_named_by_model_name_is_in_the_table(db):
    in_table = set(db.execute("select distinct price_provider, price_model from prices").fetchall())
    named = {
        (row["price_provider"], row["price_model"])
        for provider, model in package_models()
        if provider.id in {"anthropic", "openai", "google", "aws", "azure", "mistral"}
        for row in [genai_prices.model_name(provider.id, model.id)]
    }
    assert len(named) > 300
    assert named - in_table == {(None, None)}


@pytest.mark.parametrize(
    ("raw_provider", "raw_model", "provider", "model"),
    [
        (
            "hosted_vllm",
            "hosted_vllm/meta-llama/Llama-3.3-70B-Instruct",
            "selfhosted-vllm",
            "meta-llama/llama-3.3-70b-instruct",
        ),
        ("hosted_vllm", "openai/gpt-oss-120b", "selfhosted-vllm", "openai/gpt-oss-120b"),
        ("vllm", "claude-3-7-sonnet", "selfhosted-vllm", "claude-3-7-sonnet"),
        ("ollama_chat", "ollama_chat/llama3:8b", "selfhosted-ollama", "llama3:8b"),
        (None, "hosted_vllm/qwen3", "selfhosted-vllm", "qwen3"),
    ],
)
def test_a_model_on_own_machines_has_no_list_price(raw_provider, raw_model, provider, model):
    row = genai_prices.model_name(raw_provider, raw_model)
    assert tuple(row.values()) == (raw_provider, raw_model, provider, model, None, None, True)


ALIASES = [
    {"raw_model": "Fast-Coder", "provider": "anthropic", "model": "claude-sonnet-4-6"},
    {"raw_model": "openai/house-model", "provider": "selfhosted-h100", "model": ""},
    {"raw_model": "night-chat", "provider": "", "model": "gpt-4o"},
    {"raw_model": "eu.anthropic.claude-sonnet-4-6", "provider": None, "model": "claude-sonnet-4-6"},
    {"raw_model": "lone-model", "provider": "openai", "model": ""},
]


@pytest.mark.parametrize(
    ("raw_provider", "raw_model", "rest"),
    [
        # Found by the stripped name, whatever the case; the price is that of the aliased model.
        (
            "openai",
            "openai/FAST-coder",
            ("anthropic", "claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6", False),
        ),
        # Found by the raw name; an empty model keeps the stripped one.
        ("openai", "openai/house-model", ("selfhosted-h100", "house-model", None, None, True)),
        ("openai", "house-model", ("house", "house-model", None, None, False)),
        # An empty provider keeps the one found from the model.
        ("openai", "night-chat", ("openai", "gpt-4o", "openai", "gpt-4o", False)),
        ("azure", "azure/night-chat", ("azure", "gpt-4o", "openai", "gpt-4o", False)),
        # The price is looked up by the alias alone, not by the region of the raw name.
        (
            "bedrock",
            "eu.anthropic.claude-sonnet-4-6",
            ("aws", "claude-sonnet-4-6", "aws", "regional.anthropic.claude-sonnet-4-6-v1:0", False),
        ),
        # A company that says 'openai' means OpenAI.
        ("hosted_vllm", "lone-model", ("openai", "lone-model", None, None, False)),
        ("openai", "another-model", ("another", "another-model", None, None, False)),
    ],
)
def test_a_company_alias_goes_before_the_price_lookup(raw_provider, raw_model, rest):
    row = genai_prices.model_name(raw_provider, raw_model, ALIASES)
    assert tuple(row.values()) == (raw_provider, raw_model, *rest)
