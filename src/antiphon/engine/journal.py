"""The journal of a foreground response: its events, in order, for one reader.

It lives in memory and holds what its reader has not taken yet, at most `bound` events: a slow reader
holds the upstream back rather than fill the memory. A reader who wants nothing but the end holds nothing
back, and is not woken before. When the response fails before anything was said,
`failure` says why, so that the reader may answer with a status instead of a stream.
"""

from __future__ import annotations

import asyncio

from antiphon.protocol.errors import AntiphonError
from antiphon.protocol.events import TERMINAL, Event

_BOUND = 4096


class MemoryJournal:
    """One writer (the run), one reader (the outlet)."""

    def __init__(self, bound: int = _BOUND) -> None:
        self.failure: AntiphonError | None = None
        self.is_revealed = False  # the client has seen the response's id
        self.ended = False
        self._bound = bound
        self.keeps_all = True  # or its reader wants nothing but the end
        self._events: list[Event] = []
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    async def append(self, events: list[Event]) -> None:
        """Waits while the reader is behind by more than the bound."""
        if not events:
            return
        if events[-1]["type"] in TERMINAL:
            self.ended = True
        elif not self.keeps_all:
            return
        self._events.extend(events)
        self.nudge()
        if len(self._events) > self._bound and not self.ended:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    async def read(self) -> list[Event]:
        """All events not read yet; empty when the journal has ended, or when it was nudged."""
        if not self._events and not self.ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        taken, self._events = self._events, []
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)
        return taken

    async def end(self) -> Event:
        """The terminal event, once it is there; what comes before it is not kept."""
        self.keeps_all = False
        events = await self.read()
        while not events or events[-1]["type"] not in TERMINAL:
            events = await self.read()
        return events[-1]

    def let_go(self) -> None:
        """Nobody reads any more: nothing is kept, and the writer waits for nobody."""
        self.keeps_all, self._events = False, []
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def nudge(self) -> None:
        """Wake the reader without an event, so that it may look at the clock."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
