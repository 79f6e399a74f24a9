"""The books: rows of the ledger on their way to the store.

A response that is stored brings its rows along, in one transaction. What is entered here belongs to the
others, whose clients should not pay for our accounts with their time: the rows are written together, a
moment after the first of them came, and tried again while the store is not available. They are bounded: when
a store is away for very long the oldest are given up, and the log says how many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from antiphon.core.records import Attempt
from antiphon.protocol.errors import GatewayError

log = structlog.get_logger()


class Ledger(Protocol):
    """Where the rows are kept."""

    async def add(self, made: Sequence[Attempt], /) -> None:
        """Returns when they are committed. Raises GatewayError."""
        ...


class Books:
    """`within`: seconds until an entry is written, and `retry` until it is tried again. `most` may wait."""

    def __init__(
        self, ledger: Ledger, *, within: float = 0.05, retry: float = 1.0, most: int = 100_000
    ) -> None:
        self._ledger = ledger
        self._within = within
        self._retry = retry
        self._most = most
        self._waiting: list[Attempt] = []
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def held(self) -> list[tuple[str, int, int]]:
        """See antiphon.measures."""
        return [("rows for the ledger", len(self._waiting), self._most)]

    def enter(self, attempts: Sequence[Attempt]) -> None:
        """They will be written soon."""
        self._waiting += attempts
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def close(self) -> None:
        """Write what waits. What cannot be written now is lost, and the log says so."""
        self._closing.set()
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        """Until nothing waits any more."""
        pause = self._within
        while self._waiting:
            await self._pause(pause)
            rows, self._waiting = self._waiting, []
            try:
                await self._ledger.add(rows)
                pause = self._within
            except GatewayError as error:
                pause = self._retry
                self._keep(rows, error)
        self._writing = None

    async def _pause(self, seconds: float) -> None:
        """Shorter when there is no time left."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass

    def _keep(self, rows: list[Attempt], error: GatewayError) -> None:
        """The store is away: keep what fits, for the next time if there is one."""
        rows += self._waiting
        lost = len(rows) if self._closing.is_set() else max(len(rows) - self._most, 0)
        self._waiting = rows[lost:]
        if lost:
            log.error("ledger_rows_lost", rows=lost, reason=str(error))
