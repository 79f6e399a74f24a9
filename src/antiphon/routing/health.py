"""How targets are doing: measured by the requests that they serve. Sans-IO: it is told what time it is.

    closed ──half of the latest failed──▶ open ──pause over──▶ half-open ──a success──▶ closed
                                           ▲────────────────a failure──────┘

A target that is open, or that asked us to wait, is tried after all others. While it is half-open one request
at a time goes to it as a probe. Only what is the provider's own doing counts as a failure: a request that it
calls invalid says nothing about it.

Retries have a budget, so that a target in trouble does not get its trouble doubled by those who insist: a
fifth of the requests that go to it, and a small number beside that (a bucket of tokens, as in Finagle).

Latency is a moving average that jumps up to a worse sample at once and comes down slowly (peak EWMA, as in
Finagle), so that a target that has just become slow is not trusted for long.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from typing import Literal, TypeAlias

from antiphon.core.records import Outcome, Target

State: TypeAlias = Literal["closed", "open", "half_open"]

_MEMORY = 30.0
"""Seconds after which a success or a failure weighs 1/e."""

_LEAST_FAILURES = 3.0
_OPEN_RATIO = 0.5
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 120.0
_COOLING = 1.0
"""Seconds to leave a target alone that asked for it without saying how long."""

_LATENCY_MEMORY = 10.0
_RETRIES_A_REQUEST = 0.2
_RETRIES_A_SECOND = 0.1  # so that a target with few requests has some, too
_MOST_RETRIES = 10.0  # at once, of a target that was left in peace; and at the beginning

_SAMPLES = 128
_ENOUGH_SAMPLES = 20  # for a percentile that means something
_SOONEST_LATE = 0.2
_MOST_TARGETS = 10_000


class Samples:
    """The latest measurements of one kind, and their percentiles, which are kept until the next one."""

    __slots__ = ("_percentiles", "_values")

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=_SAMPLES)
        self._percentiles: dict[str, float] = {}

    def append(self, value: float) -> None:
        self._values.append(value)
        self._percentiles.clear()

    def __len__(self) -> int:
        return len(self._values)

    def percentile(self, name: str) -> float | None:
        """The `p50`, … of them; None without any."""
        found = self._percentiles.get(name)
        if found is None and self._values:
            rank = math.ceil(float(name[1:]) / 100 * len(self._values))
            found = self._percentiles[name] = sorted(self._values)[max(rank, 1) - 1]
        return found


class TargetHealth:
    """One target. Times are seconds of any clock that only goes forward."""

    __slots__ = (
        "_cool_until",
        "_failures",
        "_measured_at",
        "_open_until",
        "_pause",
        "_probing",
        "_retries",
        "_retries_at",
        "_successes",
        "_weighed_at",
        "ejections",
        "in_flight",
        "latencies",
        "latency",
        "throughput",
        "throughputs",
    )

    def __init__(self) -> None:
        self.in_flight = 0
        self.ejections = 0  # how often it became open
        self.latency: float | None = None  # seconds to the first event
        self.throughput: float | None = None  # tokens a second
        self.latencies = Samples()
        self.throughputs = Samples()
        self._measured_at = 0.0
        self._successes = 0.0
        self._failures = 0.0
        self._weighed_at = 0.0
        self._open_until = 0.0
        self._pause = 0.0  # 0: closed
        self._cool_until = 0.0
        self._probing = False
        self._retries = _MOST_RETRIES
        self._retries_at = 0.0

    def state(self, now: float) -> State:
        if not self._pause:
            return "closed"
        return "open" if now < self._open_until else "half_open"

    def is_ready(self, now: float) -> bool:
        """Whether another request should go there before others were tried."""
        if now < self._cool_until:
            return False
        return not self._pause or (now >= self._open_until and not self._probing)

    def ready_at(self) -> float:
        """From when on; in the past if it is ready."""
        return max(self._cool_until, self._open_until if self._pause else 0.0)

    @property
    def late_after(self) -> float | None:
        """Seconds in which 95 of a hundred requests have had their first event; None: too few are known."""
        if len(self.latencies) < _ENOUGH_SAMPLES:
            return None
        return max(self.latencies.percentile("p95") or 0.0, _SOONEST_LATE)

    @property
    def is_sound(self) -> bool:
        """Nothing has to be looked at before a request goes there."""
        return not self._pause and not self._cool_until

    def began(self, now: float) -> None:
        self.in_flight += 1
        self._probing = self.state(now) == "half_open"
        self._retries += _RETRIES_A_REQUEST  # more than the most is cut off where it is used

    def may_retry(self, now: float) -> bool:
        """Take one of the retries that are left; False if there is none."""
        left = self._retries + (now - self._retries_at) * _RETRIES_A_SECOND
        left = min(left, _MOST_RETRIES)
        self._retries_at = now
        self._retries = left - 1 if left >= 1 else left
        return left >= 1

    def may_come(self, now: float) -> bool:
        """Whether a request that failed elsewhere may go on to here.

        To a target that does well it is a request like any other; to one that does not, a retry.
        """
        return self.is_ready(now) or self.may_retry(now)

    def spoke(self, now: float, seconds: float) -> None:
        """The first event came after so many seconds."""
        self.latencies.append(seconds)
        if self.latency is None or seconds > self.latency:
            self.latency = seconds
        else:
            kept = math.exp((self._measured_at - now) / _LATENCY_MEMORY)
            self.latency = self.latency * kept + seconds * (1 - kept)
        self._measured_at = now

    def ended(self, now: float, outcome: Outcome, *, retry_after: float | None = None) -> None:
        self.in_flight -= 1
        match outcome:
            case "ok" | "rejected":
                self._weigh(now, success=True)
                self._pause = self._cool_until = 0.0
            case "failed":
                self._weigh(now, success=False)
                self._maybe_open(now)
            case "rate_limited":
                self._cool_until = max(self._cool_until, now + (retry_after or _COOLING))
            case "cancelled":
                pass
        self._probing = False

    def said(self, tokens: int, seconds: float) -> None:
        """So many tokens came in the seconds from the first event to the last."""
        if tokens > 1 and seconds > 0:
            rate = tokens / seconds
            self.throughputs.append(rate)
            self.throughput = rate if self.throughput is None else self.throughput * 0.8 + rate * 0.2

    def _weigh(self, now: float, *, success: bool) -> None:
        kept = math.exp((self._weighed_at - now) / _MEMORY)
        self._successes = self._successes * kept + success
        self._failures = self._failures * kept + (not success)
        self._weighed_at = now

    def _maybe_open(self, now: float) -> None:
        if self._pause:  # a probe failed, or one that was under way
            self._pause = min(self._pause * 2, _LONGEST_PAUSE) if self._probing else self._pause
            self._open_until = now + self._pause
        elif self._failures > _LEAST_FAILURES - 0.5 and self._failures >= _OPEN_RATIO * (
            self._failures + self._successes
        ):
            self._pause = _FIRST_PAUSE
            self._open_until = now + self._pause
            self.ejections += 1


class Health:
    """All targets, by public name; those used longest ago are forgotten beyond a bound."""

    def __init__(self) -> None:
        self._targets: OrderedDict[str, TargetHealth] = OrderedDict()
        self._unsound: set[str] = set()

    def of(self, target: Target) -> TargetHealth:
        """To write into: it is made when it is new."""
        name = target.public_name
        found = self._targets.get(name)
        if found is None:
            self._forget()
            found = self._targets[name] = TargetHealth()
        else:
            self._targets.move_to_end(name)
        return found

    def all(self) -> list[tuple[str, TargetHealth]]:
        """Everybody that is known of by now."""
        return list(self._targets.items())

    @property
    def held(self) -> list[tuple[str, int, int]]:
        """See antiphon.measures."""
        return [("targets measured", len(self._targets), _MOST_TARGETS)]

    def look(self, name: str) -> TargetHealth | None:
        """What is known of a target by now."""
        return self._targets.get(name)

    def ended(self, target: Target, now: float, outcome: Outcome, retry_after: float | None = None) -> None:
        found = self.of(target)
        found.ended(now, outcome, retry_after=retry_after)
        if found.is_sound:
            self._unsound.discard(target.public_name)
        else:
            self._unsound.add(target.public_name)

    def unready(self, now: float) -> frozenset[str]:
        """The targets that should be tried after all others; usually none."""
        if not self._unsound:
            return _NOBODY
        return frozenset(name for name in self._unsound if not self._targets[name].is_ready(now))

    def _forget(self) -> None:
        """Make room for one more. A target that a request is at now is kept."""
        if len(self._targets) < _MOST_TARGETS:
            return
        for name, health in self._targets.items():
            if not health.in_flight:
                del self._targets[name]
                self._unsound.discard(name)
                return


_NOBODY: frozenset[str] = frozenset()
