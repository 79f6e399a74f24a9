"""Settings that say who may answer: groups of targets, what models cost, what providers promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, StringConstraints

from antiphon.routing.asked import Policy
from antiphon.routing.catalogue import Facts
from antiphon.routing.pricing import PriceList, Prices
from antiphon.settings.section import Section

Name: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Dollars: TypeAlias = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Tokens: TypeAlias = Annotated[int, Field(ge=1)]
Capability: TypeAlias = Literal[
    "tools", "reasoning", "json_schema", "web_search", "computer", "image", "file", "audio", "video"
]

_NANO = 1_000_000_000
_RATES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached_input": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
}


class AliasMember(Section):
    """One of the targets of a group."""

    model: Name
    """Its name: `provider/model`, or that of a model which several providers have."""

    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """How much of the requests it should get beside the others of the group."""


def _in_full(written: Any) -> Any:
    """A name alone, or a list of names, as the list of members that it stands for."""
    if isinstance(written, str):
        written = [written]
    if not isinstance(written, list):
        return written
    return [{"model": each} if isinstance(each, str) else each for each in written]


Alias: TypeAlias = Annotated[
    list[AliasMember],
    Field(min_length=1),
    BeforeValidator(
        _in_full, json_schema_input_type=Name | Annotated[list[Name | AliasMember], Field(min_length=1)]
    ),
]


class ModelPrices(Section):
    """What a model costs, in US dollars for a million tokens."""

    input: Dollars
    """Of the input."""

    output: Dollars
    """Of the output, thoughts included."""

    cached_input: Dollars | None = None
    """Of input that the provider had in its cache; as `input` when left out."""

    cache_write: Dollars | None = None
    """Of input that the provider puts into its cache; as `input` when left out."""

    web_search: Dollars | None = None
    """Of a thousand searches."""


class ModelSettings(Section):
    """What you know better than the catalogue about one model."""

    prices: ModelPrices | None = None
    """What it costs; all zero for a model of your own that costs nothing."""

    context_window: Tokens | None = None
    """The tokens of input it takes."""

    max_output_tokens: Tokens | None = None
    """The tokens it says at most."""

    can: list[Capability] | None = None
    """What it can do: tools, reasoning, json_schema, web_search, computer; and what it takes beside text:
    image, file, audio, video."""

    quality: Annotated[float, Field(ge=0, le=1)] | None = None
    """How good it is beside all others, from 0 to 1, for `model: auto`; otherwise taken from its price."""


class Routing(Section):
    """How targets are asked."""

    hedge: bool = False
    """Whether the next target is asked, too, when the first is late with its first word: later than with 95
    of a hundred requests, and than 0.2 seconds. Whoever speaks first answers; the other call is ended, and
    costs what it costs. Only where the answer is streamed and no provider runs tools."""

    hedge_max_cost: Dollars = 0.05
    """The most that the answer of this second target may cost, in US dollars: `max_output_tokens`, or else
    what the model says at most, at its price. Where that is not known, it is not asked."""


class ProviderPolicy(Section):
    """What a provider promises, as far as you know. Requests can insist on it; see docs/routing.md."""

    collects_data: bool | None = None
    """Whether it keeps what it is sent, or trains on it."""

    zdr: bool = False
    """Whether it keeps nothing at all (zero data retention)."""

    region: Name | None = None
    """Where it computes, in a word that requests use: `eu`."""

    quantization: Name | None = None
    """How its weights are rounded, as `bf16`, `fp8` or `int4`."""


def policy(said: ProviderPolicy) -> Policy:
    return Policy(said.collects_data, said.zdr, said.region, said.quantization)


def facts(models: Mapping[str, ModelSettings]) -> dict[str, Facts]:
    """By public name."""
    return {
        name: Facts(
            context_window=said.context_window,
            max_output_tokens=said.max_output_tokens,
            can=None if said.can is None else frozenset(said.can),
            prices=None if said.prices is None else _price_list(said.prices),
            quality=said.quality,
        )
        for name, said in models.items()
    }


def _price_list(said: ModelPrices) -> PriceList:
    rates = {
        unit: round(dollars * _NANO)
        for name, unit in _RATES.items()
        if (dollars := getattr(said, name)) is not None
    }
    if said.web_search is not None:
        rates["web_searches"] = round(said.web_search * _NANO * 1000)
    return PriceList((Prices(rates),))
