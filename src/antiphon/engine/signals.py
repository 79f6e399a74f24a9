"""Signals: an event loop's own wake-ups, and with a bus those of all processes.

    publish ──> who listens here, at once
            ──> the bus ──> who listens there

Who sleeps is woken once, however much was published meanwhile. What a bus loses costs a wait: everybody who
listens looks again by himself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from antiphon.engine.ports import Bus


class LocalSignals:
    """Signals for all who are on this event loop."""

    def __init__(self) -> None:
        self._listening: dict[str, set[_Heard]] = {}

    def publish(self, topic: str) -> None:
        """See Signals."""
        for heard in self._listening.get(topic, ()):
            heard.event.set()

    def publish_all(self) -> None:
        """Wake everybody: nobody knows what was missed."""
        for topic in self._listening:
            self.publish(topic)

    def is_heard(self, topic: str) -> bool:
        """Whether anybody listens."""
        return topic in self._listening

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[_Heard]:
        """See Signals."""
        heard = _Heard()
        listening = self._listening.setdefault(topic, set())
        listening.add(heard)
        try:
            yield heard
        finally:
            listening.discard(heard)
            if not listening and self._listening.get(topic) is listening:
                del self._listening[topic]


class SharedSignals:
    """Signals for all whose buses carry to one another."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._local = LocalSignals()

    def start(self) -> None:
        """Hear others from now on."""
        self._bus.start(self._hear)

    def _hear(self, topic: str | None) -> None:
        if topic is None:
            self._local.publish_all()
        else:
            self._local.publish(topic)

    def publish(self, topic: str) -> None:
        """See Signals."""
        self._local.publish(topic)
        self._bus.tell(topic)

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[_Heard]:
        """See Signals."""
        if not self._local.is_heard(topic):
            self._bus.follow(topic)
        try:
            with self._local.subscribe(topic) as heard:
                yield heard
        finally:
            if not self._local.is_heard(topic):
                self._bus.unfollow(topic)

    async def close(self) -> None:
        """Hear nobody any more."""
        await self._bus.close()


class _Heard:
    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def wait(self, timeout: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.event.wait()
        self.event.clear()
