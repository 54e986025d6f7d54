"""List prices of the installed genai-prices package, as a dated flat table, and the names that lead to its rows.

Source: the data shipped inside the genai-prices package (https://github.com/pydantic/genai-prices). No network.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connectors._errors import SourceChanged

PRICES_SCHEMA: dict[str, str] = {
    "price_provider": "VARCHAR",
    "price_model": "VARCHAR",
    "service_tier": "VARCHAR",
    "valid_from": "DATE",
    "valid_to": "DATE",
    "from_utc_minute": "SMALLINT",
    "to_utc_minute": "SMALLINT",
    "above_input_tokens": "BIGINT",
    "up_to_input_tokens": "BIGINT",
    "input_usd_per_mtok": "DECIMAL(18,6)",
    "cache_read_usd_per_mtok": "DECIMAL(18,6)",
    "cache_write_usd_per_mtok": "DECIMAL(18,6)",
    "cache_write_1h_usd_per_mtok": "DECIMAL(18,6)",
    "output_usd_per_mtok": "DECIMAL(18,6)",
    "usd_per_request": "DECIMAL(18,9)",
}

MODEL_NAMES_SCHEMA: dict[str, str] = {
    "raw_provider": "VARCHAR",
    "raw_model": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "price_provider": "VARCHAR",
    "price_model": "VARCHAR",
    "is_self_hosted": "BOOLEAN",
}

OPEN_FROM = date(1970, 1, 1)
OPEN_TO = date(9999, 12, 31)
MINUTES_PER_DAY = 1440
BASE_ABOVE = -1
OPEN_UP_TO = 9223372036854775807

TOKEN_PRICE_KEYS = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok")
REQUEST_PRICE_KEY = "requests_kcount"
SERVICE_TIER_KEYS = ("service_tier", "processing", "speed")


@dataclass(frozen=True)
class Correction:
    """One dated fact which the package leaves out. It is applied only while the package leaves it out."""

    provider: str
    model: str
    what: str
    start_date: date
    reason: str


TIME_OF_DAY_STARTS = "the time-of-day conditions of this model start on this date"

CORRECTIONS: tuple[Correction, ...] = (
    Correction(
        provider="deepseek",
        model="deepseek-v4-flash",
        what=TIME_OF_DAY_STARTS,
        start_date=date(2026, 9, 10),
        reason=(
            "The package holds the peak prices of V4.1 Flash, which serves this name from 2026-09-10 on "
            "(https://api-docs.deepseek.com/updates), without a date, so they would also price earlier calls; "
            "see https://github.com/pydantic/genai-prices/issues/582."
        ),
    ),
)


def version() -> str:
    """The package's version plus a mark of CORRECTIONS, for fingerprints: '0.2.3+corrections.1a2b3c4d'."""
    from importlib.metadata import version as installed_version

    mark = hashlib.sha256(repr(CORRECTIONS).encode()).hexdigest()[:8]
    return f"{installed_version('genai-prices')}+corrections.{mark}"


def prices() -> list[dict[str, Any]]:
    """All list prices. Grain: price_provider x price_model x service_tier x validity cell. Columns: PRICES_SCHEMA.

    Units: USD per million tokens and USD per request; dates and minutes of the day in UTC; input tokens of one call,
    cached tokens included. A row applies to a call when all of these hold, and exactly one row of a provider, model
    and tier does, for any call:

        valid_from <= date <= valid_to
        from_utc_minute <= minute of the day < to_utc_minute
        above_input_tokens < input tokens <= up_to_input_tokens      (the price then applies to all tokens)

    The price of a call, equal to genai_prices.calc_price for these units:

        uncached input * input + cache reads * cache_read + cache writes other than 1-hour * cache_write
        + 1-hour cache writes * cache_write_1h + output * output, all / 1,000,000, + usd_per_request

    Prices are never NULL: a missing 1-hour write price is the write price; a missing cache price is the input price;
    whatever else is missing is 0.

    service_tier is 'standard' or a tier that the package prices for this model, from its variants by 'service_tier',
    'processing' and 'speed'. A call of a tier without rows for its model costs 'standard'. So does any call priced by
    another provider's row (see model_name): the package keeps a provider's tiers to its own models.

    Not in the table: variants by other context (route, search type); units other than the above (audio, images,
    searches, pages, reasoning billed apart from output); models with no token price and no price per request.

    Not as in the package: CORRECTIONS; and prices are rounded to the decimals of their column, which is at most
    0.0000005 USD per million tokens.
    """
    return [
        {"price_provider": provider.id, "price_model": model.id, "service_tier": tier, **cell}
        for provider in _providers()
        for model in provider.models
        if _has_price(model)
        for tier, context in _service_tiers(model).items()
        for cell in _cells(_corrected(provider.id, model), context)
    ]


