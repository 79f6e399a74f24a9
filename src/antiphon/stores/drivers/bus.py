"""A bus between processes, whatever carries it: connected again and again, and never waited for.

    tell ──> the topics that wait, each once ──> the connection ──> all other processes
    heard <─────────────────────────────────────────┘

    start ─▶ connecting ⇄ connected ─▶ close

Nothing of it is authoritative: what is told while there is no connection, or while too many topics wait, is
not told. Who waits for it looks by himself from time to time.
"""

from __future__ import annotations

import asyncio
import os
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, TypeAlias

import structlog

HEARTBEAT = 15.0  # seconds of silence after which a connection is tried
PATIENCE = 3.0  # seconds in which a server must answer
PACE = 0.005  # seconds between two rounds: meanwhile topics gather, and the same ones become one
LIMIT = 10_000  # topics that may wait
_PAUSES = (0.1, 2.0)  # seconds before a connection is tried again: at first, at most
_ENDING = 0.5  # seconds that what was told last gets to leave

Heard: TypeAlias = Callable[[str | None], None]
"""Called with a topic of which another process tells; with None when any may have been missed."""

log = structlog.get_logger()


class Bus(ABC):
    """What all have in common. Made, used and closed on one event loop; its methods raise nothing."""

    name: ClassVar[str]
    errors: ClassVar[tuple[type[Exception], ...]]
    """What carrying raises when the server is away, or does not want us."""

    def __init__(self, sender: str, *, limit: int = LIMIT) -> None:
        """`sender`: an id of this process, in visible ASCII, by which it knows its own words again.

        `limit`: topics that may wait to be told; one more is not told.
        """
        self._sender = sender
        self._limit = limit
        self._waiting: dict[str, None] = {}
        self._nudged = asyncio.Event()
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._heard: Heard = _ignore
        self._pause = _PAUSES[0]
        self._is_connected = False
        self._was_away = False
        self._is_closing = False

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    @property
    def waiting(self) -> int:
        """Topics that no round has taken yet."""
        return len(self._waiting)

    def start(self, heard: Heard) -> None:
        """Connect, and call `heard` from now on. That the server is away is a warning in the log."""
        self._heard = heard
        self._task = asyncio.get_running_loop().create_task(self._live())
        self._task.add_done_callback(_ended)

    def tell(self, topic: str) -> None:
        """Tell all other processes, soon."""
        if self._is_connected and len(self._waiting) < self._limit:
            self._waiting[topic] = None
            self._nudged.set()

    @abstractmethod
    def follow(self, topic: str) -> None:
        """Somebody here listens to it from now on."""

    @abstractmethod
    def unfollow(self, topic: str) -> None:
        """Nobody here listens to it any more."""

    async def close(self) -> None:
        """What was told gets a moment to leave."""
        if self._is_connected and self._waiting:
            self._told.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_ENDING):
                    await self._told.wait()
        self._is_closing, self._is_connected = True, False
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    # For those who carry

    @abstractmethod
    async def _carry(self) -> None:
        """Connect, call `_connected`, and carry while `is_connected`. Raises one of `errors`.

        A cancellation may be lost on its way (`asyncio.wait_for` of Python 3.11 drops one that comes as what
        it waits for is done), so that every loop asks `is_connected` each time.
        """

    def _connected(self) -> None:
        self._waiting.clear()
        self._is_connected, self._pause = not self._is_closing, _PAUSES[0]
        if self._was_away:
            self._was_away = False
            log.info("signals_are_back", over=self.name)
        self._heard(None)

    async def _round(self) -> list[str]:
        """The topics to tell now; none, when there were none for long, or when the connection is lost."""
        if not self._waiting:
            self._told.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT):
                    await self._nudged.wait()
        self._nudged.clear()
        topics = list(self._waiting)
        self._waiting.clear()
        return topics

    def _disconnected(self) -> None:
        """The connection is lost; a round that waits for topics ends."""
        self._is_connected = False
        self._nudged.set()

    # A connection after the other

    async def _live(self) -> None:
        while not self._is_closing:
            try:
                await self._carry()
            except* self.errors as lost:
                self._lost(_first(lost))
            finally:
                self._is_connected = False
            if self._is_closing:  # what failed on the way out has taken the place of the cancellation
                return
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # else all processes come at once
            self._pause = min(self._pause * 2, _PAUSES[1])

    def _lost(self, error: BaseException) -> None:
        """One line for each time that it is away, without the server's words: they may quote a password."""
        if not self._was_away:
            self._was_away = True
            log.warning("signals_only_by_polling", over=self.name, reason=reason(error))


def reason(error: BaseException) -> str:
    """What may be said of it in logs: nothing that a server said."""
    causes: BaseException | None = error
    while causes is not None:
        if isinstance(causes, TimeoutError):
            return "it does not answer"
        if isinstance(causes, OSError) and causes.errno:
            return os.strerror(causes.errno) if causes.errno > 0 else "its name cannot be resolved"
        causes = causes.__cause__ or causes.__context__
    return type(error).__name__


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        log.error("signals_failed", exc_info=bug)


def _ignore(topic: str | None) -> None:
    """Before it starts, nobody listens."""
