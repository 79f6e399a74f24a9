"""The router: which targets may answer a request, and in which order they are tried. Pure and explainable.

    names ─▶ candidates ─▶ those that may (each dropped one with a reason) ─▶ in order ─▶ route

What follows from the names, the preferences and the catalogue alone is worked out once and kept, for it is
the same for most requests; what changes from moment to moment is not: sizes, health, load, sessions.

The order, from first to last:

1. targets that are doing well before those that are not; these stay, as the last resort
2. targets that meet `preferred_…` before those that do not
3. models in the order they were named, unless `sort.partition` is "none"
4. the target that a session or a sealed thought is tied to, unless the request gave an order itself
5. `order`; then `sort`; else whoever is less busy of two (see `_balanced`)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.records import Target
from antiphon.protocol.errors import InvalidRequest
from antiphon.routing.asked import Asked, Needs, Policy
from antiphon.routing.automatic import asked_quality, quality
from antiphon.routing.catalogue import Facts
from antiphon.routing.eligibility import is_demanding, reason_against, too_large
from antiphon.routing.health import Health, TargetHealth
from antiphon.routing.names import Member
from antiphon.routing.preferences import NONE, Preferences
from antiphon.routing.pricing import base

_MOST_KEPT = 128
_NOON = 43_200
"""Seconds of the day: targets are compared by the price of ordinary hours."""
_ENOUGH = 64
"""Targets, more than one response may try: of those that come later the order does not matter."""
_INFINITE = float("inf")
STANDINGS = ("closed", "half_open", "cooling", "open")  # the best first
_NEVER_SEEN = 1.0
"""Seconds that a target which nobody measured is taken to need: it is tried, and not by all at once."""


class Candidate(Struct, frozen=True):
    """A target that was considered. `dropped` says why it may not answer."""

    target: Target
    name: str  # its public name
    asked_as: str  # the name that led to it
    rank: int  # the place of that name; the names among which the gateway chooses are one
    weight: float
    facts: Facts
    input_rate: int | None  # nano-US-dollars for a million tokens
    output_rate: int | None
    quality: float
    dropped: str | None = None


class Route(Struct, frozen=True):
    """The targets to try, one at least, in order; by which of the names each was asked for; and everybody who
    was considered, or nobody where there was nothing to choose.
    """

    targets: tuple[Target, ...]
    names: tuple[str, ...]
    considered: tuple[Candidate, ...]


class Resolving(Protocol):
    """Whoever knows what names mean; see `names`."""

    def members(self, name: str) -> Sequence[Member]: ...


class Moment(Struct, frozen=True):
    """When, and with which luck, a request is routed: the same moment gives the same route."""

    now: float  # seconds of the clock that `Health` is told
    date: str  # ISO, UTC: prices change with it
    draw: int = 0  # any whole number ≥ 0


class _Kept(Struct, frozen=True):
    """What does not change: everybody considered; those who may answer, arranged; and the best first."""

    considered: tuple[Candidate, ...]
    possible: tuple[Candidate, ...]
    by_quality: tuple[Candidate, ...]


class Router:
    """`facts` and `policies` (by provider) do not change while the gateway runs."""

    def __init__(
        self,
        names: Resolving,
        facts: Callable[[Target], Facts],
        policies: Mapping[str, Policy],
        health: Health,
    ) -> None:
        self._names = names
        self._facts = facts
        self._policies = policies
        self._health = health
        self._kept: dict[tuple[tuple[str, ...], Preferences, Needs, int, str], _Kept] = {}

    def route(self, asked: Asked, moment: Moment) -> Route:
        """Raises InvalidRequest: `model_not_found`, or `no_target` with the reasons."""
        kept = self._possible(asked, moment.date)
        if is_demanding(asked) and (asked.input_tokens or asked.output_tokens):
            kept = _sized(kept, asked)
        if not kept.possible:
            raise _nobody(kept.considered, asked)
        ordered = self._ordered(kept, asked, moment)
        if not asked.preferences.allow_fallbacks and not asked.preferences.order:
            ordered = ordered[:1]
        return Route(
            tuple([each.target for each in ordered]),
            tuple([each.asked_as for each in ordered]),
            kept.considered,
        )

    def _possible(self, asked: Asked, date: str) -> _Kept:
        key = (asked.names, asked.preferences, asked.needs, asked.choices, date)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _MOST_KEPT:  # names come from clients
                self._kept.clear()
            considered = tuple(self._considered(asked, date))
            possible = [each for each in considered if each.dropped is None]
            kept = self._kept[key] = _Kept(
                considered,
                tuple(_arranged(possible, asked)),
                tuple(_best_first(possible)) if asked.choices else (),
            )
        return kept

    def _considered(self, asked: Asked, date: str) -> list[Candidate]:
        found: dict[Target, Candidate] = {}
        for place, name in enumerate(asked.names):
            rank = max(place - asked.choices + 1, 0) if asked.choices else place
            for member in self._names.members(name):
                if member.target not in found:
                    found[member.target] = self._candidate(member, name, rank, asked, date)
        return list(found.values())

    def _candidate(self, member: Member, name: str, rank: int, asked: Asked, date: str) -> Candidate:
        target, facts = member.target, self._facts(member.target)
        rates = facts.prices.rates({}, date, _NOON) if facts.prices else {}
        policy = self._policies.get(target.provider, Policy())
        prices = base(rates.get("input_tokens")), base(rates.get("output_tokens"))
        return Candidate(
            target=target,
            name=target.public_name,
            asked_as=name,
            rank=rank,
            weight=member.weight,
            facts=facts,
            input_rate=prices[0],
            output_rate=prices[1],
            quality=quality(facts, date),
            dropped=reason_against(target, facts, rates, policy, asked),
        )

    def _ordered(self, kept: _Kept, asked: Asked, moment: Moment) -> Sequence[Candidate]:
        wanted = asked.preferences
        if len(kept.possible) == 1:
            return kept.possible
        ordered = list(kept.possible)
        if wanted.sort in ("latency", "throughput"):
            ordered = self._by_measure(ordered, wanted)
        elif wanted.sort is None and not wanted.order and not asked.choices:
            ordered = self._balanced(ordered, moment.draw)
        if asked.choices:
            enough = asked_quality(asked.difficulty)
            named = [each for each in ordered if each.rank]
            ordered = [each for each in ordered if each.quality >= enough and not each.rank]
            ordered += [each for each in kept.by_quality if each.quality < enough]
            ordered += named
        if asked.first and not wanted.order:
            ordered.sort(key=lambda each: _place_in(asked.first, each))
            if wanted.partition == "model":
                ordered.sort(key=attrgetter("rank"))
        if wanted.max_latency or wanted.min_throughput:
            ordered = self._by_bounds(ordered, wanted)
        if unready := self._health.unready(moment.now):
            ordered.sort(key=lambda each: each.name in unready)
        return ordered

    def _by_measure(self, candidates: list[Candidate], wanted: Preferences) -> list[Candidate]:
        """By latency or throughput, who was never measured last; each model for itself or all together."""
        look = self._health.look
        measure = _latency if wanted.sort == "latency" else _slowness
        ordered = sorted(candidates, key=lambda each: measure(look(each.name)))
        if wanted.partition == "model" and candidates[0].rank != candidates[-1].rank:
            ordered.sort(key=attrgetter("rank"))
        return ordered

    def _balanced(self, candidates: list[Candidate], draw: int) -> list[Candidate]:
        """Of the targets of one name: two are drawn by weight, and the one less busy goes first.

        Two are enough to keep the load even, and few enough that a target that looks idle is not run over
        by everybody at once (the power of two choices). Weights that differ are somebody's decision: there
        the first that was drawn stays, unless it is twice as busy.
        """
        ordered: list[Candidate] = []
        for _, group in groupby(candidates, key=attrgetter("rank")):
            ordered += self._drawn(list(group), draw)
        return ordered

    def _drawn(self, group: list[Candidate], draw: int) -> list[Candidate]:
        if len(group) == 1:
            return group
        first = _draw(group, draw)
        others = [each for each in group if each is not first]
        second = _draw(others, draw >> 16)
        others.remove(second)
        tolerated = 1 if first.weight == second.weight else 2
        if self._load(second) * tolerated < self._load(first):
            first, second = second, first
        return [first, second, *others]

    def _load(self, candidate: Candidate) -> float:
        health = self._health.look(candidate.name)
        if health is None:
            return _NEVER_SEEN
        latency = _NEVER_SEEN if health.latency is None else health.latency
        return (health.in_flight + 1) * latency

    def _by_bounds(self, candidates: list[Candidate], wanted: Preferences) -> list[Candidate]:
        """Those within the bounds first; who was never measured is taken to be, and so are all that come
        after more than anybody will try.
        """
        within: list[Candidate] = []
        beyond: list[Candidate] = []
        for place, each in enumerate(candidates):
            if len(within) == _ENOUGH:
                return within + candidates[place:] + beyond
            health = self._health.look(each.name)
            (within if health is None or _is_within(health, wanted) else beyond).append(each)
        return within + beyond


def _is_within(health: TargetHealth, wanted: Preferences) -> bool:
    for name, bound in wanted.max_latency:
        if (value := health.latencies.percentile(name)) is not None and value > bound:
            return False
    for name, bound in wanted.min_throughput:
        if (value := health.throughputs.percentile(name)) is not None and value < bound:
            return False
    return True


def _latency(health: TargetHealth | None) -> float:
    """Seconds; who was never measured comes last."""
    return _INFINITE if health is None or health.latency is None else health.latency


def _slowness(health: TargetHealth | None) -> float:
    """The higher the throughput, the lower; who was never measured comes last."""
    return _INFINITE if health is None or health.throughput is None else -health.throughput


def standing(health: TargetHealth | None, now: float) -> str:
    """For people, one of STANDINGS: cooling means that it asked us to wait."""
    if health is None:
        return "closed"
    state = health.state(now)
    return "cooling" if state == "closed" and not health.is_ready(now) else state


# Order


def _arranged(candidates: list[Candidate], asked: Asked) -> list[Candidate]:
    """By model, `order` and price: all that does not change."""
    wanted = asked.preferences
    apart = wanted.partition == "model"
    by_price = wanted.sort == "price" or (asked.choices and wanted.sort is None)
    places = {name: place for place, name in enumerate(wanted.order)}
    last = len(places)

    def place(each: Candidate) -> tuple[int, int, float]:
        listed = min(places.get(each.target.provider, last), places.get(each.name, last))
        return (each.rank if apart else 0), listed, (_price(each) if by_price else 0.0)

    return sorted(candidates, key=place)


def _best_first(candidates: list[Candidate]) -> list[Candidate]:
    """Those among which the gateway chooses."""
    chosen = [each for each in candidates if not each.rank]
    return sorted(chosen, key=attrgetter("quality"), reverse=True)


def _price(candidate: Candidate) -> float:
    """A mix of three tokens in to one out, as prices are usually compared; who has none is dearest."""
    if candidate.input_rate is None or candidate.output_rate is None:
        return float("inf")
    return 3 * candidate.input_rate + candidate.output_rate


def _place_in(first: Sequence[Target | str], each: Candidate) -> int:
    for place, wanted in enumerate(first):
        if wanted in (each.target, each.target.provider):
            return place
    return len(first)


def _draw(group: list[Candidate], draw: int) -> Candidate:
    """One of the group, each as likely as its weight."""
    point = (draw & 0xFFFF) / 0x10000 * sum(each.weight for each in group)
    for each in group:
        point -= each.weight
        if point < 0:
            return each
    return group[-1]


def _sized(kept: _Kept, asked: Asked) -> _Kept:
    """Without those for whom the request is too large."""
    considered = tuple(
        replace(each, dropped=reason)
        if each.dropped is None and (reason := too_large(each.facts, asked)) is not None
        else each
        for each in kept.considered
    )
    return _Kept(
        considered,
        tuple(each for each in kept.possible if too_large(each.facts, asked) is None),
        tuple(each for each in kept.by_quality if too_large(each.facts, asked) is None),
    )


def _nobody(considered: Sequence[Candidate], asked: Asked) -> InvalidRequest:
    reasons = "; ".join(f"{each.name}: {each.dropped}" for each in considered[:10])
    more = f"; and {len(considered) - 10} more" if len(considered) > 10 else ""
    return InvalidRequest(
        f"No target may answer this request: {reasons}{more}.",
        code="no_target",
        param="model" if asked.preferences is NONE else "providers",
    )
