"""What becomes of a failure: another target, the same once more, or the client. Before anything was said:

400 and its like     the client: another provider would say the same, and a content filter is not
                     there to be got round
404                  another target: this one does not have the model
all other failures   another target; without one, once more after a status that says it may pass

A target that is in trouble bears few of either: see the budget of retries in `routing/health.py`.

After that it is the client's; but where it asked for `continuation`, and the provider broke off while it said
nothing but text, the next target goes on with that text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from antiphon.core.assembler import Assembler
from antiphon.engine.asking import Asking
from antiphon.engine.attempts import Attempts
from antiphon.protocol.errors import (
    ProviderError,
    StaleReasoning,
    UnfitAnswer,
    UpstreamFailed,
    UpstreamRejected,
)
from antiphon.protocol.events import Event, continuation_event

_PASSING = (500, 502, 503, 529)

_MOST_KEYS = 8
"""Keys that one response may go on to, of all its providers."""


class Tolerance(Struct, frozen=True):
    """So many `retries` of a failure that may pass, and whether another may go on where one broke off.

    `chance` is between 0 and 1, different for each response.
    """

    retries: int
    continues: bool
    chance: float


class Recovery:
    """The failures of one response, and what was tried already."""

    def __init__(
        self,
        asking: Asking,
        attempts: Attempts,
        assembler: Assembler,
        tolerance: Tolerance,
        *,
        tell: Callable[[list[Event]], Awaitable[None]],
        begin_again: Callable[[], None],
    ) -> None:
        """`begin_again` hears that another target answers than was to, and nobody was told anything yet."""
        self._asking = asking
        self._attempts = attempts
        self._assembler = assembler
        self._tolerance = tolerance
        self._tell = tell
        self._begin_again = begin_again
        self._retries = 0
        self._keys = 0  # that were changed

    async def again(self, error: ProviderError) -> bool:
        """See that the turn can be asked again, of this target or another; False if it has failed."""
        if await self._correct(error):
            return True
        if self._assembler.has_spoken:
            return self._tolerance.continues and await self._hand_over(error)
        return self._forget_thoughts(error) or self._change_key(error) or await self._try_elsewhere(error)

    async def _correct(self, error: ProviderError) -> bool:
        """See that what is unfit is asked for again; False if it is something else, or cannot be."""
        if not isinstance(error, UnfitAnswer) or not self._asking.may_correct:
            return False
        _, events = self._assembler.end_turn()
        await self._tell(events)
        return self._asking.correct(error, self._assembler.heard) and self._counted("correction")

    async def _hand_over(self, error: ProviderError) -> bool:
        """See that another goes on with what was said."""
        if isinstance(error, UpstreamRejected | UnfitAnswer):
            return False
        said, broke_off = self._assembler.said_so_far, self._asking.target.public_name
        if said is None or not await self._asking.hand_over(said, self._attempts.may_come):
            return False
        by = self._asking.target.public_name
        announced = continuation_event(broke_off, by, len(said), error.code)
        await self._tell(self._assembler.hand_over(announced))
        return self._counted("continuation")

    def _forget_thoughts(self, error: ProviderError) -> bool:
        """The same without what was sealed earlier, if that was at fault."""
        if not isinstance(error, StaleReasoning) or not self._asking.forget_thoughts():
            return False
        return self._counted("stale_thoughts")

    def _change_key(self, error: ProviderError) -> bool:
        """The same of the same target, if only its key was at fault."""
        if not error.another_key or self._keys == _MOST_KEYS:
            return False
        self._keys += 1
        self._asking.once_more()
        return self._counted("another_key")

    async def _try_elsewhere(self, error: ProviderError) -> bool:
        if not another_may_do_better(error):
            return False
        if await self._asking.move_on(self._attempts.may_come):
            self._begin_again()
            return self._counted("fallback")
        if not may_pass(error) or self._retries == self._tolerance.retries:
            return False
        if not self._attempts.may_retry(self._asking.target):
            return False
        await asyncio.sleep(pause(self._retries, self._tolerance.chance))
        self._retries += 1
        self._asking.once_more()
        return self._counted("retry")

    def _counted(self, reason: str) -> bool:
        self._attempts.again(reason)
        return True


def another_may_do_better(error: ProviderError) -> bool:
    return not isinstance(error, UpstreamRejected) or error.status == 404


def may_pass(error: ProviderError) -> bool:
    """Whether the same target may succeed when it is asked again at once, and has not answered already: what
    broke off may have been paid for.
    """
    return isinstance(error, UpstreamFailed) and error.status in _PASSING


def pause(times: int, chance: float) -> float:
    """Seconds before the next try: doubled each time, with jitter; `chance` is between 0 and 1."""
    return min(0.1 * 2.0**times, 2.0) * (0.5 + chance)
