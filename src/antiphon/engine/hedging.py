"""Hedged requests: when a target is late with its first word, the next one is asked beside it.

    asked ──it speaks in time──▶ it goes on
      └──it is late──▶ the next is asked, too ─┬─ one speaks: it goes on, the other is let go
                                               ├─ one fails: the other goes on
                                               └─ both fail: the later failure is that of both

Late is what comes after 95 of a hundred, so that about one request in twenty is asked twice, and nobody is
asked a third time. That costs what the loser has read. So it is the operator's choice, and not done where a
tool of a provider might run twice, where the answer is not streamed (then nothing is heard before the end),
or where the second answer could be dear. (J. Dean and L. A. Barroso: The Tail at Scale, 2013.)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from antiphon.core.deltas import Delta
from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.engine.asking import Asking
from antiphon.engine.attempts import Accounting, Attempts, Heard
from antiphon.protocol.errors import GatewayError

_OF_CLIENT = ("function", "custom")
_NOTHING = Heard(None, None, ())


class Hedging:
    """Whether, and when. `most_output`: the tokens that a target says at most, None if that is not known."""

    def __init__(
        self, accounting: Accounting, most_output: Callable[[Target], int | None], most_cost: float
    ) -> None:
        """`most_cost`: US dollars that the answer of the second may cost."""
        self._accounting = accounting
        self._most_output = most_output
        self._most_cost = most_cost

    def patience(self, asking: Asking) -> float | None:
        """Seconds until the next target is asked, too; None: it is not."""
        other, turn = asking.following, asking.turn
        if other is None or not turn.stream or any(tool["type"] not in _OF_CLIENT for tool in turn.tools):
            return None
        late_after = self._accounting.watch.of(asking.target).late_after
        return late_after if late_after is not None and self._is_affordable(other, turn) else None

    def _is_affordable(self, target: Target, turn: Turn) -> bool:
        """An answer whose length or price is not known is not."""
        tokens = turn.max_output_tokens or self._most_output(target)
        if tokens is None:
            return False
        counts = {"output_tokens": tokens}
        at = self._accounting.time()
        charge = self._accounting.tariff.charge(target, counts, service_tier=None, at=at, estimated=True)
        return charge is not None and charge.total <= self._most_cost * 1e9


class Race:
    """One call that may become two. Afterwards `asking` and `attempts` are those of whoever went on."""

    def __init__(self, asking: Asking, attempts: Attempts, gone_over: Callable[[], None]) -> None:
        """`attempts` has begun. `gone_over` hears when it is the second who goes on."""
        self._asking = asking
        self._attempts = attempts
        self._gone_over = gone_over

    async def deltas(self, patience: float) -> AsyncGenerator[list[Delta], None]:
        """What the one who goes on says. Raises as a speech does."""
        first, second = _Runner(self._asking, self._attempts, begun=True), None
        running = first
        try:
            await asyncio.wait([first.opening], timeout=patience)
            if not first.opening.done():
                second = _Runner(self._asking.beside(), self._attempts.beside(), begun=False)
                running = await _better(first, second)
            if running is second:
                self._attempts.was_late()
                self._asking.adopt(second.asking)
                self._attempts.adopt(second.attempts)
                self._gone_over()
            batch = await running.opening
            while batch is not None:
                yield batch
                batch = await anext(running.batches, None)
        finally:
            running.is_counted = True  # by whoever hears this
            for runner in (first, second):
                if runner is not None:
                    await runner.let_go()


class _NobodyElse(GatewayError):
    """The second cannot be asked this."""


class _Runner:
    """One of the two. `opening`: its first batch; None if it says nothing at all."""

    batches: AsyncGenerator[list[Delta], None]

    def __init__(self, asking: Asking, attempts: Attempts, *, begun: bool) -> None:
        self.asking = asking
        self.attempts = attempts
        self.begun = begun
        self.is_counted = False
        self.opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> list[Delta] | None:
        if not self.begun:
            if not await self.asking.move_on(self.attempts.may_come):
                raise _NobodyElse("There is nobody else to ask.")
            self.attempts.again("hedge")
            self.attempts.begin(self.asking.target)
            self.begun = True
        self.batches = self.asking.speech.deltas()
        return await anext(self.batches, None)

    def end(self, failure: BaseException) -> None:
        """Its call is over, which nobody has heard anything of."""
        if self.begun and not self.is_counted:
            self.attempts.end(self.asking.target, self.asking.turn, _NOTHING, failure)
        self.is_counted = True

    async def let_go(self) -> None:
        """End its call, if that is not over, and count it, if nobody has."""
        self.opening.cancel()
        await asyncio.wait([self.opening])
        cancelled = asyncio.CancelledError()
        failure = cancelled if self.opening.cancelled() else self.opening.exception()
        if hasattr(self, "batches"):
            await self.batches.aclose()
        if failure is None and not self.is_counted:
            self.attempts.spoke()  # in the same moment as the other
        self.end(failure or cancelled)


async def _better(first: _Runner, second: _Runner) -> _Runner:
    """Who goes on: the one that speaks first, or that is left when the other has failed."""
    await asyncio.wait([first.opening, second.opening], return_when=asyncio.FIRST_COMPLETED)
    done, other = (first, second) if first.opening.done() else (second, first)
    failure = done.opening.exception()
    if failure is not None and other.begun:
        done.end(failure)
        return other
    await other.let_go()
    return done
