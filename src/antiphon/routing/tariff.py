"""The tariff: what a call cost, by the price list of its target. Pure.

A provider's own figure, where it gives one, beats any list. A target without a list has no cost, which is
not the same as costing nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from antiphon.core.records import Charge, CostSource, Target
from antiphon.routing.catalogue import Facts
from antiphon.routing.pricing import UNITS, Counts, Terms, costs

_MILLION = 1_000_000
_MINUTE = 60
"""Seconds: prices change when a minute begins."""

_MOST_KEPT = 1024
_OUTPUT: Mapping[str, bool] = MappingProxyType(
    {name: "output" in unit.kinds for name, unit in UNITS.items() if unit.kinds & {"input", "output"}}
)
"""Units of tokens, and whether they come from the model; what is no token is a tool's."""


class Tariff:
    """Charges what models cost; `facts` has their prices."""

    def __init__(self, facts: Callable[[Target], Facts]) -> None:
        self._facts = facts
        self._kept: dict[tuple[Target, str | None, int], Terms | None] = {}

    @property
    def held(self) -> list[tuple[str, int, int]]:
        """See antiphon.measures."""
        return [("terms", len(self._kept), _MOST_KEPT)]

    def charge(
        self, target: Target, counts: Counts, *, service_tier: str | None, at: float, estimated: bool
    ) -> Charge | None:
        """None where no price is known. `at`: seconds since 1970; `estimated`: nobody counted the tokens."""
        minute = int(at // _MINUTE)
        key = (target, service_tier, minute)
        if key in self._kept:
            terms = self._kept[key]
        else:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            terms = self._kept[key] = self._terms(target, service_tier, minute)
        if terms is None:
            return None
        source: CostSource = "estimate" if estimated else "prices"
        return _charge(costs(terms, counts), source)

    def _terms(self, target: Target, service_tier: str | None, minute: int) -> Terms | None:
        prices = self._facts(target).prices
        if prices is None:
            return None
        moment = datetime.fromtimestamp(minute * _MINUTE, UTC)
        circumstances = {"service_tier": service_tier} if service_tier else {}
        second = moment.hour * 3600 + moment.minute * 60
        return Terms.of(prices.rates(circumstances, moment.date().isoformat(), second))


def _charge(paid: dict[str, int], source: CostSource) -> Charge:
    """From millionths of nano-US-dollars; the whole is rounded once, its parts each for itself."""
    asked = said = tools = 0
    for unit, amount in paid.items():
        match _OUTPUT.get(unit):
            case None:
                tools += amount
            case True:
                said += amount
            case False:
                asked += amount
    return Charge(_rounded(asked + said + tools), source, _rounded(asked), _rounded(said), _rounded(tools))


def _rounded(amount: int) -> int:
    return (amount + _MILLION // 2) // _MILLION
