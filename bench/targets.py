"""What the gateway has to reach, on one core, and whether it did in this run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench import growth, routing
from bench.bodies import Workload
from bench.results import Results, difference, ratio

US = "antiphon"
PEER = "litellm"
AT = 32  # connections
_RATED: tuple[Workload, ...] = ("stored", "json", "stream")


@dataclass(frozen=True)
class Target:
    """`met` is None when the run did not measure it."""

    name: str
    wanted: str
    measured: str
    met: bool | None


def targets(results: Results) -> list[Target]:
    """All of them, in the order of the table."""
    parts = [_rates, _times, _footprint, _budget, _peer] if US in results.contenders else []
    parts += [_dialects] if results.dialects else []
    parts += [_routing] if results.routing or results.routes else []
    return [target for part in parts for target in part(results)]


def _at_least(name: str, least: float, measured: float | None, unit: str) -> Target:
    return _target(name, f"≥ {least:,.0f}{unit}", measured, unit, measured is not None and measured >= least)


def _at_most(name: str, most: float, measured: float | None, unit: str) -> Target:
    return _target(name, f"≤ {most:,.5g}{unit}", measured, unit, measured is not None and measured <= most)


def _target(name: str, wanted: str, measured: float | None, unit: str, met: bool) -> Target:
    if measured is None:
        return Target(name, wanted, "not measured", None)
    shown = f"{measured:,.0f}" if abs(measured) >= 100 else f"{measured:.3g}"
    return Target(name, wanted, shown + unit, met)


def _rates(results: Results) -> Iterator[Target]:
    stored, unstored, stream = (results.median(US, name, AT) for name in _RATED)
    yield _at_least("requests a second, stored", 2_500, stored.rate, "")
    yield _at_least("requests a second, not stored", 5_000, unstored.rate, "")
    yield _at_least("events a second", 80_000, stream.rate, "")


def _times(results: Results) -> Iterator[Target]:
    ours, theirs = results.median(US, "json", 1), results.median("direct", "json", 1)
    added = difference(ours.p50, theirs.p50)
    yield _at_most("added at 1 connection, p50", 1.0, added / 1000 if added is not None else None, " ms")


def _footprint(results: Results) -> Iterator[Target]:
    found = results.footprints.get(US)
    yield _at_most("resident after load", 120, found.resident_loaded / 1e6 if found else None, " MB")
    yield _at_most("start-up", 1.5, found.startup_seconds if found else None, " s")


def _budget(results: Results) -> Iterator[Target]:
    ours, floor = results.median(US, "json", AT), results.median("floor", "json", AT)
    above = difference(ours.cpu_us_a_response, floor.cpu_us_a_response)
    yield _at_most("CPU a request above the floor", 150, above, " µs")
    ours, floor = results.median(US, "stream", AT), results.median("floor", "stream", AT)
    above = difference(ours.cpu_us_a_response, floor.cpu_us_a_response)
    yield _at_most("CPU an event above the floor", 6, ratio(above, ours.events_a_response), " µs")
    linear = growth.is_linear(results.lengths)
    shown = {None: "not measured", True: "linear", False: "more than linear"}[linear]
    yield Target("cost of a longer conversation", "linear", shown, linear)


def _peer(results: Results) -> Iterator[Target]:
    # The lower of two ratios: strangers on the core in one party's window must not decide for the other.
    ours, theirs = (results.median(who, "json", AT) for who in (US, PEER))
    times = _lower(ratio(ours.rate, theirs.rate), ratio(theirs.cpu_us_a_response, ours.cpu_us_a_response))
    yield _at_least("requests beside LiteLLM, by rate and by CPU", 30, times, " ×")
    ours, theirs = (results.median(who, "stream", AT) for who in (US, PEER))
    times = _lower(ratio(ours.rate, theirs.rate), ratio(theirs.cpu_us_an_event, ours.cpu_us_an_event))
    yield _at_least("events beside LiteLLM, by rate and by CPU", 30, times, " ×")


def _dialects(results: Results) -> Iterator[Target]:
    """Of each dialect the dearer of its two streams."""
    for cost in results.dialects:
        event = max(cost.words_us, cost.calls_us)
        yield _at_most(f"{cost.dialect}: an event, decoded and told", 10, event, " µs")
        yield _at_most(f"{cost.dialect}: a history of 100 KB, encoded", 3, cost.encode_ms, " ms")


def _routing(results: Results) -> Iterator[Target]:
    dearest = max((cost.us for cost in results.routing), default=None)
    yield _at_most("a route over 300 targets", 100, dearest, " µs")
    added = routing.added_p99_us(results.routes, routing.DEAD_FIRST)
    yield _at_most(
        "added by a dead first target, p99", 10, added / 1000 if added is not None else None, " ms"
    )


def _lower(one: float | None, other: float | None) -> float | None:
    return min(one, other) if one is not None and other is not None else None
