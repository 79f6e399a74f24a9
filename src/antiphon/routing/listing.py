"""The list of models: what is known about each name that can be asked for, and how it is doing. Pure.

provider/model   what the catalogue and the configuration say, and what its own requests have shown
alias            what holds for all of its members, whoever of them answers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from antiphon.core.records import Target
from antiphon.protocol.json import JSON
from antiphon.routing.catalogue import Facts
from antiphon.routing.health import Health, Samples, TargetHealth
from antiphon.routing.names import Member, Names
from antiphon.routing.pricing import PriceList, Rate, base
from antiphon.routing.router import STANDINGS, standing

ALIASES_OWNER = "antiphon"
MEASURED = ("status", "latency", "throughput")
"""What only a gateway that runs knows."""

_NOON = 43_200  # seconds of the day: prices are shown as of ordinary hours
_PERCENTILES = ("p50", "p90", "p99")
_TOKENS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cached_input",
    "cache_write_tokens": "cache_write",
    "cache_write_1h_tokens": "cache_write_1h",
    "input_audio_tokens": "input_audio",
    "cache_audio_read_tokens": "cached_input_audio",
    "input_image_tokens": "input_image",
    "cache_image_read_tokens": "cached_input_image",
    "input_video_tokens": "input_video",
    "output_reasoning_tokens": "reasoning",
    "output_audio_tokens": "output_audio",
    "output_image_tokens": "output_image",
    "output_video_tokens": "output_video",
}
_CALLS = {"web_searches": "web_search", "storage_searches": "storage_search", "requests": "request"}


class Listing:
    """`facts` of targets do not change while the gateway runs; their `health` does."""

    def __init__(self, names: Names, facts: Callable[[Target], Facts], health: Health) -> None:
        self._names = names
        self._facts = facts
        self._health = health

    def all(self, now: float, date: str) -> list[JSON]:
        """Aliases, then models. `now`: seconds of the clock that `Health` is told; `date`: ISO, UTC."""
        aliases = [self._alias(name, group, now, date) for name, group in self._names.aliases().items()]
        shown = {entry["id"] for entry in aliases}
        models = [each for each in self._names.listed() if each.public_name not in shown]
        return [*aliases, *(self._model(target, now, date) for target in models)]

    def one(self, name: str, now: float, date: str) -> JSON:
        """Raises InvalidRequest `model_not_found`."""
        if (group := self._names.aliases().get(name)) is not None:
            return self._alias(name, group, now, date)
        return self._model(self._names.resolve(name), now, date)

    def _model(self, target: Target, now: float, date: str) -> JSON:
        health = self._health.look(target.public_name)
        return {
            "id": target.public_name,
            "owned_by": target.provider,
            **description(self._facts(target), date),
            "status": standing(health, now),
            **_measured(health),
        }

    def _alias(self, name: str, group: Sequence[Member], now: float, date: str) -> JSON:
        members = [self._model(member.target, now, date) for member in group]
        said = members[0] if len(members) == 1 else _common(members)
        return {
            **said,
            "id": name,
            "owned_by": ALIASES_OWNER,
            "members": [{"model": member.target.public_name, "weight": member.weight} for member in group],
        }


def description(facts: Facts, date: str) -> JSON:
    """What is known about a model; null where nothing is."""
    return {
        "context_window": facts.context_window,
        "max_output_tokens": facts.max_output_tokens,
        "capabilities": None if facts.can is None else sorted(facts.can),
        "pricing": None if facts.prices is None else _pricing(facts.prices, date),
    }


def _pricing(prices: PriceList, date: str) -> JSON:
    """US dollars: for a million tokens, for a thousand searches or requests."""
    rates = prices.rates({}, date, _NOON)
    shown = _schedule(rates)
    if tiers := _service_tiers(prices, rates, date):
        shown["service_tiers"] = tiers
    return shown


def _service_tiers(prices: PriceList, standard: dict[str, Rate], date: str) -> JSON:
    """Of each tier with prices of its own those that differ."""
    tiers: JSON = {}
    for entry in prices.variants:
        if entry.when.keys() == {"service_tier"} and (tier := entry.when["service_tier"]) not in tiers:
            special = prices.rates(entry.when, date, _NOON)
            if differing := {unit: rate for unit, rate in special.items() if standard.get(unit) != rate}:
                tiers[tier] = _schedule(differing)
    return tiers


def _schedule(rates: dict[str, Rate]) -> JSON:
    shown = _dollars({unit: base(rate) for unit, rate in rates.items()})
    limits = sorted({start for rate in rates.values() for start, _ in _tiers(rate)})
    if limits:
        shown["above"] = [
            {"input_tokens": limit, **_dollars({unit: _from(rate, limit) for unit, rate in rates.items()})}
            for limit in limits
        ]
    return shown


def _dollars(rates: dict[str, int | None]) -> JSON:
    """From nano-US-dollars for a million."""
    tokens = {
        _TOKENS[unit]: rate / 1e9 for unit, rate in rates.items() if unit in _TOKENS and rate is not None
    }
    calls = {_CALLS[unit]: rate / 1e12 for unit, rate in rates.items() if unit in _CALLS and rate is not None}
    return {**tokens, **calls}


def _tiers(rate: Rate) -> Sequence[tuple[int, int]]:
    return rate[1] if isinstance(rate, tuple) else ()


def _from(rate: Rate, limit: int) -> int | None:
    """What the rate rises to beyond this number of input tokens, if it changes there."""
    return dict(_tiers(rate)).get(limit)


def _measured(health: TargetHealth | None) -> JSON:
    return {
        "latency": None if health is None else _percentiles(health.latencies),
        "throughput": None if health is None else _percentiles(health.throughputs),
    }


def _percentiles(samples: Samples) -> JSON | None:
    found = {name: samples.percentile(name) for name in _PERCENTILES}
    return None if found["p50"] is None else {name: round(value or 0.0, 6) for name, value in found.items()}


def _common(members: Sequence[JSON]) -> JSON:
    """What can be relied on, whichever of several members answers; what differs is told at each of them."""
    sets = [each["capabilities"] for each in members]
    prices = members[0]["pricing"]
    return {
        "context_window": _least([each["context_window"] for each in members]),
        "max_output_tokens": _least([each["max_output_tokens"] for each in members]),
        "capabilities": None if None in sets else sorted(set(sets[0]).intersection(*sets)),
        "pricing": prices if all(each["pricing"] == prices for each in members) else None,
        "status": min((each["status"] for each in members), key=STANDINGS.index),
        "latency": None,
        "throughput": None,
    }


def _least(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return min(known) if len(known) == len(numbers) else None
