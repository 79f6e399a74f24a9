"""Attempts: the calls that one response takes, as they are made and what they cost.

Of each the health of its target hears at once, and a row is made for the ledger: also of those that failed,
and when nobody waits any more. A provider that did not count its tokens is charged by an estimate, which the
row says: half of a stream that was cut has been paid for too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from math import ceil
from typing import Protocol

from msgspec import Struct

from antiphon.core.deltas import Usage
from antiphon.core.records import Attempt, Caller, Charge, CostSource, Outcome, Target
from antiphon.core.turn import Turn
from antiphon.protocol.errors import AntiphonError, ProviderError, RateLimited, UnfitAnswer, UpstreamRejected
from antiphon.protocol.json import JSON, encode

_BYTES_A_TOKEN = 4
"""Of English text in UTF-8, as OpenAI and Google say; other languages differ by a factor of two."""

_COUNTED_TOOLS = {"web_search_call": "web_searches", "file_search_call": "storage_searches"}
_SOURCES: tuple[CostSource, ...] = ("provider", "prices", "estimate")


class Measured(Protocol):
    """The health of one target, which hears how its calls go; times in seconds of one clock."""

    @property
    def late_after(self) -> float | None: ...

    def began(self, now: float) -> None: ...

    def spoke(self, now: float, seconds: float) -> None: ...

    def said(self, tokens: int, seconds: float) -> None: ...

    def may_retry(self, now: float) -> bool: ...

    def may_come(self, now: float) -> bool: ...


class Watch(Protocol):
    """Whoever keeps the health of all targets."""

    def of(self, target: Target) -> Measured: ...

    def ended(self, target: Target, now: float, outcome: Outcome, retry_after: float | None) -> None: ...


class Charging(Protocol):
    """Whoever knows what models cost."""

    def charge(
        self, target: Target, counts: dict[str, int], *, service_tier: str | None, at: float, estimated: bool
    ) -> Charge | None: ...


class Metering(Protocol):
    """Whoever counts for the operator."""

    def attempted(self, attempt: Attempt) -> None: ...

    def responded(self, status: str) -> None: ...

    def again(self, reason: str) -> None: ...


class Unmetered:
    """Nobody counts."""

    def attempted(self, attempt: Attempt) -> None: ...

    def responded(self, status: str) -> None: ...

    def again(self, reason: str) -> None: ...


class Accounting(Struct, frozen=True):
    """Who measures, charges and counts. `clock` only goes forward; `time` is seconds since 1970."""

    watch: Watch
    tariff: Charging
    clock: Callable[[], float]
    time: Callable[[], float]
    meter: Metering = Unmetered()


class Heard(Struct, frozen=True):
    """What came of a call: what the provider counted, which tier served, the items that were said."""

    usage: Usage | None
    service_tier: str | None
    items: Sequence[JSON]


class Attempts:
    """The calls of one response. One at a time: `begin`, `spoke` with the first event, `end`."""

    def __init__(self, caller: Caller, response_id: str, accounting: Accounting) -> None:
        self.made: list[Attempt] = []
        self._caller = caller
        self._response_id = response_id
        self._accounting = accounting
        self._measured: Measured
        self._began = 0.0
        self._first: float | None = None

    def begin(self, target: Target) -> None:
        self._began, self._first = self._accounting.clock(), None
        self._measured = self._accounting.watch.of(target)
        self._measured.began(self._began)

    def spoke(self) -> None:
        """Something came of the provider; only the first time counts."""
        if self._first is None:
            now = self._accounting.clock()
            self._first = now - self._began
            self._measured.spoke(now, self._first)

    def was_late(self) -> None:
        """Nobody waits for it any more: its health hears how long that was, as if it had spoken now."""
        now = self._accounting.clock()
        self._measured.spoke(now, now - self._began)

    def beside(self) -> Attempts:
        """For another call at the same time, into the same list."""
        return copy(self)

    def adopt(self, other: Attempts) -> None:
        """Go on with the other's call."""
        vars(self).update(vars(other))

    def again(self, reason: str) -> None:
        """Another call is to be made, and why."""
        self._accounting.meter.again(reason)

    def over(self, status: str) -> None:
        """All of them; what became of the response."""
        self._accounting.meter.responded(status)

    def may_retry(self, target: Target) -> bool:
        """Take one of the retries that the target can bear; False if there is none left."""
        return self._accounting.watch.of(target).may_retry(self._accounting.clock())

    def may_come(self, target: Target) -> bool:
        """Whether the target can bear a request that failed elsewhere."""
        return self._accounting.watch.of(target).may_come(self._accounting.clock())

    def end(self, target: Target, turn: Turn, heard: Heard, failure: BaseException | None) -> None:
        """Over, one way or the other."""
        accounting = self._accounting
        now = accounting.clock()
        outcome = outcome_of(failure)
        retry_after = failure.retry_after if isinstance(failure, AntiphonError) else None
        excused = isinstance(failure, ProviderError) and failure.another_key
        accounting.watch.ended(target, now, "cancelled" if excused else outcome, retry_after)
        usage = heard.usage
        if usage is not None and self._first is not None and outcome == "ok":
            self._measured.said(usage.output_tokens, now - self._began - self._first)
        seconds = now - self._began
        at = accounting.time() - seconds
        counted = usage or _estimated(turn, heard, spoke=self._first is not None)
        self._enter(
            Attempt(
                project_id=self._caller.project_id,
                key_id=self._caller.key_id,
                response_id=self._response_id,
                number=len(self.made) + 1,
                target=target,
                began_at=at,
                seconds=seconds,
                first_event=self._first,
                outcome=outcome,
                code=failure.code if isinstance(failure, AntiphonError) else None,
                status=failure.status if isinstance(failure, ProviderError) else None,
                service_tier=heard.service_tier,
                input_tokens=counted.input_tokens,
                output_tokens=counted.output_tokens,
                cached_tokens=counted.cached_tokens,
                cache_write_tokens=counted.cache_write_tokens,
                reasoning_tokens=counted.reasoning_tokens,
                charge=self._charge(target, counted, heard, at),
            )
        )

    def _enter(self, attempt: Attempt) -> None:
        self.made.append(attempt)
        self._accounting.meter.attempted(attempt)

    def _charge(self, target: Target, counted: Usage, heard: Heard, at: float) -> Charge | None:
        if counted.provider_cost is not None:
            return Charge(counted.provider_cost, "provider")
        counts = _counts(counted, heard.items)
        if not any(counts.values()):
            return Charge(0, "prices")  # nothing was said, so nothing is asked for it
        return self._accounting.tariff.charge(
            target, counts, service_tier=heard.service_tier, at=at, estimated=heard.usage is None
        )