def _providers() -> list:
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot().providers


def _conditional_prices(model) -> list:
    from genai_prices.types import ConditionalPrice

    return model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]


def _has_price(model) -> bool:
    keys = (*TOKEN_PRICE_KEYS, REQUEST_PRICE_KEY)
    return any(getattr(row.prices, key) is not None for row in _conditional_prices(model) for key in keys)


def _service_tiers(model) -> dict[str, dict[str, str]]:
    """service_tier -> the price context which selects it."""
    tiers: dict[str, dict[str, str]] = {"standard": {}}
    for variant in model.price_variants or ():
        if len(variant.when) == 1:
            [(key, tier)] = variant.when.items()
            # 'standard' is the price without any context.
            if key in SERVICE_TIER_KEYS and tier != "standard":
                tiers.setdefault(tier, {})[key] = tier
    return tiers


@dataclass(frozen=True)
class _StartingOn:
    """A condition of the package which holds from a date on."""

    start_date: date
    condition: Any

    def active(self, moment: datetime) -> bool:
        return moment.date() >= self.start_date and self.condition.active(moment)


def _corrected(provider_id: str, model):
    from genai_prices.types import TimeOfDateConstraint

    for correction in CORRECTIONS:
        if (correction.provider, correction.model, correction.what) == (provider_id, model.id, TIME_OF_DAY_STARTS):
            rows = [
                replace(row, constraint=_StartingOn(correction.start_date, row.constraint))
                if isinstance(row.constraint, TimeOfDateConstraint) and not hasattr(row.constraint, "start_date")
                else row
                for row in _conditional_prices(model)
            ]
            model = replace(model, prices=rows)
    return model


