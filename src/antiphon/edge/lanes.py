"""The order of one WebSocket: one answer after the other in each lane, lanes beside one another.

What names no `stream_id` is in a lane of its own, so that a client that knows of no lanes gets its answers
strictly in order; refusals too wait for their turn. A lane is there as long as it has something to answer, or
the connection holds a response of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from antiphon.edge.channel import ChannelClosed
from antiphon.edge.held import Memory
from antiphon.protocol.errors import AntiphonError, StreamLimitReached
from antiphon.protocol.json import JSON


@dataclass(frozen=True, slots=True)
class Wish:
    """A message that is to be answered: an event, or why it is none. `size`: bytes of the message."""

    lane: str | None
    size: int
    event: JSON
    refusal: AntiphonError | None = None


@dataclass(frozen=True, slots=True)
class LaneBounds:
    """`wishes` at a time, those that wait included, of so many `bytes` together; so many named `lanes`."""

    wishes: int
    lanes: int
    bytes: int


class Lanes:
    """Has each wish answered when its turn comes, by a task of the lane's own.

    `bug`: what went wrong in one of them, if it is not the client's or a provider's doing.
    """

    def __init__(
        self,
        answer: Callable[[Wish], Awaitable[None]],
        on_done: Callable[[], None],
        memory: Memory,
        bounds: LaneBounds,
    ) -> None:
        """`answer` may raise ChannelClosed; `on_done` is called when a lane has nothing more to answer."""
        self.bug: BaseException | None = None
        self._answer = answer
        self._on_done = on_done
        self._tasks: set[asyncio.Task[None]] = set()
        self._memory = memory
        self._bounds = bounds
        self._waiting: dict[str | None, deque[Wish]] = {}
        self._wishes = 0
        self._bytes = 0

    @property
    def are_idle(self) -> bool:
        return not self._waiting

    def add(self, wish: Wish) -> None:
        """Raises StreamLimitReached."""
        self._check(wish)
        self._wishes += 1
        self._bytes += wish.size
        if (waiting := self._waiting.get(wish.lane)) is not None:
            waiting.append(wish)
        else:
            self._waiting[wish.lane] = deque([wish])
            task = asyncio.get_running_loop().create_task(self._work(wish.lane))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Nothing is answered any more."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        del self._answer, self._on_done  # which hold who made this object

    def _check(self, wish: Wish) -> None:
        most = self._bounds
        if self._wishes >= most.wishes:
            raise StreamLimitReached(
                f"There are {most.wishes} responses in progress on this connection: wait for one of them."
            )
        if self._wishes and self._bytes + wish.size > most.bytes:
            raise StreamLimitReached("The requests in progress on this connection are too large together.")
        if wish.lane is None or wish.lane in self._waiting:
            return
        named = self._memory.lanes.union(name for name in self._waiting if name is not None)
        if wish.lane not in named and len(named) >= most.lanes:
            raise StreamLimitReached(
                f"There are {most.lanes} lanes on this connection: use one of them, or another connection.",
                param="stream_id",
            )

    async def _work(self, lane: str | None) -> None:
        waiting = self._waiting[lane]
        with suppress(ChannelClosed):
            while waiting:
                await self._answer(waiting[0])
                self._bytes -= waiting.popleft().size
                self._wishes -= 1
            del self._waiting[lane]

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (bug := task.exception()) is not None:
            self.bug = bug
        if task in self._tasks:
            self._tasks.remove(task)
            self._on_done()
