"""The total of a response: all its calls, retries, corrections and pauses together may take so many seconds.

A single call has deadlines of its own (upstream/client.py). This one bounds what they add up to. All
responses have the same time, so that they end in the order in which they began: one timer, for the oldest,
does for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from antiphon.protocol.errors import AntiphonError, UpstreamTimeout

_LEAST = 0.01  # seconds: a timer may go off a little early, by the clock that is asked


class Timed(Protocol):
    """A response in progress. `began`: by the clock of its deadline."""

    @property
    def began(self) -> float: ...

    def cancel(self, reason: AntiphonError) -> None: ...


class Deadline:
    """Cancels whatever runs for `seconds`; `clock` only goes forward."""

    def __init__(self, seconds: float, clock: Callable[[], float], running: Iterable[Timed]) -> None:
        """`running`: all in progress, at any time, the oldest first."""
        self._seconds = seconds
        self._clock = clock
        self._running = running
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Another one has begun."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now = self._clock()
        for each in self._running:
            left = each.began + self._seconds - now
            if left > 0:
                self._timer = asyncio.get_running_loop().call_later(max(left, _LEAST), self._look)
                return
            each.cancel(UpstreamTimeout(f"The response was not finished within {self._seconds:g} s."))