def _cells(model, context: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    """The validity cells of one model and tier, equal neighbours merged.

    Prices can only change where a condition starts or ends, so the package is asked once between each two such points.
    """
    days, minutes = {OPEN_FROM}, {0}
    for row in (*_conditional_prices(model), *(model.price_variants or ())):
        row_days, row_minutes = _edges(row.constraint)
        days |= row_days
        minutes |= row_minutes

    def token_runs(day: date, minute: int):
        return _token_runs(model.get_prices(datetime.combine(day, time(*divmod(minute, 60)), UTC), context))

    def minute_runs(day: date):
        return _runs(minutes, MINUTES_PER_DAY, lambda minute: token_runs(day, minute))

    for from_day, next_day, of_day in _runs(days, OPEN_TO, minute_runs):
        for from_minute, to_minute, of_minute in of_day:
            for above, up_to, amounts in of_minute:
                yield {
                    "valid_from": from_day,
                    "valid_to": next_day if next_day == OPEN_TO else next_day - timedelta(days=1),
                    "from_utc_minute": from_minute,
                    "to_utc_minute": to_minute,
                    "above_input_tokens": above,
                    "up_to_input_tokens": up_to,
                    **dict(amounts),
                }


def _runs(starts: Iterable, end, value_at: Callable) -> tuple[tuple, ...]:
    """(start, next start or end, value), in order, where neighbours have different values."""
    changes: list[tuple] = []
    for start in sorted(starts):
        value = value_at(start)
        if not changes or changes[-1][1] != value:
            changes.append((start, value))
    ends = [start for start, _ in changes[1:]] + [end]
    return tuple((start, stop, value) for (start, value), stop in zip(changes, ends, strict=True))


def _edges(constraint) -> tuple[set[date], set[int]]:
    """Dates and minutes of the day (UTC) at which a condition can turn true or false."""
    from genai_prices.types import StartDateConstraint, TimeOfDateConstraint

    if constraint is None:
        return set(), set()
    if isinstance(constraint, StartDateConstraint):
        return {constraint.start_date}, set()
    if isinstance(constraint, TimeOfDateConstraint):
        return set(), {_utc_minute(constraint.start_time), _utc_minute(constraint.end_time)}
    if isinstance(constraint, _StartingOn):
        days, minutes = _edges(constraint.condition)
        return days | {constraint.start_date}, minutes
    raise SourceChanged(
        f"genai-prices has a price condition of the kind {type(constraint).__name__}, which this version cannot turn "
        "into dates and times of day. A developer must extend connectors/genai_prices.py."
    )


def _utc_minute(moment: time) -> int:
    utc = datetime.combine(date(2000, 1, 1), moment, moment.tzinfo or UTC).astimezone(UTC).time()
    if utc.second or utc.microsecond:
        raise SourceChanged(
            f"genai-prices has a price condition which starts or ends at {moment}, between two minutes. "
            "A developer must extend connectors/genai_prices.py."
        )
    return utc.hour * 60 + utc.minute


def _token_runs(model_price) -> tuple[tuple, ...]:
    """(above, up to, ((column, amount), ...)) by input tokens; thresholds of all prices of the row together."""
    tiered = (getattr(model_price, key) for key in (*TOKEN_PRICE_KEYS, REQUEST_PRICE_KEY))
    thresholds = {tier.start for price in tiered for tier in getattr(price, "tiers", ())}
    return _runs({BASE_ABOVE} | thresholds, OPEN_UP_TO, lambda above: _amounts(model_price, above + 1))


def _amounts(model_price, input_tokens: int) -> tuple[tuple[str, Decimal], ...]:
    by_key = {key: _amount(getattr(model_price, key), input_tokens) for key in (*TOKEN_PRICE_KEYS, REQUEST_PRICE_KEY)}

    def first(*keys: str) -> Decimal:
        return next((price for key in keys if (price := by_key[key]) is not None), Decimal(0))

    per_mtok = {
        "input_usd_per_mtok": first("input_mtok"),
        "cache_read_usd_per_mtok": first("cache_read_mtok", "input_mtok"),
        "cache_write_usd_per_mtok": first("cache_write_mtok", "input_mtok"),
        "cache_write_1h_usd_per_mtok": first("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
        "output_usd_per_mtok": first("output_mtok"),
    }
    rounded = tuple((column, amount.quantize(Decimal("0.000001"))) for column, amount in per_mtok.items())
    return *rounded, ("usd_per_request", (first(REQUEST_PRICE_KEY) / 1000).quantize(Decimal("0.000000001")))


def _amount(price, input_tokens: int) -> Decimal | None:
    applicable = [tier.price for tier in getattr(price, "tiers", ()) if input_tokens > tier.start]
    return applicable[-1] if applicable else getattr(price, "base", price)


# What gateways and OpenTelemetry's conventions call a provider -> what we call it; `-` and `.` are as good as `_`. All
# others keep their name.
PROVIDERS = {
    "gemini": "google",
    "google_ai_studio": "google",
    "google_ai_studio_gemini": "google",
    "google_vertex_ai": "google",
    "gcp_gemini": "google",
    "gcp_gen_ai": "google",
    "gcp_vertex_ai": "google",
    "gcp_vertex_anthropic": "google",
    "gcp_vertex_gemini": "google",
    "vertex": "google",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "hosted_vllm": "selfhosted-vllm",
    "vllm": "selfhosted-vllm",
    "ollama": "selfhosted-ollama",
    "ollama_chat": "selfhosted-ollama",
    "az_ai_inference": "azure",
    "az_ai_openai": "azure",
    "azure_ai": "azure",
    "azure_ai_inference": "azure",
    "azure_ai_openai": "azure",
    "azure_openai": "azure",
    "azure_text": "azure",
    "aws_bedrock": "aws",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "x_ai": "x-ai",
    "xai": "x-ai",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshot",
    "ibm_watsonx_ai": "watsonx",
    "anthropic_text": "anthropic",
    "cohere_chat": "cohere",
    "custom_openai": "openai",
    "openai_like": "openai",
    "text_completion_openai": "openai",
}

# What we call a provider -> its id in genai-prices. All others have the same name there, or no price.
PRICE_PROVIDERS = {
    "fireworks_ai": "fireworks",
    "github_copilot": "github-copilot",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "voyage": "voyageai",
}

# First parts of a path that LiteLLM reads as a provider (litellm.types.utils.LlmProviders), beside those above.
_MORE_PREFIXES = """
    ai21 aiml anthropic azure baseten cerebras cloudflare codestral cohere dashscope databricks datarobot deepinfra
    deepseek docker_model_runner elevenlabs featherless_ai friendliai galadriel github gradient_ai groq heroku
    huggingface hyperbolic lambda_ai lemonade litellm_proxy llamafile lm_studio meta_llama minimax mistral morph nebius
    novita nscale nvidia_nim oci openai openrouter ovhcloud perplexity predibase replicate sagemaker sagemaker_chat
    sambanova snowflake text-completion-openai triton v0 vercel_ai_gateway volcengine wandb watsonx xinference zai
"""
GATEWAY_PREFIXES = {*PROVIDERS, *PRICE_PROVIDERS, *_MORE_PREFIXES.split()}

FIRST_PARTIES = ("anthropic", "openai", "google", "deepseek", "x-ai", "mistral")

_AWS_REGION = re.compile(r"^(us-gov|us|eu|apac|global|au|ca|in|jp)\.")
# Only Bedrock names a model by an ARN, or begins with its region or maker and a dot.
_BEDROCK_NAME = re.compile(r"^arn:aws[a-z-]*:bedrock:|^(us-gov|[a-z0-9]+)\.[a-z]")


def model_name(raw_provider: str | None, raw_model: str, aliases: Sequence[Mapping] = ()) -> dict[str, Any]:
    """What a gateway's (provider, model) is called here and which price rows it has. One row of MODEL_NAMES_SCHEMA.

    raw_provider and raw_model: LiteLLM's custom_llm_provider and model, kept as given. aliases: rows of a company's
    model_aliases.csv (raw_model, provider, model; an empty provider or model keeps what was found without the alias).
    Source of price_provider and price_model: the match rules of genai-prices. They are both None or a key of prices().

    price_provider is the provider whose price row applies. It is another one than the seller where genai-prices falls
    back to the maker, such as azure -> openai; such calls cost the service tier 'standard'.

    'openai' is also LiteLLM's name for the protocol. So a model that OpenAI does not sell has no known provider, as if
    raw_provider were missing: then its name says whether it is Bedrock's or whose it is, else its first word stands in.
    """
    provider, routed = _provider_and_path(raw_provider, raw_model)
    model = _AWS_REGION.sub("", routed) if provider == "aws" else routed
    # AWS prices its global and regional profiles apart, so the name with the region comes first.
    lookup_names = (routed, model, raw_model.strip().lower())

    alias = _alias(aliases, raw_model, model)
    aliased_provider = _provider(alias.get("provider"))
    if aliased_model := (alias.get("model") or "").strip().lower():
        model, lookup_names = aliased_model, (aliased_model,)

    if aliased_provider:
        provider = aliased_provider
    elif provider in (None, "openai"):
        candidates = FIRST_PARTIES if provider is None else (provider,)
        sellers = [candidate for candidate in candidates if _is_own_model(candidate, model)]
        provider = sellers[0] if len(sellers) == 1 else None

    price_provider, price_model = _price_row(provider, lookup_names) if provider else (None, None)
    provider = provider or _maker(model) or _first_word(model)
    return {
        "raw_provider": raw_provider,
        "raw_model": raw_model,
        "provider": provider,
        "model": model,
        "price_provider": price_provider,
        "price_model": price_model,
        "is_self_hosted": provider.startswith("selfhosted"),
    }


def _provider(name: str | None) -> str | None:
    name = (name or "").strip().lower()
    spelled = re.sub("[-. ]", "_", name)
    if spelled.startswith("vertex_ai_"):
        return "google"
    return PROVIDERS.get(spelled, name) or None


def _provider_and_path(raw_provider: str | None, raw_model: str) -> tuple[str | None, str]:
    """Our name of the provider if one is given, and the model's name, lower case, without a gateway's path part.

    A path part is only the gateway's if it names the given provider or no provider in particular is given:
    at OpenRouter or in a vLLM server 'openai/gpt-oss-120b' is the whole name of a model.
    """
    provider = _provider(raw_provider)
    name = raw_model.strip().lower()
    prefix, _, rest = name.partition("/")
    if rest and prefix in GATEWAY_PREFIXES and provider in (None, "openai", _provider(prefix)):
        provider, name = provider or _provider(prefix), rest
    if provider is None and _BEDROCK_NAME.match(name):
        provider = "aws"
    if provider == "aws":
        # The rest of a Bedrock path is a region, an API or an ARN; names of Bedrock models have no slash.
        name = name.rpartition("/")[2]
    return provider, name


def _alias(aliases: Sequence[Mapping], *names: str) -> Mapping:
    wanted = {name.strip().lower() for name in names}
    return next((alias for alias in aliases if alias["raw_model"].strip().lower() in wanted), {})


def _price_row(provider: str, names: Iterable[str]) -> tuple[str | None, str | None]:
    providers = _providers()
    price_provider = PRICE_PROVIDERS.get(provider, provider)
    seller = next((candidate for candidate in providers if candidate.id == price_provider), None)
    if seller:
        for name in names:
            found = seller.find_model(name, all_providers=providers)
            if found and _has_price(found):
                # The package does not say whose model it found, and ids repeat between providers.
                holder = next(p for p in providers if any(model is found for model in p.models))
                return holder.id, found.id
    return None, None


def _is_own_model(provider_id: str, name: str) -> bool:
    """Whether a first party sells a model of its own making under this name."""
    first_parties = {provider.id: provider for provider in _providers() if provider.id in FIRST_PARTIES}
    found = first_parties[provider_id].find_model(name)
    if not found:
        return False
    # Google sells Claude, Mistral sells DeepSeek.
    resold = any(
        maker.model_match and maker.model_match.is_match(found.id)
        for maker in first_parties.values()
        if maker.id != provider_id
    )
    # A rule 'contains gemini-1.5-flash' also matches 'acme-gemini-1.5-flash-tuned', which is not Google's.
    matches_anywhere = found.is_match(f"-{name}")
    return not resold and (not matches_anywhere or _first_word(name) == _first_word(found.id))


def _maker(name: str) -> str | None:
    """The first party whose models begin with the word that this name begins with, whether it is known or not."""
    word = _first_word(name)
    makers = [p.id for p in _providers() if p.id in FIRST_PARTIES and p.model_match and p.model_match.is_match(word)]
    return makers[0] if len(makers) == 1 else None


def _first_word(name: str) -> str:
    return next((word for word in re.split(r"[^a-z0-9]+", name.lower()) if word), "unknown")
