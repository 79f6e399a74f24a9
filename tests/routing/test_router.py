"""The router: who may answer, in which order, and why not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from antiphon.core.records import Target
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.routing.asked import Asked, Needs, Policy
from antiphon.routing.catalogue import Facts
from antiphon.routing.health import Health
from antiphon.routing.names import Names
from antiphon.routing.preferences import preferences
from antiphon.routing.pricing import PriceList, Prices
from antiphon.routing.router import Moment, Route, Router

A, B, C = Target("alpha", "m"), Target("beta", "m"), Target("gamma", "m")
DOLLAR = 10**9


def priced(prompt: float, completion: float, **known: Any) -> Facts:
    rates = {"input_tokens": round(prompt * DOLLAR), "output_tokens": round(completion * DOLLAR)}
    return Facts(prices=PriceList((Prices(rates),)), **known)


FACTS = {
    A: priced(3, 15, can=frozenset({"tools", "image"}), context_window=200_000),
    B: priced(1, 5, can=frozenset({"tools"}), context_window=8_000, max_output_tokens=1_000),
    C: priced(0.1, 0.4),
}
POLICIES = {
    "alpha": Policy(zdr=True, region="EU"),
    "beta": Policy(collects_data=False, region="us", quantization="FP8"),
}


class Gateway:
    """A router with three providers of one model, and their health."""

    def __init__(self, **facts: Facts) -> None:
        self.health = Health()
        self.router = Router(
            Names(
                {"alpha": ("m", "n"), "beta": ("m",), "gamma": ("m",)},
                {"pair": (("beta/m", 3), ("gamma/m", 1))},
            ),
            lambda target: FACTS.get(target, Facts()),
            POLICIES,
            self.health,
        )

    def route(self, *names: str, now: float = 0.0, draw: int = 0, **asked: Any) -> list[str]:
        return shown(self.whole(*names, now=now, draw=draw, **asked))

    def whole(
        self, *names: str, now: float = 0.0, draw: int = 0, providers: JSON | None = None, **asked: Any
    ) -> Route:
        asked.setdefault("preferences", preferences(providers, None))
        return self.router.route(Asked(names or ("m",), **asked), Moment(now, "2026-11-21", draw))

    def dropped(self, providers: JSON, **asked: Any) -> dict[str, str]:
        whole = self.whole(providers=providers, **asked)
        return {each.target.provider: each.dropped for each in whole.considered if each.dropped}


def shown(route: Route) -> list[str]:
    return [target.provider for target in route.targets]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def fail(health: Health, target: Target, now: float, times: int = 3) -> None:
    for _ in range(times):
        health.of(target).began(now)
        health.ended(target, now, "failed")


# Who may


def test_a_bare_name_means_every_provider_that_has_it(gateway: Gateway) -> None:
    assert sorted(gateway.route("m")) == ["alpha", "beta", "gamma"]


def test_names_are_tried_in_the_order_they_were_given(gateway: Gateway) -> None:
    assert gateway.route("gamma/m", "alpha/m", "beta/m") == ["gamma", "alpha", "beta"]


def test_a_target_named_twice_is_tried_once(gateway: Gateway) -> None:
    assert gateway.route("beta/m", "pair", draw=0xFFFFFFFF) == ["beta", "gamma"]


@pytest.mark.parametrize(
    ("providers", "dropped"),
    [
        ({"only": ["alpha"]}, {"beta": "not in providers.only", "gamma": "not in providers.only"}),
        ({"only": ["alpha/m", "beta"]}, {"gamma": "not in providers.only"}),
        ({"ignore": ["beta", "gamma/m"]}, {"beta": "in providers.ignore", "gamma": "in providers.ignore"}),
        (
            {"order": ["beta"], "allow_fallbacks": False},
            dict.fromkeys(
                ("alpha", "gamma"), "not in providers.order, and providers.allow_fallbacks is false"
            ),
        ),
        (
            {"zdr": True},
            dict.fromkeys(("beta", "gamma"), "providers.zdr: it is not configured to keep nothing"),
        ),
        (
            {"data_collection": "deny"},
            {"gamma": "providers.data_collection: it is not configured to collect no data"},
        ),
        (
            {"region": "eu"},
            {
                "beta": "providers.region: it is in us",
                "gamma": "providers.region: it is in no configured region",
            },
        ),
        ({"region": ["EU", "US"]}, {"gamma": "providers.region: it is in no configured region"}),
        (
            {"quantizations": ["fp8"]},
            dict.fromkeys(("alpha", "gamma"), "providers.quantizations: it has unknown"),
        ),
        (
            {"max_price": {"prompt": 1, "completion": 5}},
            {"alpha": "providers.max_price.prompt: it costs 3, more than 1"},
        ),
        (
            {"max_price": {"completion": 1}},
            {
                "alpha": "providers.max_price.completion: it costs 15, more than 1",
                "beta": "providers.max_price.completion: it costs 5, more than 1",
            },
        ),
    ],
)
def test_who_may_not_answer_is_told_why(gateway: Gateway, providers: JSON, dropped: dict[str, str]) -> None:
    assert gateway.dropped(providers) == dropped


def test_an_unknown_price_is_not_below_any_price(gateway: Gateway) -> None:
    with pytest.raises(InvalidRequest) as refused:
        gateway.route("alpha/n", providers={"max_price": {"prompt": 100}})
    assert (refused.value.code, refused.value.param) == ("no_target", "providers")
    assert "alpha/n: providers.max_price.prompt: its price is not known" in refused.value.message


def test_what_a_model_cannot_do_matters_only_where_it_is_required(gateway: Gateway) -> None:
    needs = Needs(frozenset({"image"}))
    assert sorted(gateway.route("m", needs=needs)) == ["alpha", "beta", "gamma"]
    dropped = gateway.dropped({"require_parameters": True}, needs=needs)
    assert dropped == {"beta": "it cannot do what the request needs: image"}


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ({"input_tokens": 8_001}, "its context window of 8,000 tokens is too small"),
        ({"output_tokens": 1_001}, "it says 1,000 tokens at most, fewer than max_output_tokens"),
    ],
)
def test_a_request_too_large_for_a_model_goes_to_another(
    gateway: Gateway, size: dict[str, int], reason: str
) -> None:
    asked = gateway.whole("m", needs=Needs(required=True), **size)
    assert {each.target.provider: each.dropped for each in asked.considered if each.dropped} == {
        "beta": reason
    }
    assert sorted(shown(asked)) == ["alpha", "gamma"]


def test_the_size_of_one_request_does_not_stick_to_the_next(gateway: Gateway) -> None:
    needs = Needs(required=True)
    assert len(gateway.route("m", needs=needs, input_tokens=9_000)) == 2
    assert len(gateway.route("m", needs=needs, input_tokens=10)) == 3


def test_without_fallbacks_only_those_of_the_order_are_tried(gateway: Gateway) -> None:
    wanted = {"order": ["gamma", "alpha"], "allow_fallbacks": False}
    assert gateway.route("m", providers=wanted) == ["gamma", "alpha"]


def test_without_fallbacks_there_is_one_target(gateway: Gateway) -> None:
    assert len(gateway.route("m", providers={"allow_fallbacks": False})) == 1


# In which order


@pytest.mark.parametrize(
    ("providers", "order"),
    [
        ({"order": ["gamma", "alpha"]}, ["gamma", "alpha", "beta"]),
        ({"order": ["beta/m"], "sort": "price"}, ["beta", "gamma", "alpha"]),
        ({"sort": "price"}, ["gamma", "beta", "alpha"]),
        ({"sort": {"by": "price"}}, ["gamma", "beta", "alpha"]),
    ],
)
def test_order_and_price_decide_alone(gateway: Gateway, providers: JSON, order: list[str]) -> None:
    for draw in range(0, 2**32, 2**27):
        assert gateway.route("m", providers=providers, draw=draw) == order


def test_sorted_targets_keep_to_their_model_unless_told_otherwise(gateway: Gateway) -> None:
    apart = {"sort": {"by": "price", "partition": "model"}}
    together = {"sort": {"by": "price", "partition": "none"}}
    assert gateway.route("alpha/m", "gamma/m", providers=apart) == ["alpha", "gamma"]
    assert gateway.route("alpha/m", "gamma/m", providers=together) == ["gamma", "alpha"]
    old = preferences({"sort": "price"}, "sort")
    assert gateway.route("alpha/m", "gamma/m", preferences=old) == ["gamma", "alpha"]


def test_measured_latency_and_throughput(gateway: Gateway) -> None:
    for target, seconds, tokens in ((A, 0.9, 90), (B, 0.1, 10)):
        gateway.health.of(target).spoke(0, seconds)
        gateway.health.of(target).said(tokens, 1.0)
    assert gateway.route("m", providers={"sort": "latency"}) == ["beta", "alpha", "gamma"]
    assert gateway.route("m", providers={"sort": "throughput"}) == ["alpha", "beta", "gamma"]


def test_preferred_bounds_move_back_and_drop_nobody(gateway: Gateway) -> None:
    for seconds in (0.1, 0.1, 5.0):
        gateway.health.of(A).spoke(0, seconds)
    gateway.health.of(B).said(10, 1.0)
    order = {"order": ["alpha", "beta", "gamma"]}
    assert gateway.route(providers={**order, "preferred_max_latency": 1}) == ["alpha", "beta", "gamma"]
    assert gateway.route(providers={**order, "preferred_max_latency": {"p99": 1}}) == [
        "beta",
        "gamma",
        "alpha",
    ]
    assert gateway.route(providers={**order, "preferred_min_throughput": 20}) == ["alpha", "gamma", "beta"]


def test_of_very_many_those_beyond_the_bounds_come_last_of_all_that_are_tried() -> None:
    models = [f"m{number:03}" for number in range(300)]
    names = Names({"alpha": models}, {"all": [(f"alpha/{model}", 1) for model in models]})
    router, wanted = Router(names, lambda _: Facts(), {}, health := Health()), {"preferred_max_latency": 1}
    for model in models[::2]:
        health.of(Target("alpha", model)).spoke(0, 5.0)
    asked = Asked(("all",), preferences({**wanted, "sort": "latency"}, None))
    route = [target.model for target in router.route(asked, Moment(0, "2026-11-21")).targets]
    assert sorted(route) == models, "nobody is dropped"
    assert not set(route[:64]) & set(models[::2])


def test_who_does_badly_comes_last_and_stays_the_last_resort(gateway: Gateway) -> None:
    fail(gateway.health, A, now=0)
    assert gateway.route("alpha/m", "beta/m", now=1) == ["beta", "alpha"]
    assert gateway.route("alpha/m", now=1) == ["alpha"]


def test_a_session_goes_where_it_was_unless_that_does_badly(gateway: Gateway) -> None:
    for draw in range(0, 2**32, 2**28):
        assert gateway.route("m", first=(C,), draw=draw)[0] == "gamma"
    assert gateway.route("m", first=("beta",))[0] == "beta"
    assert gateway.route("m", first=(C,), providers={"order": ["alpha"]})[0] == "alpha"
    assert gateway.route("alpha/m", "gamma/m", first=(C,)) == ["alpha", "gamma"], (
        "the named order is stronger"
    )
    fail(gateway.health, C, now=0)
    assert gateway.route("m", first=(C,), now=1)[0] != "gamma"


# Balance


def spread(gateway: Gateway, name: str) -> Counter[str]:
    return Counter(gateway.route(name, draw=draw * 2_654_435_761 % 2**32)[0] for draw in range(2000))


def test_idle_targets_share_the_requests_by_weight(gateway: Gateway) -> None:
    for target, seconds in ((B, 1.0), (C, 1.5)):
        gateway.health.of(target).spoke(0, seconds)
    counted = spread(gateway, "pair")
    assert 1400 < counted["beta"] < 1600, "3 to 1"


def test_a_weight_does_not_hold_against_twice_the_load(gateway: Gateway) -> None:
    gateway.health.of(B).in_flight = 10
    assert spread(gateway, "pair") == {"gamma": 2000}


def test_of_two_the_less_busy_goes_first(gateway: Gateway) -> None:
    gateway.health.of(A).in_flight = 50
    counted = spread(gateway, "m")
    assert counted["alpha"] == 0
    assert min(counted["beta"], counted["gamma"]) > 500


def test_the_same_moment_gives_the_same_route(gateway: Gateway) -> None:
    for draw in (0, 1, 77, 2**31):
        assert gateway.route("m", draw=draw) == gateway.route("m", draw=draw)


# Models that nobody named


def test_the_cheapest_that_is_good_enough_comes_first(gateway: Gateway) -> None:
    names = ("alpha/m", "beta/m", "gamma/m")
    assert gateway.route(*names, choices=3, difficulty=0.0) == ["gamma", "beta", "alpha"]
    assert gateway.route(*names, choices=3, difficulty=0.6) == ["beta", "alpha", "gamma"]
    assert gateway.route(*names, choices=3, difficulty=1.0) == ["alpha", "beta", "gamma"]


def test_what_was_named_comes_behind_what_was_left_to_the_gateway(gateway: Gateway) -> None:
    names = ("alpha/m", "beta/m", "gamma/m")
    assert gateway.route(*names, choices=2, difficulty=0.0) == ["beta", "alpha", "gamma"]
    assert gateway.route(*names, choices=1, difficulty=0.0) == ["alpha", "beta", "gamma"]


def test_an_unknown_name_is_an_error_wherever_it_stands(gateway: Gateway) -> None:
    with pytest.raises(InvalidRequest) as refused:
        gateway.route("alpha/m", "nobody/m")
    assert refused.value.code == "model_not_found"
