"""The catalogue: what is known about models: prices, limits, capabilities.

`catalogue.json.gz` is generated (`make catalogue`) from genai-prices and LiteLLM's list:

    {"sources": {package: version},
     "prices": {provider of genai-prices: {"models": [{"id", "match", "prices", "variants", "context"}],
                                           "else": [other providers]}},
     "limits": {provider of ours: {model: [tokens in, tokens out, [capability]]}}}

A model is priced by the first entry whose clause matches its name, in this provider's list or in those it
falls back to. Only the providers that are asked about are ever decoded, for the whole would take 10 MB.
What the operator's configuration says of a model beats both.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field
from msgspec.structs import asdict, replace

from antiphon.core.records import Target
from antiphon.routing.pricing import PriceList, Prices

_MOST_KEPT = 4096
"""Facts kept ready: names come from clients, and a provider may serve any name."""

# Our provider → that of genai-prices. Those left out are free, or charge by the machine.
_PRICED_AS: Mapping[str, str] = MappingProxyType(
    {
        "azure_chat": "azure",
        "bedrock": "aws",
        "bedrock_anthropic": "aws",
        "bedrock_openai": "aws",
        "gemini": "google",
        "vertex": "google",
        "vertex_anthropic": "google",
        "xai": "x-ai",
    }
)
# Our provider → the one whose limits are its own too.
_LIMITED_AS: Mapping[str, str] = MappingProxyType(
    {"azure_chat": "azure", "bedrock_anthropic": "bedrock", "bedrock_openai": "bedrock"}
)
_OWN_NAMES = frozenset({"azure", "azure_chat"})
_COMPACT_DATE = re.compile(r"-(20\d\d)(\d\d)(\d\d)$")


class Facts(Struct, frozen=True):
    """What is known about a model at a provider. None: not known.

    `can` holds words of scripts/catalogue.py: tools, reasoning, json_schema, web_search, computer, and what
    it takes beside text: image, file, audio, video.
    """

    context_window: int | None = None  # tokens of input
    max_output_tokens: int | None = None
    can: frozenset[str] | None = None
    prices: PriceList | None = None
    quality: float | None = None  # 0 to 1, against all other models


Clause: TypeAlias = dict[str, Any]
"""{"equals"|"starts_with"|"ends_with"|"contains"|"regex": text} or {"or"|"and": [clauses]}."""


class _Priced(Struct):
    id: str
    match: Clause
    prices: list[Prices]
    variants: list[Prices] = field(default_factory=list)
    context: int | None = None


class _PricedProvider(Struct):
    models: list[_Priced]
    fallbacks: list[str] = field(default_factory=list, name="else")


class _File(Struct):
    sources: dict[str, str]
    prices: dict[str, msgspec.Raw]
    limits: dict[str, msgspec.Raw]


_Limits: TypeAlias = dict[str, tuple[int | None, int | None, frozenset[str]]]


class Catalogue:
    """`data` is the file. `like`: a provider of the configuration → the built-in one whose models it serves.
    `overrides`: by public name, `provider/model`, what the operator says in place of it.
    """

    def __init__(
        self, data: bytes, *, like: Mapping[str, str] = {}, overrides: Mapping[str, Facts] = {}
    ) -> None:
        self._file = msgspec.json.decode(gzip.decompress(data), type=_File)
        self._like = like
        self._overrides = overrides
        self._priced: dict[str, _PricedProvider] = {}
        self._limits: dict[str, _Limits] = {}
        self._facts: dict[Target, Facts] = {}

    @property
    def sources(self) -> Mapping[str, str]:
        """Whose data it is, and of which version."""
        return self._file.sources

    def facts(self, target: Target) -> Facts:
        found = self._facts.get(target)
        if found is None:
            if len(self._facts) >= _MOST_KEPT:
                self._facts.clear()
            found = self._facts[target] = self._found(target)
        return found

    def offers(self, provider: str, model: str) -> bool:
        """Whether the provider is known to have a model of exactly this name.

        Not where operators choose the names themselves, as they do for Azure's deployments.
        """
        provider = self._like.get(provider, provider)
        return provider not in _OWN_NAMES and model.lower() in self._limits_of(provider)

    def _found(self, target: Target) -> Facts:
        provider = self._like.get(target.provider, target.provider)
        model = target.model.lower()
        priced = self._price(_PRICED_AS.get(provider, provider), model)
        limits = self._limits_of(_LIMITED_AS.get(provider, provider))
        known = limits.get(model) or (limits.get(priced.id) if priced else None)
        facts = Facts(
            context_window=(known and known[0]) or (priced.context if priced else None),
            max_output_tokens=known[1] if known else None,
            can=known[2] if known else None,
            prices=PriceList(tuple(priced.prices), tuple(priced.variants)) if priced else None,
        )
        said = self._overrides.get(target.public_name)
        if said is None:
            return facts
        return replace(facts, **{name: value for name, value in asdict(said).items() if value is not None})

    def _price(self, provider: str, model: str) -> _Priced | None:
        names = (model, dashed) if (dashed := _COMPACT_DATE.sub(r"-\1-\2-\3", model)) != model else (model,)
        for name in names:
            own = self._prices_of(provider)
            for among in (own, *(self._prices_of(other) for other in own.fallbacks)):
                for entry in among.models:
                    if matches(entry.match, name):
                        return entry
        return None

    def _prices_of(self, provider: str) -> _PricedProvider:
        found = self._priced.get(provider)
        if found is None:
            raw = self._file.prices.get(provider)
            found = msgspec.json.decode(raw, type=_PricedProvider) if raw else _PricedProvider([])
            self._priced[provider] = found
        return found

    def _limits_of(self, provider: str) -> _Limits:
        found = self._limits.get(provider)
        if found is None:
            raw = self._file.limits.get(provider)
            found = msgspec.json.decode(raw, type=_Limits) if raw else {}
            self._limits[provider] = found
        return found


def matches(clause: Clause, name: str) -> bool:
    """Whether a clause of the catalogue recognises this name, which is in lower case."""
    ((kind, value),) = clause.items()
    match kind:
        case "equals":
            return name == str(value).lower()
        case "starts_with":
            return name.startswith(str(value).lower())
        case "ends_with":
            return name.endswith(str(value).lower())
        case "contains":
            return str(value).lower() in name
        case "regex":
            return re.search(value, name) is not None
        case "or":
            return any(matches(each, name) for each in value)
        case "and":
            return all(matches(each, name) for each in value)
        case _:
            raise ValueError(f"no such clause: {kind}")
