"""What tokens cost: the arithmetic of price lists. Pure, and in whole numbers.

A price list names a rate for each *unit* (input tokens, cache reads, web searches, …). Units contain one
another: a cached token is an input token too. Each is paid once, at the rate of the most special unit that
the list names, so that a model without a rate for cache reads charges them as input.

    counted units ─▶ what is paid under each named rate ─▶ Σ count × rate, rounded once

Rates are nano-US-dollars for a million units: a dollar for a million tokens is 10⁹. Some rates rise for the
whole request when its input exceeds a number of tokens; others hold from a date on, at hours of the day,
or for a service tier. The arithmetic is that of genai-prices, which is the oracle of its tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct, field


class Unit(Struct, frozen=True):
    """Something that is counted and paid. `kinds`: what it is; a unit contains those with more kinds.

    `price_key` and `per` are the names of genai-prices: dollars for `per` units.
    """

    price_key: str
    per: int
    kinds: frozenset[str]


def _tokens(price_key: str, *kinds: str) -> Unit:
    return Unit(price_key, 1_000_000, frozenset(kinds))


def _calls(price_key: str, kind: str) -> Unit:
    return Unit(price_key, 1_000, frozenset({kind}))


UNITS: Mapping[str, Unit] = MappingProxyType(
    {
        "input_tokens": _tokens("input_mtok", "input"),
        "cache_read_tokens": _tokens("cache_read_mtok", "input", "cache_read"),
        "cache_write_tokens": _tokens("cache_write_mtok", "input", "cache_write"),
        "cache_write_1h_tokens": _tokens("cache_write_1h_mtok", "input", "cache_write", "1h"),
        "input_audio_tokens": _tokens("input_audio_mtok", "input", "audio"),
        "cache_audio_read_tokens": _tokens("cache_audio_read_mtok", "input", "audio", "cache_read"),
        "input_image_tokens": _tokens("input_image_mtok", "input", "image"),
        "cache_image_read_tokens": _tokens("cache_image_read_mtok", "input", "image", "cache_read"),
        "input_video_tokens": _tokens("input_video_mtok", "input", "video"),
        "output_tokens": _tokens("output_mtok", "output"),
        "output_reasoning_tokens": _tokens("output_reasoning_mtok", "output", "reasoning"),
        "output_audio_tokens": _tokens("output_audio_mtok", "output", "audio"),
        "output_image_tokens": _tokens("output_image_mtok", "output", "image"),
        "output_video_tokens": _tokens("output_video_mtok", "output", "video"),
        "web_searches": _calls("web_searches_kcount", "web_search"),
        "storage_searches": _calls("storage_searches_kcount", "storage_search"),
        "requests": _calls("requests_kcount", "request"),
    }
)

Counts: TypeAlias = Mapping[str, int]
"""Unit → how many. Contained units are counted in the containing ones too: input tokens include cached."""

Rate: TypeAlias = int | tuple[int, tuple[tuple[int, int], ...]]
"""Nano-US-dollars for a million; or (those, ((input tokens, those beyond them), …)), ascending."""


class Prices(Struct, frozen=True):
    """Rates, and when they hold: `since` an ISO date (UTC); between `hours`, seconds of the day (UTC)."""

    prices: dict[str, Rate]
    since: str | None = None
    hours: tuple[int, int] | None = None
    when: dict[str, str] = field(default_factory=dict)  # what must be so, such as service_tier: flex

    def holds(self, date: str, second: int) -> bool:
        if self.since is not None:
            return date >= self.since
        if self.hours is not None:
            start, end = self.hours
            return start <= second < end if start <= end else second >= start or second < end
        return True


class PriceList(Struct, frozen=True):
    """All prices of one model. Of `prices` the last that holds counts, else the first; then `variants`,
    of which for each unit the first that fits does.
    """

    prices: tuple[Prices, ...]
    variants: tuple[Prices, ...] = ()

    def rates(self, circumstances: Mapping[str, str], date: str, second: int) -> dict[str, Rate]:
        """The rates of a request at that UTC date (ISO) and second of the day."""
        standard = next(
            (entry for entry in reversed(self.prices) if entry.holds(date, second)), self.prices[0]
        ).prices
        special: dict[str, Rate] = {}
        for entry in self.variants:
            if entry.when.items() <= circumstances.items() and entry.holds(date, second):
                special = {**entry.prices, **special}
        return {**standard, **special} if special else standard


class Terms(Struct, frozen=True):
    """Rates, made ready to be applied: what depends on no count is worked out once.

    `nested`: each priced unit, the more special first, and those priced that it contains.
    """

    rates: Mapping[str, Rate]
    nested: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, rates: Mapping[str, Rate]) -> Terms:
        units = sorted(rates, key=_speciality)
        return cls(
            rates,
            tuple(
                (unit, tuple(other for other in units if UNITS[other].kinds > UNITS[unit].kinds))
                for unit in units
            ),
        )


def cost(rates: Mapping[str, Rate], counts: Counts) -> int:
    """Nano-US-dollars, rounded to the nearest, half up."""
    total = sum(costs(Terms.of(rates), counts).values())
    return (total + 500_000) // 1_000_000


def costs(terms: Terms, counts: Counts) -> dict[str, int]:
    """Unit → what is paid under its rate, in millionths of a nano-US-dollar, so that nothing is rounded."""
    paid = paid_units(terms, counts)
    crossed = counts.get("input_tokens", 0)
    return {unit: count * _at(terms.rates[unit], crossed) for unit, count in paid.items() if count}


def paid_units(terms: Terms, counts: Counts) -> dict[str, int]:
    """Unit → how many are paid at its rate: what no more special priced unit takes out of it.

    A count that contradicts itself (more cached tokens than tokens) never makes a negative one.
    """
    paid: dict[str, int] = {}
    for unit, contained in terms.nested:
        count = 1 if unit == "requests" else counts.get(unit, 0)
        for other in contained:
            count -= paid[other]
        paid[unit] = max(count, 0)
    return paid


def _speciality(unit: str) -> int:
    return -len(UNITS[unit].kinds)


def _at(rate: Rate, input_tokens: int) -> int:
    """The rate of a request with so many tokens of input."""
    if isinstance(rate, int):
        return rate
    base, tiers = rate
    return next((price for start, price in reversed(tiers) if input_tokens > start), base)


def base(rate: Rate | None) -> int | None:
    """The rate of a request of ordinary length."""
    return rate[0] if isinstance(rate, tuple) else rate
