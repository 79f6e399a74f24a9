"""Retention: what was kept long enough is forgotten, in small steps, as long as there is something.

Of several processes each does a part: what one has deleted the other does not find.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog
from msgspec import Struct

from antiphon.engine.ports import JobStore
from antiphon.protocol.errors import GatewayError

_INTERVAL = 60.0  # seconds between two rounds
_STEP = 200  # rows of one transaction
_PAUSE = 0.05  # seconds between two steps, for everybody else's writes

log = structlog.get_logger()


class OldResponses(Protocol):
    """Where responses grow old; see antiphon.stores.expiry. Raises GatewayError."""

    async def projects(self) -> list[str]: ...

    async def delete(self, project_id: str, /, *, after: float, most: int) -> int: ...


class OldDeliveries(Protocol):
    """Where what webhooks were told grows old; see antiphon.stores.deliveries. Raises GatewayError."""

    async def trim(self, *, after: float, most: int) -> int: ...


class OldAnswers(Protocol):
    """Where answers to requests with a key grow old; see antiphon.stores.answers. Raises GatewayError."""

    async def forget(self, most: int, /) -> int: ...


class Kept(Struct, frozen=True):
    """Seconds: of responses since they were made (0: for ever), of journals since their response ended, and
    what webhooks were told of it likewise."""

    responses: float
    journals: float


class Retention:
    """Forgets until it is cancelled."""

    def __init__(
        self,
        jobs: JobStore,
        responses: OldResponses,
        deliveries: OldDeliveries,
        answers: OldAnswers,
        kept: Kept,
    ) -> None:
        self._journaled = (jobs, deliveries)
        self._answers = answers
        self._responses = responses
        self._kept = kept

    async def run(self) -> None:
        while True:
            try:
                forgotten = await self.round()
            except GatewayError as error:
                log.warning("retention_waits", reason=str(error))
            else:
                if forgotten:
                    log.info("forgotten", rows=forgotten)
            await asyncio.sleep(_INTERVAL)

    async def round(self) -> int:
        """All that is old enough by now; how many. Raises GatewayError."""
        forgotten = 0
        for store in self._journaled:
            while step := await store.trim(after=self._kept.journals, most=_STEP):
                forgotten += step
                await asyncio.sleep(_PAUSE)
        while step := await self._answers.forget(_STEP):
            forgotten += step
            await asyncio.sleep(_PAUSE)
        if not self._kept.responses:
            return forgotten
        for project in await self._responses.projects():
            while step := await self._responses.delete(project, after=self._kept.responses, most=_STEP):
                forgotten += step
                await asyncio.sleep(_PAUSE)
        return forgotten
