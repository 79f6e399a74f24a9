"""Makes `src/antiphon/routing/catalogue.json.gz`: what models cost, hold and can do.

Prices come from genai-prices (MIT), limits and capabilities from the list in LiteLLM's wheel (MIT); NOTICE
names both. The file holds only the providers that Antiphon has, so that it is small, and prices as whole
numbers of nano-US-dollars for a million units, so that nothing is ever rounded before the sum. Its shape is
described where it is read, in `antiphon.routing.catalogue`.

    python -m scripts.catalogue path/to/litellm-….whl
"""

from __future__ import annotations

import dataclasses
import gzip
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from genai_prices import data
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from antiphon.routing.pricing import UNITS

JSON: TypeAlias = dict[str, Any]

TARGET = Path(__file__).parents[1] / "src/antiphon/routing/catalogue.json.gz"
LIST = "litellm/model_prices_and_context_window_backup.json"

# Our provider: (the provider in genai-prices, the providers in LiteLLM's list, what its names begin with).
SOURCES: Mapping[str, tuple[str | None, tuple[str, ...], tuple[str, ...]]] = {
    "openai": ("openai", ("openai",), ()),
    "azure": ("azure", ("azure",), ("azure/",)),
    "anthropic": ("anthropic", ("anthropic",), ()),
    "bedrock": ("aws", ("bedrock_converse", "bedrock"), ()),
    "gemini": ("google", ("gemini",), ("gemini/",)),
    "vertex": ("google", ("vertex_ai-language-models",), ("vertex_ai/",)),
    "vertex_anthropic": ("google", ("vertex_ai-anthropic_models",), ("vertex_ai/",)),
    "groq": ("groq", ("groq",), ("groq/",)),
    "deepseek": ("deepseek", ("deepseek",), ("deepseek/",)),
    "openrouter": ("openrouter", ("openrouter",), ("openrouter/",)),
    "mistral": ("mistral", ("mistral",), ("mistral/",)),
    "xai": ("x-ai", ("xai",), ("xai/",)),
    "together": ("together", ("together_ai",), ("together_ai/",)),
    "fireworks": ("fireworks", ("fireworks_ai",), ("fireworks_ai/",)),
    "cerebras": ("cerebras", ("cerebras",), ("cerebras/",)),
    "perplexity": ("perplexity", ("perplexity",), ("perplexity/",)),
    "cohere": ("cohere", ("cohere", "cohere_chat"), ()),
}

# The flag in LiteLLM's list → our word for it.
CAPABILITIES = {
    "supports_function_calling": "tools",
    "supports_reasoning": "reasoning",
    "supports_response_schema": "json_schema",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer",
    "supports_vision": "image",
    "supports_pdf_input": "file",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
}
MODES = frozenset({"chat", "responses"})


def main(arguments: list[str]) -> None:
    wheel = Path(arguments[0])
    listed: dict[str, JSON] = msgspec.json.decode(zipfile.ZipFile(wheel).read(LIST))
    prices = dict(priced())
    bounds = {name: limits(listed, of, begins) for name, (_, of, begins) in SOURCES.items()}
    catalogue = {
        "sources": {"genai-prices": version("genai-prices"), "litellm": wheel.name.split("-")[1]},
        "prices": prices,
        "limits": bounds,
    }
    text = msgspec.json.encode(catalogue)
    TARGET.write_bytes(gzip.compress(text, 9, mtime=0))
    models = sum(len(known) for known in bounds.values())
    lists = sum(len(entry["models"]) for entry in prices.values())
    print(f"{TARGET.name}: {lists} priced, {models} with limits, {TARGET.stat().st_size:,} bytes")


# Limits and capabilities


def limits(listed: Mapping[str, JSON], of: tuple[str, ...], begins: tuple[str, ...]) -> JSON:
    """Name of a model → [tokens it takes, tokens it says at most, what it can do]."""
    found = {}
    for name, entry in listed.items():
        if entry.get("litellm_provider") in of and entry.get("mode") in MODES:
            bare = next((name.removeprefix(start) for start in begins if name.startswith(start)), name)
            can = sorted(ours for theirs, ours in CAPABILITIES.items() if entry.get(theirs) is True)
            found[bare.lower()] = [
                whole(entry.get("max_input_tokens")),
                whole(entry.get("max_output_tokens")),
                can,
            ]
    return dict(sorted(found.items()))


def whole(value: object) -> int | None:
    """Some limits of the list are written as texts or with a fraction."""
    try:
        return int(float(str(value))) or None
    except ValueError:
        return None


# Prices


def priced() -> Iterator[tuple[str, JSON]]:
    """Each provider of genai-prices that is needed, and those it falls back to."""
    by_id = {provider.id: provider for provider in data.providers}
    wanted = {theirs for theirs, _, _ in SOURCES.values() if theirs}
    wanted |= {other for name in wanted for other in by_id[name].fallback_model_providers or ()}
    for name in sorted(wanted):
        provider = by_id[name]
        models = [entry for model in provider.models if (entry := entry_of(model)) is not None]
        yield name, {"models": models, "else": provider.fallback_model_providers or []}


def entry_of(model: ModelInfo) -> JSON | None:
    """None for what is not priced by the token: speech, pages, embeddings of characters."""
    if isinstance(model.prices, ModelPrice):
        prices = [{"prices": rates(model.prices)}]
    else:
        prices = [dated(price) for price in model.prices]
    if not all("input_tokens" in entry["prices"] for entry in prices):
        return None
    variants = [{"when": variant.when, **dated(variant)} for variant in model.price_variants or ()]
    entry: JSON = {"id": model.id, "match": clause(model.match), "prices": prices}
    if variants:
        entry["variants"] = variants
    if model.context_window:
        entry["context"] = model.context_window
    return entry


def dated(price: Any) -> JSON:
    """A price and since when, or at which time of the day (seconds, UTC), it holds."""
    assert isinstance(price, ConditionalPrice) or hasattr(price, "when")
    entry: JSON = {"prices": rates(price.prices)}
    match price.constraint:
        case StartDateConstraint(start_date=date):
            entry["since"] = date.isoformat()
        case TimeOfDateConstraint(start_time=start, end_time=end):
            entry["hours"] = [seconds(start), seconds(end)]
    return entry


def seconds(moment: time) -> int:
    offset = moment.utcoffset()
    local = moment.hour * 3600 + moment.minute * 60 + moment.second
    return (local - (int(offset.total_seconds()) if offset else 0)) % 86_400


def rates(price: ModelPrice) -> JSON:
    """Unit → nano-US-dollars for a million of them; with tiers: [base, [[from, …], …]]."""
    found: JSON = {}
    for unit, theirs in UNITS.items():
        value = price.__dict__.get(theirs.price_key)
        if isinstance(value, TieredPrices):
            tiers = [[tier.start, nano(tier.price, theirs.per)] for tier in value.tiers]
            found[unit] = [nano(value.base, theirs.per), tiers]
        elif value is not None:
            found[unit] = nano(value, theirs.per)
    return found


def nano(dollars: Decimal, per: int) -> int:
    """Whole, but for a price that was itself rounded from a third of something."""
    return round(dollars * 1_000_000_000 * (1_000_000 // per))


def clause(match: Any) -> JSON:
    """How a name is recognised: {"equals": …}, {"or": [clauses]}, …"""
    (field,) = dataclasses.fields(match)
    value = getattr(match, field.name)
    key = field.name.rstrip("_")
    return {key: [clause(each) for each in value] if isinstance(value, list) else value}


if __name__ == "__main__":
    main(sys.argv[1:])
