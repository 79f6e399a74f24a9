"""Prices: every model of the catalogue costs what genai-prices says, whatever was counted, whenever."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files

import msgspec
import pytest
from genai_prices import Usage, data
from genai_prices.types import ModelInfo, Provider

from antiphon.core.records import Target
from antiphon.routing.catalogue import Catalogue, matches
from antiphon.routing.pricing import PriceList, Prices, Terms, cost, paid_units

CATALOGUE = Catalogue(files("antiphon.routing").joinpath("catalogue.json.gz").read_bytes())
THEIRS = {provider.id: provider for provider in data.providers}
OURS = {
    "openai": "openai",
    "azure": "azure",
    "anthropic": "anthropic",
    "bedrock": "aws",
    "gemini": "google",
    "groq": "groq",
    "deepseek": "deepseek",
    "openrouter": "openrouter",
    "mistral": "mistral",
    "xai": "x-ai",
    "together": "together",
    "fireworks": "fireworks",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "cohere": "cohere",
}
CIRCUMSTANCES: tuple[dict[str, str], ...] = (
    {},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"service_tier": "fast"},
    {"service_tier": "default"},
    {"processing": "batch"},
    {"speed": "fast"},
)
MOMENTS = (
    datetime(2024, 6, 1, 3, 30, tzinfo=UTC),
    datetime(2026, 11, 21, 0, 0, tzinfo=UTC),
    datetime(2026, 11, 21, 16, 45, tzinfo=UTC),
)


def counts(chance: random.Random) -> dict[str, int]:
    """What a provider could have counted: parts are never more than what they are parts of."""
    total = chance.choice((0, 1, 999, 128_000, 200_000, 200_001, 272_001, 900_000))
    read = chance.randint(0, total)
    written = chance.randint(0, total - read)
    audio = chance.randint(0, total - read - written)
    said = chance.choice((0, 1, 7, 4096))
    return {
        "input_tokens": total,
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": chance.choice((0, written)),
        "input_audio_tokens": audio,
        "cache_audio_read_tokens": chance.randint(0, min(read, audio)),
        "output_tokens": said,
        "output_reasoning_tokens": chance.randint(0, said),
        "web_searches": chance.choice((0, 0, 3)),
    }


def priced_models() -> Iterator[tuple[str, Provider, ModelInfo]]:
    for ours, theirs in OURS.items():
        for model in THEIRS[theirs].models:
            yield ours, THEIRS[theirs], model


def test_every_model_costs_what_the_oracle_says() -> None:
    chance = random.Random(20261121)
    compared = 0
    for ours, provider, model in priced_models():
        facts = CATALOGUE.facts(Target(ours, model.id))
        if facts.prices is None or provider.find_model(model.id) is not model:
            continue  # not priced by the token, or hidden behind a model whose clause also fits the name
        for moment in MOMENTS:
            counted, circumstances = counts(chance), chance.choice(CIRCUMSTANCES)
            theirs = model.calc_price(
                Usage(**counted),
                provider,
                genai_request_timestamp=moment,
                price_context=circumstances,
            )
            second = moment.hour * 3600 + moment.minute * 60
            rates = facts.prices.rates(circumstances, moment.date().isoformat(), second)
            exact = theirs.total_price * 10**9
            tolerated = 0 if is_plain(model) else 1
            assert abs(cost(rates, counted) - int(exact.quantize(Decimal(1), ROUND_HALF_UP))) <= tolerated, (
                ours,
                model.id,
            )
            compared += 1
    assert compared > 3000


def test_prices_change_when_a_minute_begins() -> None:
    """The tariff keeps them for so long."""
    lists = (CATALOGUE.facts(Target(ours, model.id)).prices for ours, _, model in priced_models())
    hours = {
        entry.hours
        for known in lists
        if known is not None
        for entry in known.prices
        if entry.hours is not None
    }
    assert hours
    assert all(moment % 60 == 0 for pair in hours for moment in pair)


def is_plain(model: ModelInfo) -> bool:
    """Whether no price of it was itself rounded, as the third of a cent is; ours is rounded once more."""
    return not re.search(r"Decimal\('\d+\.\d{10,}'\)", repr(model.prices))


def test_the_oracle_and_the_catalogue_recognise_the_same_names() -> None:
    names = ["gpt-5.1-20251113", "gpt-5.1-2025-11-13", "claude-sonnet-4-5-20250929", "gemini-2.5-pro"]
    for name in names:
        for ours, theirs in OURS.items():
            model = THEIRS[theirs].find_model(name, all_providers=data.providers)
            found = CATALOGUE.facts(Target(ours, name)).prices
            assert (found is None) == (model is None), (ours, name)


def test_every_clause_of_the_oracle_is_understood() -> None:
    """A new kind of clause would raise; a wrong reading would differ."""
    names = [model.id.lower() for _, _, model in priced_models()][::7]
    for provider in THEIRS.values():
        for model in provider.models:
            clause = msgspec.json.decode(msgspec.json.encode(clause_of(model.match)))
            for name in names:
                assert matches(clause, name) == model.is_match(name)


def clause_of(match: object) -> dict[str, object]:
    from scripts.catalogue import clause

    return clause(match)


def test_a_cached_token_without_a_rate_of_its_own_is_paid_as_input() -> None:
    terms = Terms.of({"input_tokens": 1, "output_tokens": 1})
    assert paid_units(terms, {"input_tokens": 10, "cache_read_tokens": 4}) == {
        "output_tokens": 0,
        "input_tokens": 10,
    }


def test_counts_that_contradict_themselves_never_cost_less_than_nothing() -> None:
    terms = Terms.of({"input_tokens": 1, "cache_read_tokens": 1})
    paid = paid_units(terms, {"input_tokens": 3, "cache_read_tokens": 9})
    assert paid == {"input_tokens": 0, "cache_read_tokens": 9}


@pytest.mark.parametrize(("tokens", "expected"), [(200_000, 200_000), (200_001, 400_002)])
def test_the_rate_of_a_long_context_holds_for_all_its_tokens(tokens: int, expected: int) -> None:
    rates = {"input_tokens": (1_000_000, ((200_000, 2_000_000),))}
    assert cost(rates, {"input_tokens": tokens}) == expected


def test_half_a_nano_dollar_is_rounded_up_and_once() -> None:
    rates = {"input_tokens": 250_000, "output_tokens": 250_000}
    assert cost(rates, {"input_tokens": 1}) == 0
    assert cost(rates, {"input_tokens": 1, "output_tokens": 1}) == 1


def test_the_last_price_that_holds_counts() -> None:
    old, new = Prices({"input_tokens": 1}), Prices({"input_tokens": 2}, since="2026-05-01")
    listed = PriceList((old, new))
    assert listed.rates({}, "2026-04-30", 0) == {"input_tokens": 1}
    assert listed.rates({}, "2026-05-01", 0) == {"input_tokens": 2}


def test_a_price_of_the_night_holds_over_midnight() -> None:
    listed = PriceList((Prices({"input_tokens": 4}), Prices({"input_tokens": 1}, hours=(82_800, 3_600))))
    assert [listed.rates({}, "2026-01-01", second)["input_tokens"] for second in (0, 3_600, 82_800)] == [
        1,
        4,
        1,
    ]
