"""Readiness: whether a write would succeed now, without asking the database each time.

A commit proves for a moment that the next will succeed, until one fails. Without such a proof a probe is
written, once for all who ask meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from antiphon.stores.drivers.base import Row

TRUSTED = 1.0  # seconds for which a commit proves that the next will succeed

Rows: TypeAlias = list[Row]


class Readiness:
    """What is known. `write` writes the probe, and tells `proved` or `failed` as every write does."""

    def __init__(self, write: Callable[[], Coroutine[Any, Any, Rows]], now: Callable[[], float]) -> None:
        self._write = write
        self._now = now
        self._proved_at: float | None = None
        self._probe: asyncio.Task[Rows] | None = None

    def proved(self) -> None:
        """A commit succeeded."""
        self._proved_at = self._now()

    def failed(self) -> None:
        """A commit did not."""
        self._proved_at = None

    async def ask(self) -> None:
        """Returns if a write would succeed. Raises what the probe raises."""
        if self._proved_at is not None and self._now() - self._proved_at < TRUSTED:
            return
        if self._probe is None:
            self._probe = asyncio.create_task(self._write())
            self._probe.add_done_callback(self._probed)
        await asyncio.shield(self._probe)

    def _probed(self, probe: asyncio.Task[Rows]) -> None:
        self._probe = None
        if not probe.cancelled():
            probe.exception()  # heard, also when nobody waits any more
