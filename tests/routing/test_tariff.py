"""What a call costs, with what it was counted by."""

from __future__ import annotations

import pytest

from antiphon.core.records import Charge, Target
from antiphon.routing.catalogue import Facts
from antiphon.routing.pricing import PriceList, Prices
from antiphon.routing.tariff import Tariff

LISTED, UNLISTED = Target("alpha", "m"), Target("alpha", "other")
DOLLAR = 10**9
NOVEMBER = 1_795_219_200.0  # 2026-11-21 00:00:00 UTC

PRICES = PriceList(
    (Prices({"input_tokens": 2 * DOLLAR, "output_tokens": 10 * DOLLAR, "web_searches": 10_000 * DOLLAR}),),
    (Prices({"input_tokens": DOLLAR, "output_tokens": 5 * DOLLAR}, when={"service_tier": "flex"}),),
)
TARIFF = Tariff(lambda target: Facts(prices=PRICES if target == LISTED else None))
COUNTS = {"input_tokens": 1000, "output_tokens": 100, "web_searches": 2}


def charged(target: Target, tier: str | None = None, *, estimated: bool = False) -> Charge | None:
    return TARIFF.charge(target, COUNTS, service_tier=tier, at=NOVEMBER, estimated=estimated)


def test_a_charge_is_the_sum_of_its_parts() -> None:
    assert charged(LISTED) == Charge(23_000_000, "prices", 2_000_000, 1_000_000, 20_000_000)


def test_the_tier_that_served_is_the_one_that_is_paid() -> None:
    assert charged(LISTED, "flex") == Charge(21_500_000, "prices", 1_000_000, 500_000, 20_000_000)
    assert charged(LISTED, "unheard-of") == charged(LISTED)


def test_tokens_that_nobody_counted_are_told_so() -> None:
    charge = charged(LISTED, estimated=True)
    assert charge is not None
    assert charge.source == "estimate"


def test_without_a_price_there_is_no_cost_which_is_not_a_cost_of_nothing() -> None:
    assert charged(UNLISTED) is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(3599.9, 2_000_000), (3600, 1_000_000), (7199.9, 1_000_000), (7200, 2_000_000)]
)
def test_the_price_of_some_hours_begins_and_ends_with_its_minute(seconds: float, expected: int) -> None:
    hours = Prices({"input_tokens": DOLLAR}, hours=(3600, 7200))
    tariff = Tariff(lambda _: Facts(prices=PriceList((Prices({"input_tokens": 2 * DOLLAR}), hours))))
    for moment in (NOVEMBER, NOVEMBER + 3600, NOVEMBER + seconds):  # what was asked before is not in the way
        charge = tariff.charge(LISTED, {"input_tokens": 1000}, service_tier=None, at=moment, estimated=False)
    assert charge is not None
    assert charge.total == expected
