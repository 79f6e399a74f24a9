"""What is told of a model: what it holds and costs, how it does; of an alias, what holds for all members."""

from __future__ import annotations

import pytest

from antiphon.core.records import Target
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.routing.catalogue import Facts
from antiphon.routing.health import Health
from antiphon.routing.listing import Listing, description
from antiphon.routing.names import Names
from antiphon.routing.pricing import UNITS, PriceList, Prices

DATE = "2026-11-21"
A, B, C = Target("one", "a"), Target("two", "b"), Target("one", "c")
FACTS = {
    A: Facts(100, 10, frozenset({"tools", "image"}), PriceList((Prices({"input_tokens": 2_000_000_000}),))),
    B: Facts(50, None, frozenset({"tools"}), PriceList((Prices({"input_tokens": 1}),))),
}
NAMES = Names(
    {"one": ["a", "c"], "two": ["b"]},
    {"both": [("one/a", 3.0), ("two/b", 1.0)], "fast": [("two/b", 1.0)], "two/b": [("one/a", 1.0)]},
)


def listing(health: Health | None = None) -> Listing:
    return Listing(NAMES, lambda target: FACTS.get(target, Facts()), health or Health())


def one(name: str, health: Health | None = None, now: float = 0.0) -> JSON:
    return listing(health).one(name, now, DATE)


def test_what_nobody_knows_is_null() -> None:
    assert one("one/c") == {
        "id": "one/c",
        "owned_by": "one",
        "context_window": None,
        "max_output_tokens": None,
        "capabilities": None,
        "pricing": None,
        "status": "closed",
        "latency": None,
        "throughput": None,
    }


def test_aliases_come_first_and_hide_the_models_of_their_names() -> None:
    names = [entry["id"] for entry in listing().all(0, DATE)]
    assert names == ["both", "fast", "two/b", "one/a", "one/c"]
    assert all(listing().one(name, 0, DATE)["id"] == name for name in names)


def test_a_name_that_means_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no such provider"):
        one("three/a")


def test_prices_are_dollars_for_a_million_tokens_and_a_thousand_calls() -> None:
    rates = {
        "input_tokens": (1_250_000_000, ((200_000, 2_500_000_000), (500_000, 3_000_000_000))),
        "output_tokens": (10_000_000_000, ((200_000, 15_000_000_000),)),
        "cache_read_tokens": 125_000_000,
        "web_searches": 10_000_000_000_000,
    }
    assert description(Facts(prices=PriceList((Prices(rates),))), DATE)["pricing"] == {
        "input": 1.25,
        "output": 10.0,
        "cached_input": 0.125,
        "web_search": 10.0,
        "above": [
            {"input_tokens": 200_000, "input": 2.5, "output": 15.0},
            {"input_tokens": 500_000, "input": 3.0},
        ],
    }


def test_what_differs_in_a_service_tier_is_told_beside() -> None:
    standard = {"input_tokens": 10**9, "output_tokens": 2 * 10**9, "cache_read_tokens": 10**8}
    flex = {
        "input_tokens": (5 * 10**8, ((1000, 6 * 10**8),)),
        "output_tokens": 10**9,
        "cache_read_tokens": 10**8,
    }
    prices = PriceList(
        (Prices(standard),),
        (
            Prices(flex, when={"service_tier": "flex"}),
            Prices(standard, when={"service_tier": "default"}),
            Prices({"input_tokens": 1}, when={"service_tier": "priority", "region": "eu"}),
        ),
    )
    shown = description(Facts(prices=prices), DATE)["pricing"]
    assert shown.keys() == {"input", "output", "cached_input", "service_tiers"}
    assert shown["service_tiers"] == {
        "flex": {"input": 0.5, "output": 1.0, "above": [{"input_tokens": 1000, "input": 0.6}]}
    }


def test_nothing_that_is_paid_is_left_out() -> None:
    prices = PriceList((Prices({unit: number * 10**12 for number, unit in enumerate(UNITS, 1)}),))
    shown = description(Facts(prices=prices), DATE)["pricing"]
    assert len(set(shown.values())) == len(shown) == len(UNITS)


def test_prices_are_those_of_the_day() -> None:
    prices = PriceList((Prices({"input_tokens": 10**9}), Prices({"input_tokens": 2 * 10**9}, since=DATE)))
    facts = Facts(prices=prices)
    assert description(facts, "2026-11-20")["pricing"] == {"input": 1.0}
    assert description(facts, DATE)["pricing"] == {"input": 2.0}


def test_what_was_measured_is_told_in_percentiles() -> None:
    health = Health()
    for second in range(1, 101):
        health.of(A).began(0)
        health.of(A).spoke(0, second / 10)
        health.of(A).said(second, 2)
        health.ended(A, 0, "ok")
    shown = one("one/a", health)
    assert shown["latency"] == {"p50": 5.0, "p90": 9.0, "p99": 9.9}
    # One token alone has no speed, so that 99 were measured.
    assert shown["throughput"] == {"p50": 25.5, "p90": 45.5, "p99": 50.0}


def test_how_a_target_stands_is_told() -> None:
    health = Health()
    for _ in range(3):
        health.of(A).began(0)
        health.ended(A, 0, "failed")
    health.of(B).began(0)
    health.ended(B, 0, "rate_limited", 30)
    assert [one(name, health, now=1)["status"] for name in ("one/a", "one/c", "fast")] == [
        "open",
        "closed",
        "cooling",
    ]
    assert one("one/a", health, now=6)["status"] == "half_open"
    assert one("both", health, now=1)["status"] == "cooling", "the better of open and cooling"


def test_a_group_has_what_holds_for_all_of_its_members() -> None:
    group = one("both")
    assert group["owned_by"] == "antiphon"
    assert group["members"] == [{"model": "one/a", "weight": 3.0}, {"model": "two/b", "weight": 1.0}]
    assert (group["context_window"], group["max_output_tokens"]) == (50, None)
    assert (group["capabilities"], group["pricing"]) == (["tools"], None)


def test_an_alias_of_one_has_all_that_this_one_has() -> None:
    health = Health()
    health.of(B).began(0)
    health.of(B).spoke(0, 1.0)
    alias = one("fast", health)
    assert alias["latency"] == {"p50": 1.0, "p90": 1.0, "p99": 1.0}
    assert (alias["id"], alias["context_window"], alias["pricing"]) == ("fast", 50, {"input": 1e-9})