def outcome_of(failure: BaseException | None) -> Outcome:
    """Whose doing it was: only `failed` and `rate_limited` are held against a target."""
    match failure:
        case None | UnfitAnswer():
            return "ok"
        case RateLimited():
            return "rate_limited"
        case UpstreamRejected():
            return "rejected"
        case ProviderError():
            return "failed"
        case _:
            return "cancelled"


def cost_of(attempts: Sequence[Attempt]) -> tuple[float | None, JSON | None]:
    """`cost` in US dollars and `cost_details` of a response. None if any call has no known price."""
    charges: list[Charge] = []
    for attempt in attempts:
        if attempt.charge is None:
            return None, None
        charges.append(attempt.charge)
    if not charges:
        return None, None
    total = charges[0] if len(charges) == 1 else _sum(charges)
    return total.total / 1e9, {
        "currency": "USD",
        "source": total.source,
        "attempts": len(charges),
        "input": total.input / 1e9,
        "output": total.output / 1e9,
        "tools": total.tools / 1e9,
    }


def _sum(charges: Sequence[Charge]) -> Charge:
    """As sure as the least sure of them."""
    return Charge(
        sum(charge.total for charge in charges),
        max((charge.source for charge in charges), key=_SOURCES.index),
        sum(charge.input for charge in charges),
        sum(charge.output for charge in charges),
        sum(charge.tools for charge in charges),
    )


def _counts(usage: Usage, items: Sequence[JSON]) -> dict[str, int]:
    """Units of a price list (antiphon.routing.pricing)."""
    counts = {
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    for item in items:
        if (unit := _COUNTED_TOOLS.get(item["type"])) is not None:
            counts[unit] = counts.get(unit, 0) + 1
    return counts


def _estimated(turn: Turn, heard: Heard, *, spoke: bool) -> Usage:
    """Of a call whose provider counted nothing; nothing at all where it did not even begin to speak."""
    if not spoke:
        return Usage()
    asked = encode([turn.instructions or "", turn.items, turn.tools])
    return Usage(ceil(len(asked) / _BYTES_A_TOKEN), ceil(len(encode(heard.items)) / _BYTES_A_TOKEN))
