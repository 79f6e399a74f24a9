"""What it costs to choose who answers: in this process, and through the gateway.

In this process the router orders 300 targets of the catalogue, all of them measured, for requests that wish
for little or much. What follows from a request's names and preferences alone the router keeps, so the first
request of a kind, which costs milliseconds, is not timed. CPU time; the least of the repeats.

Through the gateway the static upstream stands behind one target, behind fifty of one alias, and behind a
target that is nobody: there the first requests are refused and fall back, until its breaker is open.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import median
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from antiphon.routing.asked import Asked, Needs, Policy
from antiphon.routing.catalogue import Catalogue
from antiphon.routing.health import Health
from antiphon.routing.names import Names
from antiphon.routing.preferences import preferences
from antiphon.routing.router import Moment, Router
from bench.bodies import Ask, WrongAnswer
from bench.measure import Cell, Laboratory
from bench.servers import Server

TARGETS = 300
PROVIDERS = ("openai", "anthropic", "mistral", "bedrock", "fireworks", "together", "gemini")
_EACH = 60  # models of each
_ALL = "all"  # the alias of all of them
_AT_ONCE = 20  # routes for one look at the clock

FIFTY, DEAD = "fifty", "dead"  # the alias, and the provider that nobody is; see contenders/antiphon.py
ONE_TARGET, FIFTY_TARGETS, DEAD_FIRST = "one target", "an alias of 50", "a dead one first"
_WAYS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        ONE_TARGET: {"model": "bench/static"},
        FIFTY_TARGETS: {"model": FIFTY},
        DEAD_FIRST: {"model": f"{DEAD}/static", "fallbacks": ["bench/static"]},
    }
)
_CONNECTIONS = (1, 32)
_WINDOW = (0.3, 1.5)  # seconds
_TO_OPEN = 10  # failures, more than a breaker bears


@dataclass(frozen=True)
class RoutingCost:
    """One kind of request, by what it wishes: CPU time, and how many of the targets may answer."""

    wish: str
    possible: int
    us: float


@dataclass(frozen=True)
class Route:
    """Requests of one way through the gateway; medians of the rounds."""

    way: str
    connections: int
    p50_us: float
    p99_us: float
    cpu_us: float
    rate: float


def costs(repeats: int) -> list[RoutingCost]:
    """Of every kind of request, in this process."""
    router, names = _router()
    return [_cost(router, wish, asked, repeats) for wish, asked in _wishes(names).items()]


def _cost(router: Router, wish: str, asked: Asked, repeats: int) -> RoutingCost:
    moments = [Moment(400.0, "2026-11-21", draw * 7919) for draw in range(_AT_ONCE)]
    possible = len(router.route(asked, moments[0]).targets)
    times = []
    for _ in range(repeats):
        began = time.process_time()
        for moment in moments:
            router.route(asked, moment)
        times.append(time.process_time() - began)
    return RoutingCost(wish, possible, min(times) / _AT_ONCE * 1e6)


def _wishes(names: tuple[str, ...]) -> dict[str, Asked]:
    dollars = {"prompt": 20, "completion": 100}
    filters = {"zdr": True, "region": "eu", "data_collection": "deny", "max_price": dollars}
    all_filters = preferences({**filters, "ignore": ["together"], "require_parameters": True}, None)
    bounds = {"preferred_max_latency": {"p90": 5}, "preferred_min_throughput": 20}
    measured = preferences({"sort": "throughput", **bounds}, None)
    needs = Needs(frozenset({"tools"}), True)
    filtered = Asked((_ALL,), all_filters, needs, input_tokens=90_000, output_tokens=1000)
    return {
        "one model": Asked(names[:1]),
        f"an alias of {TARGETS}": Asked((_ALL,)),
        "… with all filters": filtered,
        "… by throughput, within bounds": Asked((_ALL,), measured),
        f"auto, of {TARGETS}, with all filters": replace(
            filtered, names=names, choices=len(names), difficulty=0.6
        ),
    }


def _router() -> tuple[Router, tuple[str, ...]]:
    data = files("antiphon.routing").joinpath("catalogue.json.gz").read_bytes()
    models = json.loads(gzip.decompress(data))["limits"]
    offered = {provider: list(models[provider])[:_EACH] for provider in PROVIDERS}
    listed = Names(offered).listed()[:TARGETS]
    public = tuple(target.public_name for target in listed)
    names = Names(offered, {_ALL: [(name, 1.0) for name in public]})
    policies = {provider: Policy(region="eu", zdr=True) for provider in PROVIDERS}
    health = Health()
    for at, target in enumerate(listed):
        measured = health.of(target)
        measured.began(0.0)
        measured.spoke(float(at), 0.1 + at % 7)
        measured.said(100, 1.0 + at % 5)
        health.ended(target, float(at), "ok")
    return Router(names, Catalogue(data).facts, policies, health), public


def routes(laboratory: Laboratory, server: Server, ask: Ask, rounds: int) -> list[Route]:
    """Each way in turn, in each round. Raises WrongAnswer, LoadFailed."""
    bodies = {way: _body(ask, wanted) for way, wanted in _WAYS.items()}
    for way, body in bodies.items():
        _check(ask, way, body)
    cells: dict[tuple[str, int], list[Cell]] = {}
    for _ in range(rounds):
        for connections in _CONNECTIONS:
            for way, body in bodies.items():
                name = way.replace(" ", "-")
                cell = laboratory.measure(name, server, ask, "json", connections, _WINDOW, body)
                cells.setdefault((way, connections), []).append(cell)
    return [_route(way, connections, found) for (way, connections), found in cells.items()]


def added_p99_us(found: Sequence[Route], way: str) -> float | None:
    """To that of one target, at one connection; None if either was not measured."""
    p99 = {route.way: route.p99_us for route in found if route.connections == 1}
    return p99[way] - p99[ONE_TARGET] if p99.keys() >= {way, ONE_TARGET} else None


def _route(way: str, connections: int, cells: Sequence[Cell]) -> Route:
    times = [cell.load.latency for cell in cells if cell.load.latency is not None]
    return Route(
        way,
        connections,
        p50_us=median(each.p50 for each in times),
        p99_us=median(each.p99 for each in times),
        cpu_us=median(cell.cpu_us_a_response or 0.0 for cell in cells),
        rate=median(cell.rate for cell in cells),
    )


def _body(ask: Ask, wanted: dict[str, Any]) -> bytes:
    return json.dumps(json.loads(ask.body("json")) | wanted).encode()


def _check(ask: Ask, way: str, body: bytes) -> None:
    """So often that the breaker of a target that is nobody is open. Raises WrongAnswer."""
    for _ in range(_TO_OPEN):
        status, answer = ask.send(body)
        if status != 200 or json.loads(answer).get("provider") != "bench":
            raise WrongAnswer(f"{way}: status {status}: {answer[:300]!r}")
